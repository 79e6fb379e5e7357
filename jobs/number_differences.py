"""Differences of the bits of numbers that are much alike: of a curve from point to point, of a run from the run before.

The bits of a positive number, read as a whole number, grow with it. So numbers that are near each other have bits that
are, and the finite differences of smooth ones are small, those of a higher order smaller yet, until only their rounding
is left. All arithmetic is modulo 2^32 or 2^64: nothing is lost, whatever the numbers are.

A row is what stands at one place of all runs. Rows side by side that are one array, such as a curve, are a stretch;
those of different stretches have nothing to do with each other.
"""

from dataclasses import dataclass
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
        none = np.zeros_like(lengths)
        along = across = none
        if numbers.size:
            looked_at = np.minimum(lengths, LOOKED_AT_OF_STRETCH)
            some = numbers[_places(lengths) < LOOKED_AT_OF_STRETCH, :LOOKED_AT]
            orders = range(min(MOST_ALONG, int(lengths.max()) - 1) + 1)
            left = [cls(lengths=looked_at, along=none + order, across=none).bits_left(some) for order in orders]
            along = np.argmin(left, axis=0)
            orders = range(min(MOST_ACROSS, some.shape[1] - 1) + 1)
            left = [cls(lengths=looked_at, along=along, across=none + order).bits_left(some) for order in orders]
            across = np.argmin(left, axis=0)
        return cls(lengths=lengths, along=along, across=across)

    def of(self, numbers: Bits) -> Bits:
        """The differences; small ones of either sign are small whole numbers. Where none are taken, the numbers."""
        places, left = _places(self.lengths), numbers
        along, across = np.repeat(self.along, self.lengths), np.repeat(self.across, self.lengths)
        for order in range(1, int(along.max(initial=0)) + 1):
            taken = np.flatnonzero((along >= order) & (places >= order))
            before, left = left, left.copy()
            left[taken] -= before[taken - 1]
        for order in range(1, int(across.max(initial=0)) + 1):
            taken = np.flatnonzero(across >= order)
            before, left = left, left.copy()
            left[taken, order:] -= before[taken, order - 1 : -1]
        return np.where(self._are_taken, (left << 1) ^ (0 - (left >> (8 * left.itemsize - 1))), left)

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

    def bits_left(self, numbers: Bits) -> Int64[np.ndarray, " stretch"]:
        """About how many of each stretch. The highest byte of a number as it is is mostly the same, and not counted."""
        left = self.of(numbers)
        counted = np.where(self._are_taken, left, left << 8 >> 8)
        # Of a number as float32 these bits are 126 + how many it has.
        of_places = np.maximum(counted.astype(np.float32).view(np.uint32) >> 23, 126).sum(axis=1, dtype=np.int64)
        bits: Int64[np.ndarray, " stretch"] = np.add.reduceat(of_places, np.cumsum(self.lengths) - self.lengths)
        return bits


def _places(lengths: Stretches) -> Int64[np.ndarray, " place"]:
    """Of each row its place in its stretch."""
    places: Int64[np.ndarray, " place"] = np.arange(int(lengths.sum())) - np.repeat(
        np.cumsum(lengths) - lengths, lengths
    )
    return places
