"""A bracket of step sizes and how a search divides it, known before anything is trained."""

import math
from typing import Final

import numpy as np

from core.tiles import TILE

PROBES: Final = TILE
"""Most step sizes that are tried at once."""

ROUNDING: Final = 1e-9
"""Part of an interval that is not worth another probe; at the finest resolution rounding makes up 1e-10 of one."""


def likely_fractions(*, lower: float, upper: float, resolution: float) -> list[float]:
    """For each round of a search the fraction of η* that its largest probe to converge is likely to have.

    Half an interval below 1 where that is inside the bracket; what is closest to the edge takes longest.
    """
    if not lower < 1 < upper:
        return [lower if lower >= 1 else upper]
    rounds: list[float] = []
    most = PROBES - 1
    while not rounds or parts_of(lower, upper, resolution, most) > 1:
        ratio = (upper / lower) ** (1 / max(parts_of(lower, upper, resolution, most), 1))
        rounds.append(max(lower, 1 / math.sqrt(ratio)))
        lower, upper, most = 1 / math.sqrt(ratio), math.sqrt(ratio), PROBES + 1
    return rounds


def parts_of(low: float, high: float, resolution: float, most: int) -> int:
    """Into how many intervals to divide a bracket: no more than the resolution asks for."""
    return min(math.ceil(math.log(high / low) / math.log1p(resolution) - ROUNDING), most)


def divided(low: float, high: float, parts: int) -> list[float]:
    """The ends of so many intervals, equal in their logarithm."""
    ends: list[float] = np.geomspace(low, high, parts + 1).tolist()
    return ends
