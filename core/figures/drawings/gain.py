"""What a larger step gains or loses, cell by cell, and the boundary between the two."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64
from matplotlib import colormaps, colors
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from core.figures.boundary import LEVEL, RESAMPLES, boundaries, medians
from core.figures.caption import values_text
from core.figures.cell_scale import number_cells, put_colour_bar
from core.figures.drawing import Contents, Drawing
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.layouts.cells import CellAxis, cell_axis
from core.figures.layouts.gain import GainLayout
from core.figures.layouts.selection import columns_of, swept_axes
from core.figures.legend import Legend
from core.figures.number_text import number_text
from core.figures.results import Results, has_converged
from core.figures.style import GROUND, INK, RUG, TRUTH
from core.results.result import Summary
from core.results.variables import COORDINATES
from core.sweep.arrangement import arrange

LOWER: Final = "lower to the right"

COLOUR_MAP: Final = "RdBu_r"
"""Blue where a larger step lowers the risk, red where it raises it."""

NO_VALUE: Final[Mapping[str, Any]] = {"facecolor": RUG, "edgecolor": GROUND, "hatch": "/////", "hatchcolor": TRUTH}

BAND: Final[Mapping[str, Any]] = {"color": INK, "linewidth": 0.9, "linestyle": (0, (3, 2)), "zorder": 3.1}

NEGLIGIBLE: Final = 1e-3
"""A risk that is lower by less counts as the same: small steps lead nearly to the limit of gradient flow."""

LEAST_RATIO: Final = 1.05
"""The scale of colours reaches at least so far from 1."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Panel:
    """Cells with the median `ratio` of risks; `boundary` has, for each y, where it is 1 along x, and its interval.

    `some_failed` are the cells of which some, but not all, runs converged; `most` is how far from 1 the colours of all
    panels reach.
    """

    name: str
    x: CellAxis
    y: CellAxis
    ratio: Float64[np.ndarray, "y x"]
    there: Bool[np.ndarray, "y x"]
    boundary: Float64[np.ndarray, "3 y"]
    x_label: str
    most: float


def _contents(results: Results, layout: GainLayout) -> Contents[_Panel]:
    """A panel for each combination of what is swept besides."""
    found = [_cells(results, layout, where) for where in layout.panels]
    most = max(
        [LEAST_RATIO, *(float(np.nanmax(np.exp(np.abs(np.log(ratio))), initial=1)) for _, _, ratio, *_ in found)]
    )
    x, y = COORDINATES[layout.x], COORDINATES[layout.y]
    panels = [
        _Panel(
            name=values_text(where) if len(found) > 1 else "",
            x=across,
            y=upwards,
            ratio=ratio,
            there=there,
            boundary=boundary,
            x_label=x.label,
            most=most,
        )
        for where, (across, upwards, ratio, there, boundary) in zip(layout.panels, found, strict=True)
    ]
    return Contents(
        spec=FigureSpec(
            panels=len(panels),
            columns=columns_of(len(panels)),
            height=3.0,
            panel_width=3.3,
            legend=1.9,
            below=1.45,
            between_rows=2.0,
        ),
        title=f"Risk over that of gradient flow, against {x.label} and {y.label}",
        finding=_finding(panels, x.label, y.symbol or y.label),
        notes=tuple(_notes(results, layout)),
        panels=panels,
        y_labels=[y.label],
        legend=Legend(handles=list(_handles(panels))),
    )


def _cells(
    results: Results, layout: GainLayout, where: Mapping[str, float]
) -> tuple[CellAxis, CellAxis, np.ndarray, np.ndarray, np.ndarray]:
    arrangement = arrange(results.grid, x=layout.x, series=layout.y, over=layout.over, where=where)
    upward = [axis.values for axis in results.grid.axes if axis.name == layout.y]
    x, y = cell_axis(arrangement.x.values), cell_axis(upward[0])
    ascending = np.ix_(y.order, x.order)
    gains = arrangement.table(np.array([_log_ratio(summary) for summary in results.summaries]))[ascending]
    stored = np.array([summary is not None for summary in results.summaries])
    there = arrangement.table(stored)[ascending].any(axis=-1)
    return x, y, np.exp(medians(gains)), there, boundaries(gains, x.values, np.log(1 - NEGLIGIBLE))


def _log_ratio(summary: Summary | None) -> float:
    """The logarithm of a converged run's excess risk over that of gradient flow; NaN where one is unknown or 0."""
    if summary is None or not has_converged(summary):
        return np.nan
    own, flow = (np.float64(summary.get(name) or np.nan) for name in ("excess_risk", "flow_excess_risk"))
    return float(np.log(own / flow)) if own > 0 and flow > 0 else np.nan


