"""The phase diagram: outcome, risk and effective initialisation over two swept numbers, cell by cell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import fill
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64
from matplotlib import colormaps, colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection, QuadMesh
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from core.figures.caption import values_text
from core.figures.cell_scale import number_cells, put_colour_bar
from core.figures.drawing import Contents, Drawing
from core.figures.figure_data import Series
from core.figures.figure_spec import FigureSpec
from core.figures.heat_map import HeatMap, heat_map
from core.figures.largest_steps import distinct_steps
from core.figures.layouts.cells import CODES_WITH_LIMIT, OUTCOMES
from core.figures.layouts.effective_init import without_effective_init
from core.figures.layouts.phase import PhaseLayout
from core.figures.layouts.selection import swept_axes
from core.figures.panel_size import size_of
from core.figures.results import Results
from core.figures.style import GRID, GROUND, INK, LARGEST_STEP, MUTED, RUG, TRUTH, letter_scale
from core.outcome import Outcome
from core.results.curves import default_quantity
from core.results.variables import COORDINATES, VARIABLES

PANEL: Final = 2.75
"""Width and height of a panel, in inches."""

OUTCOME_COLOURS: Final[Mapping[Outcome, str]] = {
    Outcome.CONVERGED: "#3a7ea8",
    Outcome.DIVERGED: "#2f1a24",
    Outcome.OSCILLATING: "#ee9c2c",
    Outcome.BUDGET_EXHAUSTED: "#dfe4e8",
    Outcome.UNSTABLE_INTERPOLATOR: "#8e2450",
    Outcome.STATIONARY: "#5f9d78",
    Outcome.STANDSTILL: "#3a3550",
    Outcome.STOPPED: "#cbc6d6",
}
"""Apart for every kind of colour vision, the light ones and the dark ones in grey as well."""

SENSITIVITY: Final = "sensitivity"

COLOUR_MAPS: Final = {"effective_init": "cividis", SENSITIVITY: "inferno"}
"""Every other quantity is drawn in viridis; two maps side by side are not taken for one scale."""

NO_VALUE: Final[Mapping[str, Any]] = {
    "facecolor": RUG,
    "edgecolor": GROUND,
    "hatch": "/////",
    "hatchcolor": TRUTH,
}
DIFFERING: Final[Mapping[str, Any]] = {
    "facecolor": "none",
    "edgecolor": "white",
    "hatch": "....",
    "hatchcolor": "white",
}
DECIDED: Final[Mapping[str, Any]] = {
    "linestyle": "",
    "marker": "D",
    "markersize": 3.4,
    "markerfacecolor": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 0.7,
}
ZERO: Final[Mapping[str, Any]] = {"linestyle": "", "marker": "$0$", "color": INK, "markersize": 5.0}
"""Cells of exactly zero, which a logarithmic scale of colours does not have."""

MISSING: Final[Mapping[str, Any]] = {"facecolor": GROUND, "edgecolor": GRID}

BORDERED: Final = 32
"""Up to so many cells in a line have a white border: of more it would hide too much."""

REACH: Final = 0.35
"""The panel is stretched up to a largest stable step this far above the cells, as a part of their height."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Panel:
    """What one panel shows of a row's heat map: a `quantity`, or the outcomes where it is None.

    `heat_maps` are those of all rows, which have their colours in common. The `row`'s name stands above its outcomes;
    η* is named beside the panel that `is_last` of its row.
    """

    quantity: str | None
    here: HeatMap
    heat_maps: Sequence[HeatMap]
    row: str
    is_last: bool
    x_label: str


def _contents(results: Results, layout: PhaseLayout) -> Contents[_Panel]:
    """One row of panels for each combination of what is swept besides: outcome, risk, effective initialisation."""
    quantities = _quantities(results, layout)
    heat_maps = [heat_map(results, layout, where, quantities) for where in layout.rows]
    x, y = COORDINATES[layout.x], COORDINATES[layout.y]
    return Contents(
        spec=_spec(len(heat_maps), 1 + len(quantities)),
        title=f"Phase diagram over {x.label} and {y.label}",
        finding=_finding(heat_maps),
        notes=tuple(_notes(results, layout)),
        panels=[panel for here in heat_maps for panel in _row(here, heat_maps, x.label)],
        y_labels=[y.label],
    )


