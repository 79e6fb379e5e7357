"""What results show, as titles: said only where all of the numbers of this experiment say so."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from core.figures.layouts.selection import STEP_SIZES
from core.figures.number_text import number_text
from core.results.curves import Curves

SLACK: Final = 0.02
"""Values that differ by less than this part count as equal."""

NOTABLE: Final = 1.5
"""A quantity falls where it falls at least by this factor somewhere."""

Columns = Sequence[tuple[float, np.ndarray]]


def falls_with_step(families: Sequence[Curves], what: str) -> str:
    """That a quantity falls as the step size grows: at every x of every panel, over all steps that converge.

    The numbers are those of the x at which it falls most; "" where it does not fall, or not everywhere.
    """
    if any(family.series is None or family.series.name not in STEP_SIZES for family in families):
        return ""
    falls = [fall for family in families if (fall := _largest_fall(_across_lines(family))) is not None]
    if len(falls) < len(families):
        return ""
    x, first, last = max(falls, key=lambda fall: fall[1] / fall[2])
    if first < NOTABLE * last:
        return ""
    at = f"{families[0].x.symbol or families[0].x.label} = {number_text(x, 3)}"
    return f"The {what} falls as the step size grows: {number_text(first, 3)} to {number_text(last, 3)} at {at}"


def falls_along(families: Sequence[Curves], what: str) -> str:
    """The same of families that have the step size along x."""
    if any(family.x.name not in STEP_SIZES for family in families):
        return ""
    falls = [fall for family in families if (fall := _largest_fall(list(_along_lines(family)))) is not None]
    if len(falls) < len(families) or max(first / last for _, first, last in falls) < NOTABLE:
        return ""
    line, first, last = max(falls, key=lambda fall: fall[1] / fall[2])
    series = families[0].series
    at = f" at {series.symbol or series.label} = {number_text(line, 3)}" if series else ""
    return f"The {what} falls as the step size grows: {number_text(first, 3)} to {number_text(last, 3)}{at}"


def is_falling(values: np.ndarray) -> bool:
    """Whether no value is larger than one before it, up to the slack."""
    there = values[np.isfinite(values)]
    return bool((there[1:] <= np.minimum.accumulate(there)[:-1] * (1 + SLACK)).all())


def _across_lines(family: Curves) -> Columns:
    table = np.array([curve.median for curve in family.curves], dtype=np.float64)
    return list(zip(family.x_values, table.T, strict=True))


def _along_lines(family: Curves) -> Iterator[tuple[float, np.ndarray]]:
    for curve in family.curves:
        yield 0.0 if curve.series is None else curve.series, np.array(curve.median, dtype=np.float64)


def _largest_fall(columns: Columns) -> tuple[float, float, float] | None:
    """Where it falls most, from what to what; None where it rises somewhere, is not positive, or is hardly known."""
    falls = []
    for place, values in columns:
        there = values[np.isfinite(values)]
        if not is_falling(there) or (there <= 0).any():
            return None
        if len(there) > 1:
            falls.append((place, float(there[0]), float(there[-1])))
    return max(falls, key=lambda fall: fall[1] / fall[2], default=None)
