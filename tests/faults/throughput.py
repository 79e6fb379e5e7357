"""Rates of finished jobs from samples of a count, and how much they vary by themselves."""

import math
import statistics
from bisect import bisect_right
from collections.abc import Sequence

Samples = Sequence[tuple[float, int]]
"""Moments, in order, and how many jobs had been finished by then."""


def finished_by(moment: float, samples: Samples) -> float:
    """How many had been finished by a moment, on the straight line between the samples beside it."""
    place = bisect_right(samples, moment, key=lambda sample: sample[0])
    if place in {0, len(samples)}:
        return float(samples[min(place, len(samples) - 1)][1])
    (before, low), (after, high) = samples[place - 1 : place + 1]
    return low + (high - low) * (moment - before) / (after - before)


def rate(samples: Samples, start: float, stop: float) -> float:
    """Jobs finished per second between two moments."""
    return (finished_by(stop, samples) - finished_by(start, samples)) / (stop - start)


def back_after(samples: Samples, over_at: float, wanted: float, *, window: float) -> float | None:
    """Seconds from the end of a fault to the first window whose rate is at least the wanted one; None where none is."""
    last = samples[-1][0] - window
    starts = (over_at, *(moment for moment, _ in samples if over_at < moment <= last))
    return next((start - over_at for start in starts if rate(samples, start, start + window) >= wanted), None)


def is_short(measured: Sequence[float], quiet: Sequence[float], *, least: float) -> bool:
    """Whether ratios after a fault are on average below `least`, by more than the spread of those without one explains.

    By two standard errors, s/√n: s of the quiet ratios, or of the measured ones if it is larger.
    """
    spread = max([statistics.stdev(each) for each in (measured, quiet) if len(each) > 1], default=math.inf)
    return statistics.fmean(measured) + 2 * spread / math.sqrt(len(measured)) < least