def _row(here: HeatMap, heat_maps: Sequence[HeatMap], x_label: str) -> Iterator[_Panel]:
    last = [None, *(name for name in here.medians if name not in here.absent)][-1]
    for quantity in (None, *here.medians):
        yield _Panel(
            quantity=quantity,
            here=here,
            heat_maps=heat_maps,
            row=values_text(here.where) if len(heat_maps) > 1 else "",
            is_last=quantity == last,
            x_label=x_label,
        )


def _spec(rows: int, columns: int) -> FigureSpec:
    """Room above each row for its name, below it for legend and colour bars, at the right for the name of η*."""
    return FigureSpec(
        panels=rows * columns,
        columns=columns,
        height=PANEL,
        panel_width=PANEL,
        legend=0.8,
        between=0.35,
        head=0.32 if rows == 1 else 0.55,
        below=1.45,
        least_panel=(2.5, 2.0),
        between_rows=2.0,
    )


def _notes(results: Results, layout: PhaseLayout) -> Iterator[str]:
    if layout.over in swept_axes(results.grid):
        yield "a cell shows the most frequent outcome of its seeds, and the median of those that converged"
    if reason := without_effective_init(results.grid, {}):
        yield reason[0].lower() + reason[1:].rstrip(".")


def _quantities(results: Results, layout: PhaseLayout) -> list[str]:
    """What is drawn beside the outcome."""
    default = default_quantity(results.grid.spec.data, results.summaries)
    some = any(not without_effective_init(results.grid, where) for where in layout.rows)
    twins = results.grid.spec.recording.sensitivity is True
    return [default] + ["effective_init"] * some + [SENSITIVITY] * twins


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    """Over all cells, and up to the largest η* if it is close above them."""
    for panel, content in zip(panels, contents, strict=True):
        number_cells(panel, content.here.x, content.here.y)
    in_figure, edges = panels[0].transData, contents[0].here.y.edges
    top = max(float(np.nan_to_num(content.here.largest_steps[0]).max()) for content in contents)
    _, (low, high, line) = in_figure.transform([(1, edges[0]), (1, edges[-1]), (1, top)]).T
    if high < line < high + REACH * (high - low):
        _, limit = in_figure.inverted().transform((0, line + 0.03 * (high - low)))
        for panel in panels:
            panel.set_ylim(top=limit)


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """A cell has the colour of the most frequent outcome of its runs, dotted where they differ.

    Or of the median over those that converged, hatched where none did; it is empty where no run is stored. A diamond
    marks a cell with a run that rounding decided, where no panel has the sensitivity of all. The line is η*.
    """
    panel.grid(visible=False)
    panel.set_xlabel(content.x_label)
    if content.quantity is None:
        _draw_outcomes(panel, content)
    elif reason := content.here.absent.get(content.quantity):
        panel.set_axis_off()
        panel.text(0.5, 0.5, fill(reason, 34), color=MUTED, ha="center", transform=panel.transAxes)
        return
    else:
        _draw_median(panel, content, content.quantity)
    if content.here.decided.any() and SENSITIVITY not in content.here.medians:
        _draw_marks(panel, content.here, content.here.decided, DECIDED)
    _draw_largest_steps(panel, content)


def _draw_outcomes(panel: Axes, content: _Panel) -> None:
    here = content.here
    panel.set_title("outcome", loc="left")
    palette = colors.ListedColormap([OUTCOME_COLOURS[outcome] for outcome in OUTCOMES])
    codes = np.ma.masked_where(here.missing, here.outcomes)
    _fill(panel, here, codes, cmap=palette, vmin=-0.5, vmax=len(OUTCOMES) - 0.5)
    _mark(panel, here, here.differing, DIFFERING)
    _mark(panel, here, here.missing, MISSING)
    _name_outcomes(panel, content.heat_maps)
    if content.row:
        _write_beside(panel, (0, 1), (0, 27), content.row, xycoords="axes fraction", fontweight="bold")


