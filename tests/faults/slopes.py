"""Whether what was sampled for hours grows: slopes, and how well they are known."""

import itertools
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
"""Of the mean, in the time that the longest series lasts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slope:
    """The least-squares line through the means of the blocks, with an intercept for each process; per hour.

    Attributes:
        mean: of all values.
        slope: change in an hour.
        error: its standard error.
        processes: how many series there are.
        blocks: how many they have together.
        hours: between the first and the last block of the longest.
    """

    mean: float
    slope: float
    error: float
    processes: int
    blocks: int
    hours: float

    @property
    def is_judged(self) -> bool:
        """Whether there are enough blocks to tell."""
        return self.blocks - self.processes >= FEWEST - 1

    @property
    def grows(self) -> bool:
        """By more than 3 standard errors, and by more than 2 % of the mean while the longest was watched."""
        is_clear = self.slope > STANDARD_ERRORS * self.error
        return self.is_judged and is_clear and self.slope * self.hours > NEGLIGIBLE * abs(self.mean)


def slope_of(series: Sequence[Points], *, block: float = BLOCK_SECONDS) -> Slope:
    """The slope that processes of one kind have in common.

    b = Σ(t − t̄)(y − ȳ) / Σ(t − t̄)², its error √(Σe² / (n − p − 1) / Σ(t − t̄)²), of n blocks of p processes; t̄ and ȳ
    are those of the process that a block is of.

    Args:
        series: one for each process.
        block: seconds whose samples are averaged.
    """
    blocks = [_blocks(points, block) for points in series]
    centred = list(itertools.chain.from_iterable(map(_centred, blocks)))
    spread = sum(time * time for time, _ in centred)
    freedom = len(centred) - len(blocks) - 1
    slope = sum(time * value for time, value in centred) / spread if spread else math.nan
    squares = sum((value - slope * time) ** 2 for time, value in centred)
    return Slope(
        mean=statistics.fmean(value for points in series for _, value in points),
        slope=slope,
        error=math.sqrt(squares / freedom / spread) if spread and freedom > 0 else math.nan,
        processes=len(blocks),
        blocks=len(centred),
        hours=max(means[-1][0] - means[0][0] for means in blocks),
    )


def _blocks(points: Points, seconds: float) -> Points:
    """The mean moment, in hours, and value of each block."""
    grouped = itertools.groupby(points, lambda point: (point[0] - points[0][0]) // seconds)
    members = ([(moment / 3600.0, value) for moment, value in each] for _, each in grouped)
    return [_mean(each) for each in members]


def _centred(points: Points) -> Points:
    time, value = _mean(points)
    return [(each - time, other - value) for each, other in points]


def _mean(points: Points) -> tuple[float, float]:
    moments, values = zip(*points, strict=True)
    return statistics.fmean(moments), statistics.fmean(values)
