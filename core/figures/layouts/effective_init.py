"""The figure of effective initialisations: against the step size, a line per scale, where there is such a thing."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import fixings, replicates, step_axis, swept
from core.spec.experiment_spec import ProductModel, UVModel
from core.sweep.grid import Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectiveInitLayout:
    """The axis of step sizes along x, that of the lines, and for each panel the values that it fixes."""

    x: str
    series: str | None
    over: str
    panels: tuple[Mapping[str, float], ...]


def effective_init_layout(grid: Grid) -> EffectiveInitLayout:
    """Step size along x and a line per initialisation scale; seeds are aggregated.

    Of several depths only depth 2 is drawn, the one that has an effective initialisation.

    Raises:
        UnsuitableFigure: no run can have an effective initialisation, the step size is not swept, or too much else is.
    """
    if reason := without_effective_init(grid, {}):
        raise UnsuitableFigure(reason)
    x, over = step_axis(grid).name, replicates(grid)
    others = [axis for axis in swept(grid) if axis.name not in {x, over, "depth"}]
    series = next((axis for axis in others if axis.name == "init_scale"), None)
    depth = {"depth": 2.0} if any(axis.name == "depth" for axis in grid.axes) else {}
    rest = fixings([axis for axis in others if axis is not series])
    return EffectiveInitLayout(
        x=x, series=series.name if series else None, over=over, panels=tuple(depth | where for where in rest)
    )


def without_effective_init(grid: Grid, where: Mapping[str, float]) -> str:
    """Why none of the runs with these values of axes has an effective initialisation; "" where some can have one."""
    if not (optimizer := grid.run(0).optimizer).keeps_row_space_form:
        return f"With {optimizer.name} there is no effective initialisation: its steps leave the path that defines it."
    if isinstance(grid.spec.model, UVModel | ProductModel):
        return ""
    depth = where.get("depth")
    depths = _depths(grid) if depth is None else (depth,)
    return "" if 2 in depths else "Deeper networks have no effective initialisation; depth 2 and the UV model do."


def _depths(grid: Grid) -> tuple[float, ...]:
    axis = next((axis for axis in grid.axes if axis.name == "depth"), None)
    return axis.values if axis else (grid.problem(0).network.degree,)
