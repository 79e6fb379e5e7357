"""Cells of a phase diagram: where the values of an axis end and the next begin, and what the runs of a cell say.

A cell holds the runs that differ in their seed alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.outcome import WITH_LIMIT, Outcome
from core.results.result import Summary

OUTCOMES: Final = tuple(Outcome)
CODES_WITH_LIMIT: Final = tuple(OUTCOMES.index(outcome) for outcome in WITH_LIMIT)

MISSING: Final = -1
"""The code of a cell, or a run, of which nothing is stored."""

EVEN: Final = 1e-6
"""Spacings that vary less than this are equal, up to the rounding of values to 12 significant digits."""

FAR: Final = 10.0
"""Two values alone are evenly spaced on either scale; at this ratio they are put on a logarithmic one."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CellAxis:
    """The values of an axis in ascending order, and the edges of their cells, one more than there are values.

    `order` holds the place of each value on the axis of the grid. An edge lies halfway between its two values, at
    their geometric mean on a `log` axis; the outermost cells reach as far outward as inward. A zero among values that
    need a logarithmic axis stands one step below the least other one: its `positions` are not its values.
    """

    values: Float64[np.ndarray, " cell"]
    positions: Float64[np.ndarray, " cell"]
    edges: Float64[np.ndarray, " cell+1"]
    order: Int64[np.ndarray, " cell"]
    log: bool


def cell_axis(values: Sequence[float]) -> CellAxis:
    """Cells on a logarithmic axis where that spaces the values more evenly, else on a linear one."""
    order = np.argsort(np.array(values, dtype=np.float64), kind="stable")
    ascending = np.array(values, dtype=np.float64)[order]
    log = _is_log(ascending)
    positions = _with_room_for_zero(ascending) if log else ascending
    scaled = np.log(positions) if log else positions
    edges = _edges(scaled)
    return CellAxis(values=ascending, positions=positions, edges=np.exp(edges) if log else edges, order=order, log=log)


def _is_log(ascending: Float64[np.ndarray, " cell"]) -> bool:
    positive = ascending[ascending > 0]
    if ascending[0] < 0 or len(positive) < 2:
        return False
    if len(ascending) == 2:
        return bool(ascending[1] >= FAR * ascending[0])
    return _unevenness(np.log(positive)) < _unevenness(ascending) - EVEN


def _unevenness(ascending: Float64[np.ndarray, " cell"]) -> float:
    """The spread of the spacings relative to their mean; 0 for equal ones."""
    spacings = np.diff(ascending)
    return float(spacings.std() / spacings.mean())


def _with_room_for_zero(ascending: Float64[np.ndarray, " cell"]) -> Float64[np.ndarray, " cell"]:
    if ascending[0] > 0:
        return ascending
    below = ascending[1] * ascending[1] / ascending[2]
    return np.concatenate([[below], ascending[1:]])


def _edges(scaled: Float64[np.ndarray, " cell"]) -> Float64[np.ndarray, " cell+1"]:
    if len(scaled) == 1:
        return np.array([scaled[0] - 0.5, scaled[0] + 0.5])
    between = (scaled[:-1] + scaled[1:]) / 2
    return np.concatenate([[2 * scaled[0] - between[0]], between, [2 * scaled[-1] - between[-1]]])


def outcome_codes(summaries: Sequence[Summary | None]) -> Int64[np.ndarray, " run"]:
    """The place of each run's outcome in `OUTCOMES`, MISSING for a run that is not stored."""
    codes = {str(outcome): code for code, outcome in enumerate(OUTCOMES)}
    found = [MISSING if summary is None else codes.get(str(summary.get("outcome")), MISSING) for summary in summaries]
    return np.array(found, dtype=np.int64)


def commonest(codes: Int64[np.ndarray, "*cell run"]) -> tuple[Int64[np.ndarray, "*cell"], Bool[np.ndarray, "*cell"]]:
    """The most frequent outcome of the stored runs of each cell, and whether they have more than one.

    Of equally frequent ones it is the first in `OUTCOMES`; MISSING where no run is stored.
    """
    counts = np.stack([(codes == code).sum(axis=-1) for code in range(len(OUTCOMES))])
    winner = np.where(counts.sum(axis=0) > 0, counts.argmax(axis=0), MISSING)
    return winner, (counts > 0).sum(axis=0) > 1


def converged_median(
    values: Float64[np.ndarray, "*cell run"], codes: Int64[np.ndarray, "*cell run"]
) -> Float64[np.ndarray, "*cell"]:
    """The median over the converged runs of each cell that have a value of at least 0; NaN where there is none."""
    entering = np.isin(codes, CODES_WITH_LIMIT) & (values >= 0) & np.isfinite(values)
    ordered = np.sort(np.where(entering, values, np.inf), axis=-1)
    count = entering.sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1), axis=-1)
    middle = np.where(count > 0, (low + high) / 2, np.nan)
    return middle[..., 0]
