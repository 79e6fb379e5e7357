"""Whether what was sampled for hours grows: slopes, and how well they are known."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Points = Sequence[tuple[float, float]]
"""Moments in seconds, in order, and values."""

BLOCK_SECONDS: Final = 60.0
"""Samples of one minute are averaged: neighbours resemble each other, and would be counted as if they did not."""

FEWEST: Final = 5
"""Blocks of which a slope is judged."""

STANDARD_ERRORS: Final = 3.0
NEGLIGIBLE: Final = 0.02
"""Of the mean, in the time that a series lasts: of what has just begun, five minutes say little of an hour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slope:
    """The least-squares line through the means of the blocks; per hour.

    Attributes:
        mean: of all values.
        slope: change in an hour.
        error: its standard error.
        blocks: how many there are.
        hours: between the first and the last of them.
    """

    mean: float
    slope: float
    error: float
    blocks: int
    hours: float

    @property
    def is_judged(self) -> bool:
        """Whether there are enough blocks to tell."""
        return self.blocks >= FEWEST

    @property
    def grows(self) -> bool:
        """By more than 3 standard errors, and by more than 2 % of the mean while it was watched."""
        is_clear = self.slope > STANDARD_ERRORS * self.error
        return self.is_judged and is_clear and self.slope * self.hours > NEGLIGIBLE * abs(self.mean)


def slope_of(points: Points, *, block: float = BLOCK_SECONDS) -> Slope:
    """The slope of a series: b = Σ(t − t̄)(y − ȳ) / Σ(t − t̄)², its error √(Σe² / (n − 2) / Σ(t − t̄)²).

    Args:
        points: the series.
        block: seconds whose samples are averaged.
    """
    blocks: dict[int, list[tuple[float, float]]] = {}
    for moment, value in points:
        blocks.setdefault(int((moment - points[0][0]) // block), []).append((moment / 3600.0, value))
    means = [tuple(statistics.fmean(each) for each in zip(*members, strict=True)) for members in blocks.values()]
    mean = statistics.fmean(value for _, value in points)
    times, values = zip(*means, strict=True)
    hours = times[-1] - times[0]
    if len(means) <= 2:
        return Slope(mean=mean, slope=math.nan, error=math.nan, blocks=len(means), hours=hours)
    slope, intercept = statistics.linear_regression(times, values)
    squares = sum((value - intercept - slope * time) ** 2 for time, value in means)
    spread = sum((time - statistics.fmean(times)) ** 2 for time in times)
    error = math.sqrt(squares / (len(means) - 2) / spread)
    return Slope(mean=mean, slope=slope, error=error, blocks=len(means), hours=hours)
