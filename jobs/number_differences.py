"""Differences of the bits of numbers that are much alike: of a curve from point to point, of a run from the run before.

The bits of a positive number, read as a whole number, grow with it. So numbers that are near each other have bits that
are, and the finite differences of smooth ones are small, those of a higher order smaller yet, until only their rounding
is left. All arithmetic is modulo 2^32 or 2^64: nothing is lost, whatever the numbers are.

A row is what stands at one place of all runs. Rows side by side that are one array, such as a curve, are a stretch;
those of different stretches have nothing to do with each other.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Int64, UInt

MOST_ALONG: Final = 2
MOST_ACROSS: Final = 3
"""Orders of differences: each doubles what rounding makes of a last bit."""

LOOKED_AT: Final = 32
LOOKED_AT_OF_STRETCH: Final = 1_000
"""Runs, and numbers of each stretch, of which it is found which orders are worth taking."""

Bits = UInt[np.ndarray, "place run"]
Stretches = Int64[np.ndarray, " stretch"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Differences:
    """Of which order differences are taken for each stretch of so many places: `along` it, and `across` the runs."""

    lengths: Stretches
    along: Stretches
    across: Stretches

    @classmethod
    def worth_taking(cls, numbers: Bits, lengths: Stretches) -> Self:
        """Those that leave the fewest bits: first along the stretches, then across the runs what is left of that."""
        looked_at, places = np.minimum(lengths, LOOKED_AT_OF_STRETCH), _places(lengths)
        some, places = numbers[places < LOOKED_AT_OF_STRETCH, :LOOKED_AT], _places(looked_at)
        left, are_taken = some, np.zeros(len(some), dtype=bool)
        orders = list[Stretches]()
        most_along = min(MOST_ALONG, int(lengths.max(initial=1)) - 1)
        most_across = min(MOST_ACROSS, numbers.shape[1] - 1)
        for most, take in ((most_along, partial(_along, places)), (most_across, _across)):
            candidates = [left]
            for order in range(1, most + 1):
                candidates.append(take(candidates[-1], order))
            bits = [_bits_left(each, are_taken | (order > 0), looked_at) for order, each in enumerate(candidates)]
            best = np.argmin(bits, axis=0)
            of_places = np.repeat(best, looked_at)
            are_taken = are_taken | (of_places > 0)
            left = np.choose(of_places[:, np.newaxis], candidates)
            orders.append(best)
        along, across = orders
        return cls(lengths=lengths, along=along, across=across)

    def of(self, numbers: Bits) -> Bits:
        """The differences; small ones of either sign are small whole numbers. Where none are taken, the numbers."""
        left, places = numbers, _places(self.lengths)
        along, across = (np.repeat(each, self.lengths)[:, np.newaxis] for each in (self.along, self.across))
        for order in range(1, int(along.max(initial=0)) + 1):
            left = np.where(along >= order, _along(places, left, order), left)
        for order in range(1, int(across.max(initial=0)) + 1):
            left = np.where(across >= order, _across(left, order), left)
        return np.where(self._are_taken, _folded(left), left)

    def undone(self, differences: Bits) -> Bits:
        """The numbers whose differences these are."""
        numbers = np.where(self._are_taken, (differences >> 1) ^ (0 - (differences & 1)), differences)
        across = np.repeat(self.across, self.lengths)
        for order in range(int(across.max(initial=0)), 0, -1):
            taken = np.flatnonzero(across >= order)
            numbers[taken, order - 1 :] = numbers[taken, order - 1 :].cumsum(axis=1, dtype=numbers.dtype)
        stops = np.cumsum(self.lengths)
        for stretch in np.flatnonzero(self.along):
            own = numbers[stops[stretch] - self.lengths[stretch] : stops[stretch]]
            for order in range(int(self.along[stretch]), 0, -1):
                own[order - 1 :] = own[order - 1 :].cumsum(axis=0, dtype=numbers.dtype)
        return numbers

    @property
    def _are_taken(self) -> Bool[np.ndarray, "place 1"]:
        return np.repeat((self.along > 0) | (self.across > 0), self.lengths)[:, np.newaxis]


def _along(places: Stretches, before: Bits, order: int) -> Bits:
    """Differences along stretches of those of the order before; the first numbers of each stay."""
    left = before.copy()
    left[1:] -= before[:-1]
    stay = places < order
    left[stay] = before[stay]
    return left


def _across(before: Bits, order: int) -> Bits:
    """Differences across runs of those of the order before; the first runs stay."""
    left = before.copy()
    left[:, order:] -= before[:, order - 1 : -1]
    return left


def _folded(differences: Bits) -> Bits:
    """Of the numbers 0, −1, 1, −2, … their places in this row."""
    return (differences << 1) ^ (0 - (differences >> (8 * differences.itemsize - 1)))


def _bits_left(left: Bits, are_taken: Bool[np.ndarray, " place"], lengths: Stretches) -> Stretches:
    """About how many of each stretch. The highest byte of a number as it is is mostly the same, and not counted."""
    counted = np.where(are_taken[:, np.newaxis], _folded(left), left << 8 >> 8)
    # Of a number as float32 these bits are 126 + how many it has.
    bits = np.maximum(counted.astype(np.float32).view(np.uint32) >> 23, 126).sum(axis=1, dtype=np.int64)
    of_stretches: Stretches = np.add.reduceat(bits, np.cumsum(lengths) - lengths) if len(lengths) else lengths
    return of_stretches


def _places(lengths: Stretches) -> Stretches:
    """Of each row its place in its stretch."""
    places: Stretches = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return places
