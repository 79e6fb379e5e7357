"""The effective initialisation against the step size, one line for each scale: what finite steps make of α."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.figures.ascending import ascending
from core.figures.axis import common_log_y, span
from core.figures.caption import values_text
from core.figures.drawing import Contents, Drawing
from core.figures.family import (
    draw_family,
    drawn_values,
    families_rug,
    family_data,
    family_handles,
    family_scale,
    legend_title,
    line_names,
)
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.findings import falls_along
from core.figures.largest_steps import is_in_reach, largest_steps
from core.figures.layouts.effective_init import EffectiveInitLayout
from core.figures.layouts.selection import columns_of, swept_axes
from core.figures.legend import Legend
from core.figures.results import Results
from core.figures.style import LARGEST_STEP, MUTED, ordered_colours
from core.implicit_bias.certificate import mean_effective_init
from core.results.curves import Curves, curves
from core.spec.experiment_spec import InlineData
from core.spec.run_spec import PlainSparseRegression, PlainUniform
from core.sweep.arrangement import arrange
from core.sweep.grid_run import Run
from core.sweep.initial_parameters import initial_parameters

START: Final[Mapping[str, Any]] = {"linestyle": (0, (1, 2)), "linewidth": 1.0, "zorder": 1.4}
"""The level at which a line would stay if steps were infinitely small."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    """What one panel shows: its lines, the level at which each starts or None, and η* in units of x or NaN."""

    name: str
    family: Curves
    starts: tuple[float | None, ...]
    largest_step: float

    @property
    def has_step_in_reach(self) -> bool:
        """Whether η* is among the step sizes, or not far from them."""
        return is_in_reach(self.largest_step, self.family.x_values)


def _contents(results: Results, layout: EffectiveInitLayout) -> Contents[_Panel]:
    """Mean √A at the end of training; one panel for each combination of what is swept besides step size and scale."""
    panels = [_panel(results, layout, where) for where in layout.panels]
    family, scale = panels[0].family, family_scale(panels[0].family, downwards=True)
    notes = ["shown: depth 2, the one with an effective initialisation"] if "depth" in swept_axes(results.grid) else []
    return Contents(
        spec=FigureSpec(panels=len(panels), columns=columns_of(len(panels)), height=3.4),
        title=f"Effective initialisation √A against {family.x.label}",
        finding=falls_along([panel.family for panel in panels], "effective initialisation √A"),
        notes=notes,
        panels=panels,
        y_labels=["effective initialisation, mean √A"],
        legend=Legend(handles=_legend(panels), title="" if scale else legend_title(family), scale=scale),
    )


def _panel(results: Results, layout: EffectiveInitLayout, where: Mapping[str, float]) -> _Panel:
    family = curves(
        results.grid,
        results.summaries,
        x=layout.x,
        y="effective_init",
        series=layout.series,
        over=layout.over,
        where=where,
    )
    arrangement = arrange(results.grid, x=layout.x, series=layout.series, over=layout.over, where=where)
    # The step size is along x and changes neither the start nor η*, and a scale does not change η* either.
    lines = arrangement.table(np.arange(len(results.grid)))[:, 0]
    by_scale = np.argsort([scale or 0.0 for scale in arrangement.series_values])
    swept = swept_axes(results.grid)
    return _Panel(
        name=values_text({name: value for name, value in where.items() if name in swept and name != "depth"}),
        family=ascending(family),
        starts=tuple(_start(results, line.tolist()) for line in lines[by_scale]),
        largest_step=largest_steps(results, lines[0], axis=layout.x)[0],
    )


def _start(results: Results, indices: Sequence[int]) -> float | None:
    """Mean √A before the first step, the median over these runs; None where the dimension of the data is not known."""
    runs = [results.grid.run(index) for index in indices]
    starts = [_start_of_run(run, dimension) for run in runs if (dimension := _dimension(results, run))]
    return float(np.median(starts)) if starts else None


def _start_of_run(run: Run, dimension: int) -> float:
    return float(mean_effective_init(run.network, initial_parameters(run, dimension)))


def _dimension(results: Results, run: Run) -> int:
    """d, or any number where the start is the same in all coordinates; 0 where it matters and is not known."""
    match run.spec.data:
        case PlainSparseRegression(dimension=dimension):
            return dimension
        case InlineData(X=X):
            return len(X[0])
        case _:
            analysis = results.analyses.get(run.problem_key)
    if analysis is not None:
        return analysis.dimension
    return int(isinstance(run.spec.initialization, PlainUniform))


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    common_log_y(panels, _heights(contents), rug=families_rug([content.family for content in contents]))


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """A line for each scale; the dotted levels are the values at the start.

    A point is filled where all its runs converged, hollow where only some did. A gap is where none did; there a cross
    in the colour of the line stands below all lines.
    """
    near = [content.largest_step] if content.has_step_in_reach else []
    span(panel, content.family.x, (*content.family.x_values, *near))
    for start, colour in zip(content.starts, ordered_colours(len(content.starts)), strict=True):
        if start:
            panel.axhline(start, color=colour, **START)
    for step in near:
        panel.axvline(step, **LARGEST_STEP)
    draw_family(panel, content.family)
    panel.set_title(content.name, loc="left")


def _data(content: _Panel) -> Iterator[Series]:
    """Everything that is drawn of a panel."""
    yield from family_data(content.family, content.name)
    x = content.family.x_values
    for start, name in zip(content.starts, line_names(content.family), strict=True):
        if start:
            yield series(content.name, f"{name}, at the start", x, [start] * len(x), is_result=False)
    if content.has_step_in_reach:
        yield series(content.name, "largest stable step η*", [content.largest_step], is_result=False)


def _heights(contents: Sequence[_Panel]) -> Iterator[float | None]:
    """All that has to be in sight."""
    for content in contents:
        yield from content.starts
        for curve in content.family.curves:
            yield from drawn_values(curve)


def _legend(contents: Sequence[_Panel]) -> list[Line2D]:
    """The lines by decreasing scale, as they stand; then what the dotted ones are."""
    families = [content.family for content in contents]
    handles = family_handles(families)
    lines = [handle for handle in handles if handle.get_color() != MUTED]
    handles = lines[::-1] + handles[len(lines) :]
    if any(start for content in contents for start in content.starts):
        handles.append(Line2D([], [], color=MUTED, label="at the start", **START))
    if any(content.has_step_in_reach for content in contents):
        handles.append(Line2D([], [], label="largest stable step η*", **LARGEST_STEP))
    return handles


EFFECTIVE_INIT: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
