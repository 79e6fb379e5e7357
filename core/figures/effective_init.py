"""The effective initialisation against the step size, one line for each scale: what finite steps make of α."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from core.experiment.training_run import initial_parameters
from core.figures.ascending import ascending
from core.figures.axis import log_range, log_y, span
from core.figures.caption import caption, swept_axes, value_text
from core.figures.family import draw_family, families_foot, family_handles, legend_title
from core.figures.largest_steps import largest_steps
from core.figures.layouts.effective_init import EffectiveInitLayout, effective_init_layout
from core.figures.layouts.selection import columns_of
from core.figures.page import PANEL_WIDTHS, Sheet, page, put_legend
from core.figures.results import Results
from core.figures.style import INK, LARGEST_STEP, MUTED, ordered_colours, style
from core.implicit_bias.certificate import mean_effective_init
from core.results.curves import Curves, curves
from core.results.variables import COORDINATES
from core.spec.experiment_spec import InlineData
from core.spec.run_spec import PlainSparseRegression, PlainUniform
from core.sweep.arrangement import arrange
from core.sweep.grid import STEP_SIZE_FRACTION
from core.sweep.run import Run

START: Final[Mapping[str, Any]] = {"linestyle": (0, (1, 2)), "linewidth": 1.0, "zorder": 1.4}
"""The level at which a line would stay if steps were infinitely small."""

REACH: Final = 1.5
"""η* is drawn where the step sizes come within this factor of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    """What one panel shows: its lines, the level at which each starts or None, and η* in units of x or NaN."""

    where: Mapping[str, float]
    family: Curves
    starts: tuple[float | None, ...]
    largest_step: float

    @property
    def has_step_in_sight(self) -> bool:
        """Whether η* is among the step sizes, or not far from them."""
        least, most = min(self.family.x_values), max(self.family.x_values)
        return least / REACH < self.largest_step < most * REACH


def draw_effective_init(results: Results) -> Figure:
    """Mean √A at the end against the step size; the dotted levels are its values at the start.

    A point is filled where all its runs converged, hollow where only some did. A gap is where none did; there a cross
    in the colour of the line stands at the foot of the panel.

    Raises:
        UnsuitableFigure: no run can have an effective initialisation, the step size is not swept, or too much else is.
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    layout = effective_init_layout(results.grid)
    contents = [_content(results, layout, where) for where in layout.panels]
    columns = columns_of(len(contents))
    width = PANEL_WIDTHS[columns - 1]
    sheet = Sheet(panels=len(contents), width=width, height=3.4, columns=columns, between=0.2, share_y=True)
    title = f"Effective initialisation √A against {contents[0].family.x.label}"
    with style():
        figure, panels = page(sheet, caption(results, title, _notes(results)))
        foot = families_foot([content.family for content in contents])
        least, most = log_range(_heights(contents), foot=foot)
        for panel, content in zip(panels, contents, strict=True):
            log_y(panel, least, most, foot=foot)
            _draw(panel, content)
            panel.set_title(_name(results, content), loc="left", fontsize=10, color=INK)
        for panel in panels[::columns]:
            panel.set_ylabel("effective initialisation, mean √A")
        put_legend(figure, panels, _legend(contents), title=legend_title(contents[0].family))
    return figure


def _content(results: Results, layout: EffectiveInitLayout, where: Mapping[str, float]) -> _Panel:
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
    relative = layout.x == STEP_SIZE_FRACTION
    return _Panel(
        where=where,
        family=ascending(family),
        starts=tuple(_start(results, line.tolist()) for line in lines[by_scale]),
        largest_step=largest_steps(results, lines[0], relative=relative)[0],
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


def _notes(results: Results) -> list[str]:
    return ["shown: depth 2, the one with an effective initialisation"] if "depth" in swept_axes(results.grid) else []


def _name(results: Results, content: _Panel) -> str:
    swept = swept_axes(results.grid)
    shown = [axis for axis in content.where if axis in swept and axis != "depth"]
    return ", ".join(value_text(COORDINATES[axis], content.where[axis]) for axis in shown)


def _draw(panel: Axes, content: _Panel) -> None:
    near = [content.largest_step] if content.has_step_in_sight else []
    span(panel, content.family.x, (*content.family.x_values, *near))
    for start, colour in zip(content.starts, ordered_colours(len(content.starts)), strict=True):
        if start:
            panel.axhline(start, color=colour, **START)
    for step in near:
        panel.axvline(step, **LARGEST_STEP)
    draw_family(panel, content.family)


def _heights(contents: Sequence[_Panel]) -> Iterator[float | None]:
    """All that has to be in sight."""
    for content in contents:
        yield from content.starts
        for curve in content.family.curves:
            yield from (*curve.median, *curve.lower_quartile, *curve.upper_quartile)


def _legend(contents: Sequence[_Panel]) -> list[Line2D]:
    """The lines by decreasing scale, as they stand; then what the dotted ones are."""
    families = [content.family for content in contents]
    handles = family_handles(families)
    lines = [handle for handle in handles if handle.get_color() != MUTED]
    handles = lines[::-1] + handles[len(lines) :]
    if any(start for content in contents for start in content.starts):
        handles.append(Line2D([], [], color=MUTED, label="at the start", **START))
    if any(content.has_step_in_sight for content in contents):
        handles.append(Line2D([], [], label="largest stable step η*", **LARGEST_STEP))
    return handles
