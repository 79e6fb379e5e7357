"""The interior-point method: programmes of its own whose optimum is known or is found by another method."""

import numpy as np
import pytest
from scipy.optimize import brentq

from core.interpolators.interior_point import Optimum, optimum_of
from core.interpolators.spectral_programme import SpectralProgramme


@pytest.mark.parametrize("power", [1.0, 4 / 3, 1.75])
def test_two_orthogonal_atoms_balance(power: float) -> None:
    """β₁ + 2β₂ = 1 with columns e₁ and 3e₂: λ = max(|β₁|^p, 9|β₂|^p) is least where the two agree."""
    weights = np.array([1.0, 2.0]) / np.sqrt(5)
    programme = SpectralProgramme(
        columns=np.diag([1.0, 3.0]), basis=weights[:, None], target=np.array([1 / np.sqrt(5)]), power=power
    )
    second = brentq(lambda b: abs(1 - 2 * b) ** power - 9 * abs(b) ** power, 0, 0.5, xtol=1e-15)
    # two columns need a dual matrix of order two, one equation a single multiplier
    found = optimum_of(programme)
    assert found.upper == pytest.approx(9 * second**power, rel=1e-7)
    assert found.gap <= 1e-7


@pytest.mark.parametrize(("upper", "lower", "gap"), [(0.5, 0.375, 0.25), (40.0, 30.0, 0.25), (0.0, 0.0, 0.0)])
def test_the_gap_is_relative(upper: float, lower: float, gap: float) -> None:
    """To the upper bound; none is left where that is 0."""
    one = np.ones(1)
    optimum = Optimum(predictor=one, upper=upper, dual_matrix=np.eye(1), multipliers=one, lower=lower, iterations=0)
    assert optimum.gap == gap