def _draw_median(panel: Axes, content: _Panel, name: str) -> None:
    """The cells with a value, on the scale that all rows share, and its colour bar."""
    here, title = content.here, VARIABLES[name].label.partition(" (")[0]
    panel.set_title(title, loc="left")
    _mark(panel, here, here.without_value(name), NO_VALUE)
    _mark(panel, here, here.missing, MISSING)
    _mark(panel, here, here.medians[name] == 0, MISSING)
    if (here.medians[name] == 0).any():
        _draw_marks(panel, here, here.medians[name] == 0, ZERO)
    seen = np.concatenate([other.medians[name].ravel() for other in content.heat_maps])
    seen = seen[seen > 0]
    if seen.size:
        margin = 1.0 if seen.max() > seen.min() else 1.2
        norm = colors.LogNorm(seen.min() / margin, seen.max() * margin)
        values = np.ma.masked_where(~(here.medians[name] > 0), here.medians[name])
        mesh = _fill(panel, here, values, cmap=colormaps[COLOUR_MAPS.get(name, "viridis")], norm=norm)
        put_colour_bar(panel, mesh, title)


def _fill(panel: Axes, here: HeatMap, values: np.ma.MaskedArray[Any, Any], **scale: Any) -> QuadMesh:
    """The cells in colours, a mesh for each stretch of columns whose cells end at the same heights."""
    border = {"edgecolors": GROUND, "linewidth": 0.4} if max(values.shape) <= BORDERED else {"linewidth": 0}
    edges = here.y_edges
    breaks = np.flatnonzero((np.diff(edges, axis=1) != 0).any(axis=0)) + 1
    for start, stop in pairwise([0, *breaks.tolist(), edges.shape[1]]):
        mesh = panel.pcolormesh(
            here.x.edges[start : stop + 1], edges[:, start], values[:, start:stop], **border, **scale
        )
    return mesh


def _mark(panel: Axes, here: HeatMap, chosen: Bool[np.ndarray, "y x"], look: Mapping[str, Any]) -> None:
    x, y = here.x.edges, here.y_edges
    cells = [
        Rectangle((x[k], y[j, k]), x[k + 1] - x[k], y[j + 1, k] - y[j, k]) for j, k in np.argwhere(chosen).tolist()
    ]
    if cells:
        panel.add_collection(PatchCollection(cells, linewidths=0.4, **look), autolim=False)


def _draw_marks(panel: Axes, here: HeatMap, chosen: Bool[np.ndarray, "y x"], look: Mapping[str, Any]) -> None:
    lines, columns = np.nonzero(chosen)
    panel.plot(here.x.positions[columns], here.y.positions[lines], **look, zorder=3.2)


def _draw_largest_steps(panel: Axes, content: _Panel) -> None:
    """Each η* over every cell, on a white ground, with its name at the right end of the row."""
    low, high = panel.get_ylim()
    for name, steps in zip(("η*", "η*, θ of\nany sign"), distinct_steps(content.here.largest_steps), strict=False):
        x, y = np.repeat(content.here.x.edges, 2)[1:-1], np.repeat(steps, 2)
        panel.plot(x, y, color=GROUND, linewidth=2.6, zorder=3, solid_capstyle="butt")
        panel.plot(x, y, **dict(LARGEST_STEP) | {"color": INK, "zorder": 3.1})
        if content.is_last and low <= steps[-1] <= high:
            _write_beside(panel, (1, steps[-1]), (4, 0), name, xycoords=panel.get_yaxis_transform())


def _write_beside(panel: Axes, place: tuple[float, float], away: tuple[float, float], text: str, **look: Any) -> None:
    offset = (letter_scale() * away[0], letter_scale() * away[1])
    panel.annotate(text, xy=place, xytext=offset, textcoords="offset points", va="center", **look)


