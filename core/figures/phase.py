"""The phase diagram: outcome, risk and effective initialisation over two swept numbers, cell by cell."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from textwrap import fill
from typing import Any, Final

import numpy as np
from jaxtyping import Bool
from matplotlib import colormaps, colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from core.figures.caption import caption, swept_axes, value_text
from core.figures.cell_scale import number_cells, put_colour_bar
from core.figures.largest_steps import distinct_steps
from core.figures.layouts.cells import OUTCOMES
from core.figures.layouts.effective_init import without_effective_init
from core.figures.layouts.phase import PhaseLayout, phase_layout
from core.figures.page import Sheet, page
from core.figures.plane import Plane, plane
from core.figures.results import Results
from core.figures.style import INK, LARGEST_STEP, MUTED, style
from core.outcome import Outcome
from core.results.curves import telling_quantity
from core.results.result import check_one_per_run
from core.results.variables import COORDINATES, VARIABLES

PANEL: Final = 2.75
"""Width and height of a panel, in inches."""

OUTCOME_COLOURS: Final[Mapping[Outcome, str]] = {
    Outcome.CONVERGED: "#3a7ea8",
    Outcome.DIVERGED: "#2f1a24",
    Outcome.OSCILLATING: "#ee9c2c",
    Outcome.BUDGET_EXHAUSTED: "#dfe4e8",
    Outcome.UNSTABLE_INTERPOLATOR: "#8e2450",
}
"""Apart for every kind of colour vision, the light ones and the dark ones in grey as well."""

COLOUR_MAPS: Final = {"effective_init": "cividis"}
"""Every other quantity is drawn in viridis; two maps side by side are not taken for one scale."""

NO_VALUE: Final[Mapping[str, Any]] = {
    "facecolor": "#f7f7f7",
    "edgecolor": "white",
    "hatch": "/////",
    "hatchcolor": "#c4c4c4",
}
DIFFERING: Final[Mapping[str, Any]] = {
    "facecolor": "none",
    "edgecolor": "white",
    "hatch": "....",
    "hatchcolor": "white",
}
MISSING: Final[Mapping[str, Any]] = {"facecolor": "white", "edgecolor": "#d9d9d9"}

BORDERED: Final = 32
"""Up to so many cells in a line have a white border: of more it would hide too much."""

REACH: Final = 0.35
"""The panel is stretched up to a largest stable step this far above the cells, as a part of their height."""


def draw_phase(results: Results) -> Figure:
    """One row of panels for each combination of what is swept besides: outcome, risk, effective initialisation.

    A cell has the colour of the most frequent outcome of its runs, dotted where they differ, or of the median over
    those that converged, hatched where none did; it is empty where no run is stored. The line is η*.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for this figure.
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    check_one_per_run(results.grid, results.summaries)
    layout = phase_layout(results.grid)
    quantities = _quantities(results, layout)
    planes = [plane(results, layout, where, quantities) for where in layout.rows]
    with style():
        title = f"Phase diagram over {COORDINATES[layout.x].label} and {COORDINATES[layout.y].label}"
        sheet = _sheet(len(planes), 1 + len(quantities))
        figure, panels = page(sheet, caption(results, title, tuple(_notes(results, layout))))
        rows = [panels[start : start + sheet.columns] for start in range(0, len(panels), sheet.columns)]
        for row, there in zip(rows, planes, strict=True):
            _draw_cells(row, planes, there, layout)
        _stretch(panels, planes)
        for row, there in zip(rows, planes, strict=True):
            _draw_largest_steps(row, there)
    return figure


def _sheet(rows: int, columns: int) -> Sheet:
    """Room above each row for its name, below it for legend and colour bars, at the right for the name of η*."""
    return Sheet(
        panels=rows * columns,
        width=PANEL,
        height=PANEL,
        columns=columns,
        legend=0.8,
        between=0.35,
        head=0.32 if rows == 1 else 0.55,
        below=1.45,
        between_rows=2.0,
        share_y=True,
    )


def _notes(results: Results, layout: PhaseLayout) -> Iterator[str]:
    if layout.over in swept_axes(results.grid):
        yield "a cell shows the most frequent outcome of its seeds, and the median of those that converged"
    if reason := without_effective_init(results.grid, {}):
        yield reason[0].lower() + reason[1:].rstrip(".")


def _quantities(results: Results, layout: PhaseLayout) -> list[str]:
    """What is drawn beside the outcome."""
    telling = telling_quantity(results.grid.spec.data, results.summaries)
    some = any(not without_effective_init(results.grid, where) for where in layout.rows)
    return [telling, "effective_init"] if some else [telling]


def _draw_cells(panels: Sequence[Axes], planes: Sequence[Plane], there: Plane, layout: PhaseLayout) -> None:
    for panel in panels:
        panel.grid(visible=False)
        number_cells(panel, there.x, there.y)
        panel.set_xlabel(COORDINATES[layout.x].label)
    panels[0].set_ylabel(COORDINATES[layout.y].label)
    _draw_outcomes(panels[0], there)
    for panel, name in zip(panels[1:], there.medians, strict=True):
        if name in there.absent:
            panel.set_axis_off()
            panel.text(0.5, 0.5, fill(there.absent[name], 34), color=MUTED, ha="center", transform=panel.transAxes)
        else:
            _draw_median(panel, planes, there, name)
    _name_outcomes(panels[0], planes)
    if len(planes) > 1:
        _name_row(panels[0], there)


