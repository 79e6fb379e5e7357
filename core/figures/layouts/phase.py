"""The phase diagram: which two axes span its heat maps, and one row of panels for each combination of the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import REPLICATES, STEP_SIZES, fixings, replicates, swept_axes
from core.spec.axes import Axis
from core.sweep.grid import Grid

MOST_CELLS: Final = 40_000
"""Of more cells than this in a heat map none could be seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseLayout:
    """The axes along x and y, the one whose runs share a cell, and for each row of panels the values that it fixes."""

    x: str
    y: str
    over: str
    rows: tuple[Mapping[str, float], ...]


def phase_layout(grid: Grid) -> PhaseLayout:
    """Initialisation scale along x and step size upwards, where both are swept; seeds share a cell.

    In their place come a warm-up, if it is the longer one of warm-up and step size, and then any other axis, the
    longest first.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for this figure.
    """
    over = replicates(grid)
    axes = [axis for name, axis in swept_axes(grid).items() if name != over]
    spanning = sorted((axis for axis in axes if axis.name not in REPLICATES), key=_rank)[:2]
    if len(spanning) < 2:
        raise UnsuitableFigure(
            "This figure needs an experiment that sweeps two numbers besides the seeds, such as the initialisation "
            "scale and the step size."
        )
    x, y = sorted(spanning, key=_height)
    cells = len(x.values) * len(y.values)
    if cells > MOST_CELLS:
        raise UnsuitableFigure(f"This figure would need {cells} cells; {MOST_CELLS} are the most.")
    rest = [axis for axis in axes if axis not in spanning]
    return PhaseLayout(x=x.name, y=y.name, over=over, rows=tuple(fixings(rest)))


def _rank(axis: Axis) -> tuple[int, float]:
    """Scale first, then step size and warm-up by length, then the others by length."""
    if axis.name == "init_scale":
        return 0, 0
    if axis.name in STEP_SIZES:
        return 1, -len(axis.values) - 0.5  # before a warm-up of as many values
    return 1 if axis.name == "warmup_steps" else 2, -len(axis.values)


def _height(axis: Axis) -> int:
    """A step size goes upwards against anything, a scale against anything else."""
    return 2 if axis.name in STEP_SIZES else int(axis.name == "init_scale")
