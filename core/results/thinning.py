"""Curves in fewer points, for pictures and slow lines."""

from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float64, Int, Shaped

from core.results.labelled_arrays import LabelledArrays

FEWEST_POINTS: Final = 20
"""First, last, and both extremes of each curve of a trajectory are no more."""


def thinned(curves: LabelledArrays, points: int) -> LabelledArrays:
    """At most so many of the points of curves that share one dimension, with the values that they have.

    The first and the last are among them, and the least and the greatest finite value of each curve; the others are
    spread evenly over the points. `points` is at least twice the number of curves and two.
    """
    count = min(array.shape[0] for array in curves.arrays.values())
    if count <= points:
        return curves
    needed = {0, count - 1}
    for name, array in curves.arrays.items():
        if name != curves.coordinate:
            needed |= _extremes(array)
    spread = np.linspace(0, count - 1, points - len(needed)).round().astype(int)
    kept: Int[np.ndarray, " point"] = np.unique([*needed, *spread.tolist()])
    return replace(curves, arrays={name: array[kept] for name, array in curves.arrays.items()})


def _extremes(array: Shaped[np.ndarray, " point"]) -> set[int]:
    """Where the least and the greatest finite value are; nowhere where no value is finite."""
    values: Float64[np.ndarray, " point"] = np.where(np.isfinite(array), array, np.nan).astype(np.float64)
    return set() if np.isnan(values).all() else {int(np.nanargmin(values)), int(np.nanargmax(values))}