def _notes(results: Results, layout: GainLayout) -> Iterator[str]:
    if layout.over in swept_axes(results.grid):
        yield "a cell shows the median over the seeds that converged, of the risk over that of gradient flow there"
        yield f"the band covers the line with {LEVEL:.0%} (bootstrap over seeds, {RESAMPLES} draws)"
    else:
        yield "gradient flow starts where the run does, on the same data"


def _finding(panels: Sequence[_Panel], x: str, y: str) -> str:
    """Beyond which x the largest step lowers the risk; "" where there are several panels, or no such place."""
    middle, low, high = panels[0].boundary[:, -1].tolist()
    if len(panels) > 1 or not np.isfinite(middle):
        return ""
    step, interval = number_text(float(panels[0].y.values[-1])), ""
    if low > -np.inf and high < np.inf:
        interval = f" ({_two_digits(low)} to {_two_digits(high)})"
    return f"At {y} = {step} a large step lowers the risk where {x} is above {_two_digits(middle)}{interval}"


def _two_digits(number: float) -> str:
    return number_text(float(f"{number:.2g}"))


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    for panel, content in zip(panels, contents, strict=True):
        number_cells(panel, content.x, content.y)


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """A cell has the colour of its median ratio, hatched where no run of it has one, empty where none is stored."""
    panel.grid(visible=False)
    panel.set_xlabel(content.x_label)
    panel.set_title(content.name, loc="left")
    _mark(panel, content, content.there & np.isnan(content.ratio), NO_VALUE)
    if np.isfinite(content.ratio).any():
        mesh = panel.pcolormesh(
            content.x.edges,
            content.y.edges,
            np.ma.masked_invalid(content.ratio),
            cmap=colormaps[COLOUR_MAP],
            norm=colors.LogNorm(1 / content.most, content.most),
            edgecolors=GROUND,
            linewidth=0.4,
        )
        put_colour_bar(panel, mesh, "risk / that of gradient flow")
    for edge in _lines(content)[1:]:
        panel.plot(edge, content.y.positions, **BAND)
    panel.plot(_lines(content)[0], content.y.positions, color=GROUND, linewidth=3.4, zorder=3)
    panel.plot(_lines(content)[0], content.y.positions, color=INK, linewidth=1.7, zorder=3.2)


def _lines(content: _Panel) -> Float64[np.ndarray, "3 y"]:
    """The boundary and its interval as they are drawn: what lies beyond the cells stands at their edge."""
    drawn: Float64[np.ndarray, "3 y"] = np.clip(_positions(content.x, content.boundary), *content.x.edges[[0, -1]])
    return drawn


def _positions(x: CellAxis, places: Float64[np.ndarray, "3 y"]) -> Float64[np.ndarray, "3 y"]:
    """Where numbers stand along the cells: a zero may stand elsewhere than at 0."""
    inside = np.interp(places, x.values, x.positions)
    return np.where(np.isfinite(places), inside, places)


def _mark(panel: Axes, content: _Panel, chosen: Bool[np.ndarray, "y x"], look: Mapping[str, Any]) -> None:
    x, y = content.x.edges, content.y.edges
    cells = [Rectangle((x[k], y[j]), x[k + 1] - x[k], y[j + 1] - y[j]) for j, k in np.argwhere(chosen).tolist()]
    if cells:
        panel.add_collection(PatchCollection(cells, linewidths=0.4, **look), autolim=False)


def _handles(panels: Sequence[_Panel]) -> Iterator[Line2D | Patch]:
    yield Line2D([], [], color=INK, label=LOWER)
    if any(np.isfinite(panel.boundary[1:]).any() for panel in panels):
        yield Line2D([], [], **BAND, label=f"its {LEVEL:.0%} interval")
    if any((panel.there & np.isnan(panel.ratio)).any() for panel in panels):
        yield Patch(**NO_VALUE, linewidth=0, label="no ratio")


def _data(content: _Panel) -> Iterator[Series]:
    """The cells, then the boundary and the ends of its interval."""
    name = content.name or "gain"
    lines, columns = np.nonzero(np.isfinite(content.ratio))
    yield Series(
        panel=name,
        name="median of the converged runs",
        x=content.x.values[columns],
        y=content.y.values[lines],
        value=content.ratio[lines, columns],
    )
    for words, places in zip(
        (LOWER, "least of its interval", "largest of its interval"), content.boundary, strict=True
    ):
        known = np.isfinite(places)
        if known.any():
            yield series(name, words, places[known], content.y.values[known])


GAIN: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
