"""Curves in ascending order, whatever the order in which an experiment sweeps its values."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from core.results.curves import COUNTS, Curve, Curves

POINTWISE: Final = ("median", "lower_quartile", "upper_quartile", *COUNTS)
"""What a curve has for each value of x."""


def ascending(family: Curves) -> Curves:
    """The family with the values of x in ascending order, and its lines by the value of the series.

    Lines join neighbours and colours run from light to dark: in any other order both would mean nothing.
    """
    order = np.argsort(family.x_values).tolist()
    return replace(
        family,
        x_values=_taken(family.x_values, order),
        curves=tuple(sorted((_ordered(curve, order) for curve in family.curves), key=_series)),
        flow_limits=tuple(sorted((_ordered(curve, order) for curve in family.flow_limits), key=_series)),
        kernel_limits=tuple(sorted((_ordered(curve, order) for curve in family.kernel_limits), key=_series)),
    )


def _ordered(curve: Curve, order: list[int]) -> Curve:
    taken: dict[str, Any] = {field: _taken(getattr(curve, field), order) for field in POINTWISE}
    return replace(curve, **taken)


def _taken(values: tuple[Any, ...], order: list[int]) -> tuple[Any, ...]:
    return tuple(values[position] for position in order)


def _series(curve: Curve) -> float:
    return 0.0 if curve.series is None else curve.series
