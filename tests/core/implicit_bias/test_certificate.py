"""The implicit bias of finite steps."""

import numpy as np
import pytest

from core.data.regression import Dataset
from core.data.row_space import row_space
from core.implicit_bias.certificate import (
    certificate_residual,
    effective_asymmetry,
    effective_initialization,
    mean_effective_init,
    potential,
)
from core.implicit_bias.gradient_flow import flow_limit
from core.interpolators.flattest import flattest_interpolator
from core.networks.network import Diagonal
from core.stability.max_stable_step import max_stable_step
from core.stability.sharpness import interpolator_sharpness_of
from tests.core.problems import small_problem
from tests.reference.descent_by_hand import Path, descend, loss


def walk(data: Dataset, scale: float, step_sizes: list[float]) -> Path:
    """The slow run from u₊ = u₋ = scale."""
    dim = data.X.shape[1]
    return descend(data.X.tolist(), data.y.tolist(), Path(u_plus=[scale] * dim, u_minus=[scale] * dim), step_sizes)


def state(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(u₊, u₋, S) of a path, as arrays."""
    return np.array(path.u_plus), np.array(path.u_minus), np.array(path.steps_sum)


def near_edge(data: Dataset, fraction: float, warmup: int, steps: int) -> list[float]:
    """A linear warm-up to a fraction of the largest stable step."""
    top = fraction * max_stable_step(flattest_interpolator(data.X, data.y, Diagonal(2)).sharpness_upper)
    return [top * min(1, (t + 1) / warmup) for t in range(steps)]


SMALL_STEPS = [0.02] * 2000


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize(
    ("fraction", "warmup", "least_x", "most_x"),
    [(0.02, 1, 0, 0.1), (0.5, 2000, 0.3, 1), (0.9, 500, 1, 3)],
    ids=["smooth", "edge of stability", "violent"],
)
def test_the_last_state_knows_what_the_whole_path_accumulated(
    fraction: float, warmup: int, least_x: float, most_x: float, seed: int
) -> None:
    """A and δ from (u₊, u₋, S) equal those from Σ q±, summed step by step, even where steps with |x| > 1 turn signs."""
    data = small_problem(seed, mean=5.0)
    path = walk(data, 0.7, near_edge(data, fraction, warmup, 4000))
    u_plus, u_minus, steps_sum = state(path)
    log_plus = np.log(0.7) - np.array(path.q_plus_sum) / 2
    log_minus = np.log(0.7) - np.array(path.q_minus_sum) / 2
    assert least_x < path.largest_x < most_x
    effective = effective_initialization(u_plus, u_minus)
    np.testing.assert_allclose(effective, np.exp((log_plus + log_minus) / 2), rtol=1e-10)
    np.testing.assert_allclose(effective_asymmetry(u_plus, u_minus, steps_sum), log_plus - log_minus, atol=1e-10)
    predictor = 2 * np.exp(log_plus + log_minus) * np.sinh(log_plus - log_minus - 2 * steps_sum)
    np.testing.assert_allclose(u_plus**2 - u_minus**2, predictor, rtol=1e-9, atol=1e-12)
    assert certificate_residual(row_space(data.X), u_plus, u_minus, steps_sum) < 1e-12


@pytest.mark.parametrize("seed", [0, 3])
def test_a_converged_run_is_the_minimiser_with_its_effective_initialization(seed: int) -> None:
    """After a stretch at the edge of stability, dual Newton from the run's (A, δ) finds its β; from α it does not."""
    data = small_problem(seed, mean=5.0)
    schedule = near_edge(data, 0.5, 2000, 8000)
    path = walk(data, 0.7, schedule)
    u_plus, u_minus, steps_sum = state(path)
    predictor = u_plus**2 - u_minus**2
    assert loss(data.X.tolist(), data.y.tolist(), path) < 1e-25
    assert 1.8 < schedule[-1] * interpolator_sharpness_of(data.X, 4 * (u_plus**2 + u_minus**2)).value < 2
    effective = {
        "init_scale": effective_initialization(u_plus, u_minus),
        "asymmetry": effective_asymmetry(u_plus, u_minus, steps_sum),
    }
    found = flow_limit(data.X, data.y, **effective).predictor
    np.testing.assert_allclose(found, predictor, atol=1e-11)
    naive = flow_limit(data.X, data.y, init_scale=np.full(7, 0.7), asymmetry=np.zeros(7)).predictor
    assert np.abs(naive - predictor).max() > 0.01
    assert potential(predictor, **effective) < potential(naive, **effective)


def test_effective_initialization_only_shrinks() -> None:
    """It starts at α, and q₊ + q₋ ≥ 0 at every step with |x| < √2."""
    data = small_problem(2)
    previous = np.full(7, 0.7)
    for steps in (1, 10, 100):
        u_plus, u_minus, _ = state(walk(data, 0.7, [0.05] * steps))
        current = effective_initialization(u_plus, u_minus)
        assert (current <= previous).all()
        previous = current
    assert mean_effective_init(Diagonal(2), np.stack([u_plus, u_minus])) == previous.mean()


@pytest.mark.parametrize("shape", [(2, 7), (2, 4, 7), (2, 4, 5, 7)])
def test_every_state_has_its_own_scale(shape: tuple[int, ...]) -> None:
    """The mean over its coordinates; NaN for each at depth 3, where there is no such number."""
    theta = np.random.default_rng(0).uniform(0.1, 1, shape)
    found = mean_effective_init(Diagonal(2), theta)
    np.testing.assert_allclose(found, np.sqrt(theta[0] * theta[1]).sum(axis=-1) / 7, rtol=1e-12)
    np.testing.assert_array_equal(mean_effective_init(Diagonal(3), theta), np.full_like(found, np.nan))


def test_a_sum_with_a_part_outside_the_row_space_fails_the_certificate() -> None:
    """One gradient that is no combination of samples, of a hundredth of the sum, shows as about a hundredth."""
    data = small_problem(3)
    basis = row_space(data.X)
    u_plus, u_minus, steps_sum = state(walk(data, 0.5, SMALL_STEPS))
    stray = np.linalg.svd(data.X)[2][-1] * np.linalg.norm(steps_sum) / 100
    assert certificate_residual(basis, u_plus, u_minus, steps_sum) < 1e-12
    assert certificate_residual(basis, u_plus, u_minus, steps_sum + stray) == pytest.approx(0.01, rel=1e-3)


def test_the_certificate_resolves_tiny_initializations() -> None:
    """At α = 1e-7, where some β/2A exceed 1e12, it is as small as ever."""
    data = small_problem(4)
    u_plus, u_minus, steps_sum = state(walk(data, 1e-7, [0.02] * 4000))
    assert np.abs((u_plus**2 - u_minus**2) / (2 * u_plus * u_minus)).max() > 1e12
    assert certificate_residual(row_space(data.X), u_plus, u_minus, steps_sum) < 1e-12


def test_a_run_that_has_not_moved_has_certificate_zero() -> None:
    """Nothing is outside of anything yet."""
    start = np.full(7, 0.3)
    assert certificate_residual(row_space(small_problem(0).X), start, start, np.zeros(7)) == 0


def test_a_vanished_entry_has_no_certificate() -> None:
    """A = 0 leaves no potential to minimise."""
    start = np.full(7, 0.3)
    with pytest.raises(ValueError, match="vanished"):
        certificate_residual(row_space(small_problem(0).X), np.zeros(7), start, np.zeros(7))


def test_the_potential_is_that_of_the_flow() -> None:
    """Up to a constant Σ α² q(β/α²), q(z) = 2 − √(4+z²) + z asinh(z/2), at δ = 0 (Woodworth et al. 2020)."""
    scale, predictor = np.array([0.1, 1.0, 3.0]), np.array([-2.0, 0.5, 4.0])
    z = predictor / scale**2
    expected = (scale**2 * (2 - np.sqrt(4 + z**2) + z * np.arcsinh(z / 2))).sum()
    constant = (2 * scale**2).sum()
    found = potential(predictor, init_scale=scale, asymmetry=np.zeros(3)) + constant
    assert found == pytest.approx(expected, rel=1e-13)
    tilted = potential(predictor, init_scale=scale, asymmetry=np.array([1.0, 2.0, -1.0])) + constant
    assert tilted == pytest.approx(expected - (-2 + 1 - 4), rel=1e-13)
