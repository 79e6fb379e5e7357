"""Berthier 2025: time averages of runs from a small start follow the lasso at λ = 1/s where its path is monotone."""

import math
from functools import cache

import numpy as np

from core.experiment.run import run
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.lasso_path import (
    SAMPLES,
    Path,
    corners,
    grows,
    grows_with_time,
    instance,
    keeps_its_support,
    share,
)

EPSILON = 1e-5
"""u = √ε and v = 0 of u∘v, so α = √ε/2 here."""


def at(path: Path, penalty: float) -> np.ndarray:
    """β of the lasso."""
    penalties, predictors = path
    return np.array([np.interp(-penalty, -penalties, column) for column in predictors.T])


def test_the_path_of_the_lasso_is_monotone_in_three_quarters_of_instances() -> None:
    """0.76 are printed; of 1,000 as many as that within three standard errors.

    What the paper calls monotone was not at hand: that t·|β_i(1/t)| grows is what its statement needs, as
    docs/external-truth.md shows. That |β_i(λ)| itself grows holds too rarely to be meant.
    """
    assert abs(share(grows_with_time, 0) - 0.76) < 0.04
    assert abs(share(keeps_its_support, 0) - 0.76) < 0.04
    assert share(grows, 0) < 0.6


def test_readings_imply_each_other() -> None:
    """A growing |β_i(λ)| makes t·|β_i(1/t)| grow, and with that nothing leaves the support."""
    for seed in range(300):
        path = corners(seed)
        assert grows_with_time(path) or not grows(path)
        assert keeps_its_support(path) or not grows_with_time(path)


def test_corners_are_solutions() -> None:
    """|x_iᵀ(y − Xβ)| ≤ λ everywhere, with equality and the sign of β_i on the support; and the path ends at y = Xβ."""
    for seed in range(100):
        (X, y), (penalties, predictors) = instance(seed), corners(seed)
        for penalty, predictor in zip(penalties, predictors, strict=True):
            pull = X.T @ (y - X @ predictor)
            assert np.abs(pull).max() <= penalty + 1e-9
            on = np.abs(predictor) > 1e-9
            np.testing.assert_allclose(pull[on], penalty * np.sign(predictor[on]), atol=1e-9)
        assert penalties[-1] == 0
        np.testing.assert_allclose(X @ predictors[-1], y, atol=1e-9)


@cache
def gaps(seed: int, epsilon: float) -> tuple[float, float, float]:
    """How far time averages miss the lasso at most, s up to 20 times that of the first corner.

    In the objective relative to that of β = 0; the same as bounded by the run itself; and max|β̄ − β|/max|β|.
    """
    (X, y), path, scale = instance(seed), corners(seed), math.sqrt(epsilon) / 2
    step_size = 0.05 / (np.linalg.eigvalsh(X @ X.T)[-1] * max(1.0, float(np.abs(path[1][-1]).max())))
    units, unit = 20 / path[0][0], SAMPLES * math.log(1 / scale) / 2
    document = {
        "data": {"kind": "inline", "X": X.tolist(), "y": y.tolist()},
        "initialization": {"kind": "uniform", "scale": scale},
        "optimizer": {"kind": "gradient_descent", "step_size": step_size},
        "stopping": {"steps": int(units * unit / step_size)},
        "recording": {"points": 300, "vectors": ["time_average"], "sensitivity": False},
    }
    arrays = run(ExperimentSpec.model_validate(document)).arrays[0]
    worst = [0.0, 0.0]
    for time, average, bound in zip(
        arrays["vector_rescaled_time"][1:],
        arrays["vector_time_average"][1:],
        arrays["vector_lasso_gap"][1:],
        strict=True,
    ):
        lasso = at(path, 1 / time)
        missed = float(_objective(X, y, average, 1 / time) - _objective(X, y, lasso, 1 / time)) / (y @ y / 2)
        assert -1e-12 <= missed <= bound + 1e-12
        worst = [max(worst[0], missed), max(worst[1], float(np.abs(average - lasso).max()))]
    return worst[0], float(np.nanmax(arrays["vector_lasso_gap"])), worst[1] / float(np.abs(path[1]).max())


def _objective(X: np.ndarray, y: np.ndarray, predictor: np.ndarray, penalty: float) -> float:
    residual = X @ predictor - y
    return float(residual @ residual / 2 + penalty * np.abs(predictor).sum())


def test_time_averages_miss_a_monotone_lasso_by_little() -> None:
    """By less than .04 from ε = 1e-5, on each of twenty instances."""
    monotone = [seed for seed in range(40) if grows_with_time(corners(seed))][:20]
    assert len(monotone) == 20
    assert max(gaps(seed, EPSILON)[0] for seed in monotone) < 0.04


def test_they_tend_to_it_where_it_is_monotone_and_elsewhere_they_do_not() -> None:
    """From ε = 1e-40 the gap is a tenth of that from 1e-5, or less; where the path is not monotone it stays."""
    seeds = range(24)
    for seed in (seed for seed in seeds if grows_with_time(corners(seed))):
        assert gaps(seed, 1e-40)[0] < 0.2 * gaps(seed, EPSILON)[0] + 1e-5
    others = [seed for seed in seeds if not grows_with_time(corners(seed))]
    assert len(others) > 2
    assert np.median([gaps(seed, 1e-40)[2] for seed in others]) > 0.02
