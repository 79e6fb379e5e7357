"""Curves in fewer points, for pictures and slow lines."""

from dataclasses import fields, replace
from typing import Final

import numpy as np
from jaxtyping import Float64, Int, Shaped

from core.results.curves import Curve, Curves
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


def fewer_points(family: Curves, points: int) -> Curves:
    """The curves at no more than so many values of x, two at least: the first, the last, and others spread evenly.

    Evenly by their place on the axis, so that values which are log-spaced stay so. Each has the statistics it had.
    """
    count = len(family.x_values)
    if count <= points:
        return family
    places: list[int] = np.linspace(0, count - 1, points).round().astype(int).tolist()

    def thin(curve: Curve) -> Curve:
        columns = {field.name: getattr(curve, field.name) for field in fields(curve) if field.name != "series"}
        thinned_columns = {name: tuple(column[place] for place in places) for name, column in columns.items()}
        return Curve(series=curve.series, **thinned_columns)

    return replace(
        family,
        x_values=tuple(family.x_values[place] for place in places),
        curves=tuple(map(thin, family.curves)),
        flow_limits=tuple(map(thin, family.flow_limits)),
        kernel_limits=tuple(map(thin, family.kernel_limits)),
    )


def _extremes(array: Shaped[np.ndarray, " point"]) -> set[int]:
    """Where the least and the greatest finite value are; nowhere where no value is finite."""
    values: Float64[np.ndarray, " point"] = np.where(np.isfinite(array), array, np.nan).astype(np.float64)
    return set() if np.isnan(values).all() else {int(np.nanargmin(values)), int(np.nanargmax(values))}