def _data(content: _Panel) -> Iterator[Series]:
    """The cells: one series for each outcome, or the median of the quantity; then η*."""
    here = content.here
    name = ", ".join(part for part in (content.row, content.quantity and VARIABLES[content.quantity].label) if part)
    if content.quantity is None:
        for code in np.unique(here.outcomes[~here.missing]).tolist():
            yield _cells(here, name or "outcome", OUTCOMES[code].replace("_", " "), here.outcomes == code, None)
    elif content.quantity not in here.absent:
        medians = here.medians[content.quantity]
        yield _cells(here, name, "median of the converged runs", np.isfinite(medians), medians)
    for words, steps in zip(("η*", "η*, θ of any sign"), distinct_steps(here.largest_steps), strict=False):
        yield Series(panel=name or "outcome", name=words, x=here.x.values, y=np.asarray(steps), is_result=False)


def _cells(
    here: HeatMap, panel: str, name: str, chosen: Bool[np.ndarray, "y x"], values: Float64[np.ndarray, "y x"] | None
) -> Series:
    lines, columns = np.nonzero(chosen)
    shown = np.full(len(lines), np.nan) if values is None else values[lines, columns]
    return Series(panel=panel, name=name, x=here.x.values[columns], y=here.y.values[lines], value=shown)


def _finding(heat_maps: Sequence[HeatMap]) -> str:
    """That every cell below η* converges and none above it does; "" where it is not so, or η* is not among them."""
    below, above = [], []
    for here in heat_maps:
        converged, step = np.isin(here.outcomes, CODES_WITH_LIMIT), here.largest_steps[0]
        known = ~here.missing & np.isfinite(step)
        below.append(converged[known & (here.y.values[:, None] < step)])
        above.append(converged[known & (here.y.values[:, None] > step)])
    stable, unstable = np.concatenate(below), np.concatenate(above)
    if not stable.size or not unstable.size or not stable.all() or unstable.any():
        return ""
    return f"All {stable.size} cells below η* converge, and none of the {unstable.size} above it"


def _name_outcomes(panel: Axes, heat_maps: Sequence[HeatMap]) -> None:
    """The legend below the panel: the colours and patterns that are to be seen in any row."""
    handles = list(_handles(heat_maps))
    panel.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, -0.54 / size_of(panel)[1]),
        ncols=1 if len(handles) < 4 else 2,
        fontsize=8 * letter_scale(),
        handlelength=1.2,
        handleheight=1.0,
        columnspacing=1.2,
        borderpad=0,
        borderaxespad=0,
    )


def _handles(heat_maps: Sequence[HeatMap]) -> Iterator[Artist]:
    codes = {code for here in heat_maps for code in np.unique(here.outcomes).tolist()}
    for code, outcome in enumerate(OUTCOMES):
        if code in codes:
            yield Patch(facecolor=OUTCOME_COLOURS[outcome], linewidth=0, label=outcome.replace("_", " "))
    if any(here.differing.any() for here in heat_maps):
        yield Patch(**(dict(DIFFERING) | {"facecolor": MUTED}), linewidth=0, label="seeds differ")
    if any(here.decided.any() and SENSITIVITY not in here.medians for here in heat_maps):
        yield Line2D([], [], **DECIDED, label="decided by rounding")
    if any((here.medians[name] == 0).any() for here in heat_maps for name in here.medians):
        yield Line2D([], [], **ZERO, label="exactly 0")
    blank = [here.outcomes[here.without_value(name)] for here in heat_maps for name in here.medians]
    if any(cells.size for cells in blank):
        known = any(np.isin(cells, CODES_WITH_LIMIT).any() for cells in blank)
        yield Patch(**NO_VALUE, linewidth=0, label="no value" if known else "no converged run")
    if any(here.missing.any() for here in heat_maps):
        yield Patch(**MISSING, linewidth=0.8, label="not there yet")


PHASE: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