def _draw_outcomes(panel: Axes, there: Plane) -> None:
    panel.set_title("outcome", loc="left", fontsize=10)
    palette = colors.ListedColormap([OUTCOME_COLOURS[outcome] for outcome in OUTCOMES])
    codes = np.ma.masked_where(there.missing, there.outcomes)
    _fill(panel, there, codes, cmap=palette, vmin=-0.5, vmax=len(OUTCOMES) - 0.5)
    _mark(panel, there, there.differing, DIFFERING)
    _mark(panel, there, there.missing, MISSING)


def _draw_median(panel: Axes, planes: Sequence[Plane], there: Plane, name: str) -> None:
    """The cells with a value, on the scale that all rows share, and its colour bar."""
    title = VARIABLES[name].label.partition(" (")[0]
    panel.set_title(title, loc="left", fontsize=10)
    _mark(panel, there, there.without_value(name), NO_VALUE)
    _mark(panel, there, there.missing, MISSING)
    seen = np.concatenate([other.medians[name].ravel() for other in planes])
    seen = seen[np.isfinite(seen)]
    if seen.size:
        margin = 1.0 if seen.max() > seen.min() else 1.2
        norm = colors.LogNorm(seen.min() / margin, seen.max() * margin)
        values = np.ma.masked_invalid(there.medians[name])
        mesh = _fill(panel, there, values, cmap=colormaps[COLOUR_MAPS.get(name, "viridis")], norm=norm)
        put_colour_bar(panel, mesh, title)


def _fill(panel: Axes, there: Plane, values: np.ma.MaskedArray[Any, Any], **scale: Any) -> QuadMesh:
    border = {"edgecolors": "white", "linewidth": 0.4} if max(values.shape) <= BORDERED else {"linewidth": 0}
    return panel.pcolormesh(there.x.edges, there.y.edges, values, **border, **scale)


def _mark(panel: Axes, there: Plane, chosen: Bool[np.ndarray, "y x"], look: Mapping[str, Any]) -> None:
    columns, lines = list(pairwise(there.x.edges.tolist())), list(pairwise(there.y.edges.tolist()))
    cells = [
        Rectangle((columns[k][0], lines[j][0]), columns[k][1] - columns[k][0], lines[j][1] - lines[j][0])
        for j, k in np.argwhere(chosen).tolist()
    ]
    if cells:
        panel.add_collection(PatchCollection(cells, linewidths=0.4, **look), autolim=False)


def _stretch(panels: Sequence[Axes], planes: Sequence[Plane]) -> None:
    """Stretch all panels to the largest η* if it is close above the cells."""
    to_page, (first, *_) = panels[0].transData, planes
    top = max(float(np.nan_to_num(there.largest_steps[0]).max()) for there in planes)
    _, (low, high, line) = to_page.transform([(1, first.y.edges[0]), (1, first.y.edges[-1]), (1, top)]).T
    if high < line < high + REACH * (high - low):
        _, limit = to_page.inverted().transform((0, line + 0.03 * (high - low)))
        for panel in panels:
            panel.set_ylim(top=limit)


def _draw_largest_steps(row: Sequence[Axes], there: Plane) -> None:
    """Each η* over every cell, on a white ground, with its name at the right."""
    panels = [panel for panel in row if panel.axison]
    low, high = panels[0].get_ylim()
    for name, steps in zip(("η*", "η*, θ of\nany sign"), distinct_steps(there.largest_steps), strict=False):
        x, y = np.repeat(there.x.edges, 2)[1:-1], np.repeat(steps, 2)
        for panel in panels:
            panel.plot(x, y, color="white", linewidth=2.6, zorder=3, solid_capstyle="butt")
            panel.plot(x, y, **dict(LARGEST_STEP) | {"color": INK, "zorder": 3.1})
        if low <= steps[-1] <= high:
            _write_beside(panels[-1], (1, steps[-1]), (4, 0), name, xycoords=panels[-1].get_yaxis_transform())


def _name_row(panel: Axes, there: Plane) -> None:
    name = ", ".join(value_text(COORDINATES[axis], value) for axis, value in there.where.items())
    _write_beside(panel, (0, 1), (0, 27), name, xycoords="axes fraction", fontweight="bold")


def _write_beside(panel: Axes, place: tuple[float, float], away: tuple[float, float], text: str, **look: Any) -> None:
    panel.annotate(text, xy=place, xytext=away, textcoords="offset points", va="center", **look)


def _name_outcomes(panel: Axes, planes: Sequence[Plane]) -> None:
    """The legend below the panel: the colours and patterns that are to be seen in any row."""
    handles = list(_handles(planes))
    panel.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, -0.54 / PANEL),
        ncols=1 if len(handles) < 4 else 2,
        fontsize=8,
        handlelength=1.2,
        handleheight=1.0,
        columnspacing=1.2,
        borderpad=0,
        borderaxespad=0,
    )


def _handles(planes: Sequence[Plane]) -> Iterator[Artist]:
    codes = {code for there in planes for code in np.unique(there.outcomes).tolist()}
    for code, outcome in enumerate(OUTCOMES):
        if code in codes:
            yield Patch(facecolor=OUTCOME_COLOURS[outcome], linewidth=0, label=outcome.replace("_", " "))
    if any(there.differing.any() for there in planes):
        yield Patch(**(dict(DIFFERING) | {"facecolor": MUTED}), linewidth=0, label="seeds differ")
    blank = [there.outcomes[there.without_value(name)] for there in planes for name in there.medians]
    if any(cells.size for cells in blank):
        known = any((cells == OUTCOMES.index(Outcome.CONVERGED)).any() for cells in blank)
        yield Patch(**NO_VALUE, linewidth=0, label="no value" if known else "no converged run")
    if any(there.missing.any() for there in planes):
        yield Patch(**MISSING, linewidth=0.8, label="not there yet")
