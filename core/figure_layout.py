"""Which figures there are, and what of a grid goes where in them. Known without drawing, and without Matplotlib."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.errors import StepbiasError
from core.grid import STEP_SIZE_FRACTION, Axis, Grid

FIGURE_TITLES: Final[Mapping[str, str]] = MappingProxyType({"risk": "Risk against initialisation scale, by step size"})
"""The figures of an experiment, by name."""

MAX_PANELS: Final = 6


class UnsuitableFigure(StepbiasError):
    """The experiment sweeps too little or too much for a figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskLayout:
    """The axis along x, that of the lines if there is one, and for each panel the values that it fixes."""

    x: str
    series: str | None
    panels: tuple[Mapping[str, float], ...]


def risk_layout(grid: Grid) -> RiskLayout:
    """Initialisation scale along x and a line per step size, where they are swept; seeds are aggregated.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for this figure.
    """
    x, series = _roles(grid)
    others = [axis for axis in grid.axes if axis.name not in {x, series, "seed"} and len(axis.values) > 1]
    return RiskLayout(x=x, series=series, panels=tuple(_fixings(others)))


def _roles(grid: Grid) -> tuple[str, str | None]:
    axes = [axis for axis in grid.axes if axis.name != "seed"]
    # An axis of one value is drawn against only where there is no other.
    swept = [axis for axis in axes if len(axis.values) > 1] or axes
    names = [axis.name for axis in sorted(swept, key=lambda axis: -len(axis.values))]
    if not names:
        raise UnsuitableFigure("This figure needs an experiment that sweeps a number besides the data seed.")
    preferred = [name for name in ("init_scale", "step_size", STEP_SIZE_FRACTION) if name in names]
    x = (preferred or names)[0]
    lines = [name for name in preferred if name != x]
    return x, lines[0] if lines else None


def _fixings(axes: Sequence[Axis]) -> list[dict[str, float]]:
    """Every combination of the axes that are neither drawn nor aggregated."""
    combinations = list(itertools.product(*(axis.values for axis in axes)))
    if len(combinations) > MAX_PANELS:
        raise UnsuitableFigure(f"This figure would need {len(combinations)} panels; {MAX_PANELS} are the most.")
    return [dict(zip((axis.name for axis in axes), values, strict=True)) for values in combinations]
