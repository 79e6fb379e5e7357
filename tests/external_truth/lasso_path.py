"""Berthier 2025: how often the path of the lasso is monotone, on random instances, by what may be meant by it."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np

from core.interpolators.penalised import lasso_corners
from tests.external_truth.row import Draw

SAMPLES, DIMENSION = 3, 4

PRINTED: Final = "0.76"
"""Of 1,000 instances."""

Path = tuple[np.ndarray, np.ndarray]


def instance(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """X and y ~ N(0, 1)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((SAMPLES, DIMENSION)), rng.standard_normal(SAMPLES)


def corners(seed: int) -> Path:
    """The corners of the path of ½‖Xβ − y‖² + λ‖β‖₁: λ, and β."""
    penalties, predictors = lasso_corners(*instance(seed))
    return SAMPLES * penalties, predictors


def grows_with_time(path: Path) -> bool:
    """Whether |t·β_i(1/t)| grows in t for each i: on a piece t·β(1/t) is a straight line in t, of slope β(λ → 0)."""
    penalties, predictors = path
    for piece in np.flatnonzero(np.diff(penalties) < 0):
        (first, second), (start, end) = penalties[piece : piece + 2], predictors[piece : piece + 2]
        slope = end - second * (end - start) / (second - first)
        if (np.sign(start + end) * slope < -1e-10).any():
            return False
    return True


def keeps_its_support(path: Path) -> bool:
    """Whether no coordinate that has entered leaves again."""
    on = np.abs(path[1]) > 1e-10
    return not (on[:-1] & ~on[1:]).any()


def grows(path: Path) -> bool:
    """Whether |β_i(λ)| grows for each i as λ falls."""
    return bool((np.diff(np.abs(path[1]), axis=0) > -1e-10).all())


@cache
def share(is_monotone: Callable[[Path], bool], first: int) -> float:
    """Of a thousand instances from this one on."""
    return float(np.mean([is_monotone(corners(seed)) for seed in range(first, first + 1000)]))


@cache
def draws() -> list[Draw]:
    """Ten shares of a thousand instances, for the two readings that what is printed allows."""
    readings = {"t·β(1/t) grows in size": grows_with_time, "no coordinate leaves the support": keeps_its_support}
    return [
        Draw(what=what, printed=PRINTED, draws=[share(reading, 1000 * k) for k in range(10)])
        for what, reading in readings.items()
    ]
