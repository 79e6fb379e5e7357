"""The largest stable step sizes of runs, for the lines that figures draw at them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from core.figures.results import Results
from core.spec.optimizers import RELATIVE_AXES, STEP_SIZE_FRACTION

LARGEST_STEPS: Final = ("max_stable_step", "max_stable_step_sign_free")
"""η* for θ ≥ 0 and for θ of any sign, which is larger at odd depth."""

OTHER_UNITS: Final = frozenset(RELATIVE_AXES) - {STEP_SIZE_FRACTION}
"""Axes on which η* has no one place: that of another start, or of another problem, is another multiple."""

REACH: Final = 1.5
"""η* is drawn where the step sizes come within this factor of it."""


def is_in_reach(step: float, step_sizes: Sequence[float]) -> bool:
    """Whether a largest step is among these step sizes, or not far from them; never where it is NaN."""
    return min(step_sizes) / REACH < step < max(step_sizes) * REACH


def largest_steps(results: Results, indices: Int64[np.ndarray, " run"], *, axis: str) -> list[float]:
    """Both η* of problem and optimiser as numbers of this axis of step sizes, the medians over these runs.

    On that of multiples of the first one, it is 1 whether or not it is known; either over what the schedule multiplies
    step sizes by in the end. NaN before the analysis, and on axes of
    multiples of another step size.
    """
    if axis in OTHER_UNITS:
        return [np.nan] * len(LARGEST_STEPS)
    steps = np.array([_steps_of_run(results, index) for index in indices.tolist()])
    if axis == STEP_SIZE_FRACTION:
        first = np.array([1 / results.grid.run(index).end_factor for index in indices.tolist()])
        steps = np.stack([first, first * (steps[:, 1] / steps[:, 0])], axis=1)
    known = [column[np.isfinite(column)] for column in steps.T]
    return [float(np.median(column)) if column.size else np.nan for column in known]


def distinct_steps(steps: Float64[np.ndarray, "2 *point"]) -> list[np.ndarray]:
    """η* for θ ≥ 0, and that for θ of any sign where it is another one; only those that are known."""
    restricted, free = np.asarray(steps[0]), np.asarray(steps[1])
    both = bool((free > restricted * (1 + 1e-9)).any())
    return [line for line in ((restricted, free) if both else (restricted,)) if np.isfinite(line).any()]


def _steps_of_run(results: Results, index: int) -> tuple[float, ...]:
    run = results.grid.run(index)
    analysis = results.analyses.get(run.problem_key)
    steps = [getattr(analysis, name, None) for name in LARGEST_STEPS]
    return tuple(np.nan if step is None else run.largest_stable_step(step) / run.end_factor for step in steps)
