"""Tests of the change of the tangent kernel."""

import numpy as np
import pytest

from core.stability import tangent_kernel
from core.stability.tangent_kernel import kernel_change


@pytest.mark.parametrize("shape", [(30, 4), (4, 30), (1, 1), (50, 1)])
def test_both_ways_to_the_norm_agree(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """From the kernel and from the features, in any units."""
    rng = np.random.default_rng(3)
    X, start, end = rng.standard_normal(shape), rng.uniform(0, 2, shape[1]), rng.uniform(0, 2, shape[1])
    by_kernel = kernel_change(X, end, start)
    assert kernel_change(1e-3 * X, end, start) == pytest.approx(by_kernel, rel=1e-12)
    monkeypatch.setattr(tangent_kernel, "MOST_SAMPLES", 0)
    for unit in (1e-3, 1.0):
        assert kernel_change(unit * X, end, start) == pytest.approx(by_kernel, rel=1e-12)


def test_a_million_samples_need_no_kernel_of_their_own() -> None:
    """K has 8 TB there. With one feature it is c·xxᵀ, so its change is that of c."""
    X = np.random.default_rng(4).standard_normal((1_000_000, 1))
    assert kernel_change(X, np.array([3.0]), np.array([2.0])) == pytest.approx(0.5, rel=1e-12)
    assert np.isnan(kernel_change(X, np.array([3.0]), np.array([0.0])))
