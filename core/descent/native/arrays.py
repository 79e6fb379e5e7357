"""Arrays as the compiled kernels take them: rows padded to whole vectors, aligned to cache lines."""

from typing import Final

import numpy as np

WIDEST: Final = 8
"""Entries of the widest vector; rows of arrays are padded to whole ones."""

ALIGNMENT: Final = 64
"""Bytes of a cache line and of the widest vector."""


def padded_width(entries: int) -> int:
    """The least multiple of `WIDEST` that holds so many entries."""
    return -(-entries // WIDEST) * WIDEST


def aligned_zeros(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros that begin at the beginning of a cache line."""
    size = int(np.prod(shape))
    room = np.zeros(size + ALIGNMENT // 8)
    skipped = -room.ctypes.data % ALIGNMENT // 8
    return room[skipped : skipped + size].reshape(shape)


def padded_rows(values: np.ndarray, width: int) -> np.ndarray:
    """An aligned copy whose rows, along the last axis, are padded with zeros to this width."""
    rows = aligned_zeros((*values.shape[:-1], width))
    rows[..., : values.shape[-1]] = values
    return rows


def with_whole_rows(values: np.ndarray) -> np.ndarray:
    """The array itself if the entries of a row are one after another, as those of a view mostly are, else a copy."""
    return values if values.strides[-1] == values.itemsize else np.ascontiguousarray(values)


def address(array: np.ndarray) -> int:
    """Where the array is in memory; it must outlive the call that is given this."""
    return int(array.__array_interface__["data"][0])  # a third of the time of `ctypes.data`


def tiled(X: np.ndarray) -> np.ndarray:
    """A matrix in tiles of `WIDEST`², of shape (row of tiles, column of tiles, row, column), padded with zeros."""
    samples, dim = (padded_width(entries) for entries in X.shape)
    tiles = aligned_zeros((samples // WIDEST, dim // WIDEST, WIDEST, WIDEST))
    padded = np.zeros((samples, dim))
    padded[: X.shape[0], : X.shape[1]] = X
    tiles[...] = padded.reshape(samples // WIDEST, WIDEST, dim // WIDEST, WIDEST).swapaxes(1, 2)
    return tiles
