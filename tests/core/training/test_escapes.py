"""The perturbation off an unstable interpolator."""

import numpy as np
import pytest

from core.data.regression import Dataset
from core.data.row_space import row_space
from core.randomness import stream
from core.training.escapes import PERTURBATION_SIZE, Escapes
from tests.core.training.evidence_at import batch_of
from tests.core.trainings import TINY, planned, problem_of


def moved(step: int = 6400, *, seed: int = 7, times: int = 1, warmup_steps: int = 0, others: int = 0) -> np.ndarray:
    """Change of the logarithm of θ of a run, of shape (part, dim), by so many perturbations."""
    runs = [planned(k, warmup_steps=warmup_steps, seed=seed + k, init_scale=0.5) for k in range(others + 1)]
    batch = batch_of(*runs)
    escapes = Escapes.begin(len(runs))
    for index in reversed(range(len(runs))):
        for _ in range(times):
            escapes.perturb(batch, index, step)
    assert escapes.count.tolist() == [times] * len(runs)
    return np.log(batch.theta()[0] / 0.5)


def test_a_perturbation_is_a_step_in_the_row_space_of_a_relative_size_of_1e9() -> None:
    """By residuals of 1e-9 of the root mean square of y: u± move by 1 ∓ x with x = (2η/N)·Xᵀr."""
    plus, minus = moved()
    np.testing.assert_allclose(plus, -minus, rtol=1e-5)
    basis = row_space(TINY.X)
    np.testing.assert_allclose(basis @ (basis.T @ plus), plus, atol=1e-3 * np.abs(plus).max())
    residual = np.linalg.lstsq(TINY.X.T, plus, rcond=None)[0] / (2 * 0.3 / 3)
    size = np.linalg.norm(residual) / np.linalg.norm(TINY.y)
    assert 0.1 * PERTURBATION_SIZE < size < 3 * PERTURBATION_SIZE


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_its_residuals_are_normal_and_of_a_relative_size_of_1e9(unit: float) -> None:
    """10⁻⁹·√(Ê[y²])·z with z ~ N(0, I) from the run's own stream, whatever the units of y."""
    problem = problem_of(Dataset(X=TINY.X, y=unit * TINY.y))
    batch = batch_of(planned(warmup_steps=0, seed=7, init_scale=0.5), problem=problem)
    Escapes.begin(1).perturb(batch, 0, 64)
    residual = 1e-9 * unit * np.sqrt(np.mean(TINY.y**2)) * stream(7, "kick 0").standard_normal(3)
    x = 2 * 0.3 / 3 * (residual @ TINY.X)
    np.testing.assert_allclose(batch.theta()[0] / 0.5 - 1, [-x, x], rtol=1e-3, atol=1e-15)


def test_a_perturbation_is_the_runs_own() -> None:
    """The same whatever is perturbed beside it; another by another seed, and the second another than the first."""
    alone = moved()
    np.testing.assert_array_equal(moved(others=2), alone)
    assert (moved(seed=8) != alone).any()
    assert np.abs(moved(times=2) - 2 * alone).max() > 0.1 * np.abs(alone).max()


def test_a_perturbation_during_warm_up_is_a_step_of_that_time() -> None:
    """η_t = η(t + 1)/W at step t."""
    np.testing.assert_allclose(moved(2499, warmup_steps=10_000), moved() / 4, rtol=1e-3)
