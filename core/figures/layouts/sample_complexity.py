"""The figure of theorem 5.2: samples along x, a line for each sparsity, a panel for each ζ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import STEP_SIZES, fixings, swept_axes
from core.spec.experiment_spec import SparseRegression
from core.sweep.grid import Grid

MAX_LINES: Final = 12
SAMPLES: Final = "samples"


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleComplexityLayout:
    """The axes whose values make the lines, the values that each panel fixes, and the largest swept step size."""

    lines: tuple[Mapping[str, float], ...]
    panels: tuple[Mapping[str, float], ...]
    step_size: Mapping[str, float]


def sample_complexity_layout(grid: Grid) -> SampleComplexityLayout:
    """A line for each sparsity and a panel for each other problem; without several sparsities, a line for each ζ.

    Raises:
        UnsuitableFigure: the data are no sparse regression with several numbers of samples, or too many others.
    """
    axes = {axis.name: axis for axis in grid.axes}
    swept = set(swept_axes(grid))
    if not isinstance(grid.spec.data, SparseRegression) or SAMPLES not in swept:
        raise UnsuitableFigure("This figure needs sparse_regression data with several numbers of samples.")
    if not grid.spec.data.is_of_the_paper:
        raise UnsuitableFigure(
            "This figure is about the law of the paper: independent features, one mean, one variance."
        )
    problem = [axis for axis in grid.problem_axes if axis.name in swept - {SAMPLES, "seed"}]
    lines = [axis for axis in problem if axis.name == "sparsity"]
    lines = lines or [axis for axis in problem if axis.name in {"data_mean", "data_variance"}]
    return SampleComplexityLayout(
        lines=tuple(sorted(fixings(lines, most=MAX_LINES, of="lines"), key=lambda where: tuple(where.values()))),
        panels=tuple(fixings([axis for axis in problem if axis not in lines])),
        step_size=next(({name: max(axes[name].values)} for name in STEP_SIZES if name in axes), {}),
    )
