"""Tiles: the one shape of every matrix product of a batch, so that the bits of a run depend on nothing but the run.

A product X·β of NumPy may change its last bits with the number of its rows. All products are therefore made of 16 rows,
a batch being padded to whole tiles; a test proves that neither place nor batch-mates change a bit.
"""

from typing import Final

TILE: Final = 16
"""Lanes of one matrix product."""


def padded(lanes: int) -> int:
    """`lanes` rounded up to whole tiles."""
    return -(-lanes // TILE) * TILE
