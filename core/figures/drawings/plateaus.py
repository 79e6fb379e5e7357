"""Saddle to saddle: the loss, the size of every coordinate of β, and how far from the lasso its time average is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.figures.axis import log_x, log_y, on_log_axis
from core.figures.caption import values_text
from core.figures.drawing import Contents, Drawing
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.layouts.plateaus import PlateausLayout
from core.figures.legend import Legend
from core.figures.results import Results
from core.figures.style import INK, MUTED, ordered_colours
from core.record_plan import VectorQuantity

LOSS, SIZE, GAP = "training loss L", "size |βᵢ|", "gap of β̄ to the lasso"

FLOORS: Final = {LOSS: 1e-6, SIZE: 1e-12, GAP: 1e-6}
"""The part of the largest value of each quantity that is still drawn."""

MOST_NAMED: Final = 8
"""Coordinates in colours of their own; the others are grey."""

FIRST: Final = 1 / 30
"""Part of the last time from which on it is drawn, at the latest: the first plateau is one straight line before."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Path:
    """What a run recorded after its start: its plateaus, β, and how far its time average misses the lasso at λ = 1/s.

    `gap` is NaN without time averages; `order` are the coordinates as they become large.
    """

    name: str
    time: Float64[np.ndarray, " record"]
    loss: Float64[np.ndarray, " record"]
    sizes: Float64[np.ndarray, "record dim"]
    gap: Float64[np.ndarray, " record"]
    left: Float64[np.ndarray, " plateau"]
    levels: Float64[np.ndarray, " plateau"]
    order: Int64[np.ndarray, " dim"]

    def values(self, quantity: str) -> Float64[np.ndarray, "record *dim"]:
        """Of one of the quantities that are drawn."""
        return {LOSS: self.loss, SIZE: self.sizes, GAP: self.gap}[quantity]

    @property
    def last(self) -> float:
        """The time up to which it is drawn: twice that of the last plateau, if there is any."""
        ends = self.left[np.isfinite(self.left)]
        end = float(self.time[-1])
        return min(2 * float(ends[-1]), end) if len(ends) else end


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Panel:
    """The loss of a run, or another quantity; `named` has the colours of all runs' coordinates.

    `lowest` is the quantity of the last row, whose panels have the numbers of the x axis.
    """

    quantity: str
    path: _Path | None
    named: Mapping[int, str]
    lowest: str

    @property
    def label(self) -> str:
        """What it is called in numbers."""
        return ", ".join(part for part in (self.quantity, self.path.name if self.path else "") if part)


def _contents(results: Results, layout: PlateausLayout) -> Contents[_Panel]:
    """The loss above, the coordinates below, and last how far time averages miss the lasso; a column for each run."""
    paths = [_path(results, index, values_text(name, 3)) for index, name in zip(layout.runs, layout.names, strict=True)]
    named = _named([path for path in paths if path is not None])
    averages = VectorQuantity.TIME_AVERAGE in results.grid.spec.recording.vectors
    quantities = [LOSS, SIZE, GAP] if averages else [LOSS, SIZE]
    panels = [
        _Panel(quantity=quantity, path=path, named=named, lowest=quantities[-1])
        for quantity in quantities
        for path in paths
    ]
    found = [len(path.left) for path in paths if path is not None]
    return Contents(
        spec=FigureSpec(panels=len(panels), columns=len(paths), height=2.2, between_rows=0.18, legend=2.2),
        title="Training loss and size of each coordinate against rescaled time",
        finding=_finding(found),
        notes=list(_notes(results, layout, found)),
        panels=panels,
        y_labels=quantities,
        x_label="rescaled time s: 2ηt/(N ln(1/α)) at depth 2",
        legend=Legend(handles=list(_legend(named, panels))),
        follows_runs=True,
    )


def _path(results: Results, index: int, name: str) -> _Path | None:
    """None where the run is not stored, or has no rescaled time."""
    arrays = results.arrays(index)
    if arrays is None or "vector_predictor" not in arrays:
        return None
    time = arrays["vector_rescaled_time"]
    moved = time > 0
    if not moved.any():
        return None
    sizes = np.abs(arrays["vector_predictor"][moved])
    none = np.empty(0)
    return _Path(
        name=name,
        time=time[moved],
        loss=arrays["train_loss"][moved].astype(np.float64),
        sizes=sizes,
        gap=arrays.get("vector_lasso_gap", np.full(len(moved), np.nan))[moved],
        left=arrays.get("plateau_left", none),
        levels=arrays.get("plateau_loss", none),
        order=_arrivals(sizes),
    )


def _arrivals(sizes: Float64[np.ndarray, "record dim"]) -> Int64[np.ndarray, " dim"]:
    """Coordinates by when they first reach half of their largest size, those that stay tiny last."""
    sizes = np.nan_to_num(sizes, nan=0.0, posinf=0.0)
    largest = sizes.max(axis=0)
    first = np.argmax(sizes >= largest / 2, axis=0)
    is_tiny = largest < 1e-3 * largest.max(initial=0.0)
    return np.lexsort((first, is_tiny))


def _named(paths: Sequence[_Path]) -> dict[int, str]:
    """Colours of the coordinates that are largest somewhere, in the order in which they come up in the first run."""
    if not paths:
        return {}
    largest = np.max([np.nan_to_num(path.sizes, nan=0.0, posinf=0.0).max(axis=0) for path in paths], axis=0)
    chosen = set(np.argsort(-largest, kind="stable")[:MOST_NAMED].tolist())
    order = [index for index in paths[0].order.tolist() if index in chosen]
    return dict(zip(order, ordered_colours(len(order)), strict=True))


def _finding(found: Sequence[int]) -> str:
    if not any(found):
        return ""
    least, most = min(found), max(found)
    count = str(most) if least == most else f"{least} to {most}"
    return f"The loss rests on {count} {'plateau' if most == 1 else 'plateaus'} on its way"


def _notes(results: Results, layout: PlateausLayout, found: Sequence[int]) -> Iterator[str]:
    if fixed := values_text(layout.fixed):
        yield f"runs at {fixed}"
    if len(layout.runs) < len(results.grid):
        yield f"shown: {len(layout.runs)} of {len(results.grid)} runs"
    if len(found) < len(layout.runs):
        yield f"{len(found)} of these {len(layout.runs)} runs are stored and have a rescaled time"


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    paths = [content.path for content in contents if content.path is not None]
    last = max((path.last for path in paths), default=10.0)
    first = min([FIRST * last, *(path.left[0] / 2 for path in paths if len(path.left) and path.left[0] > 0)])
    for quantity, floor in FLOORS.items():
        values = np.concatenate([np.empty(0), *(path.values(quantity).ravel() for path in paths)])
        values = values[np.isfinite(values) & (values > 0)]
        most = float(values.max(initial=1e-9)) if values.size else 1.0
        least = max(float(values.min(initial=most)), floor * most)
        for panel, content in zip(panels, contents, strict=True):
            if content.quantity == quantity:
                log_x(panel, first, last)
                log_y(panel, least, most * 1.3)


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """Dotted lines stand where plateaus end; the loss of each is dashed."""
    path = content.path
    if content.quantity != content.lowest:
        panel.tick_params(labelbottom=False)
    if content.quantity == LOSS:
        panel.set_title("" if path is None else path.name, loc="left")
    if path is None:
        return
    for left in path.left[np.isfinite(path.left)]:
        panel.axvline(float(left), color=MUTED, linestyle=":", linewidth=0.9)
    if content.quantity == LOSS:
        for level in path.levels:
            panel.axhline(float(level), color=MUTED, linestyle=(0, (4, 3)), linewidth=0.8)
    if content.quantity != SIZE:
        panel.plot(path.time, on_log_axis(path.values(content.quantity)), color=INK, linewidth=1.4)
        return
    for index in reversed(path.order.tolist()):
        colour = content.named.get(index)
        width = 0.7 if colour is None else 1.4
        panel.plot(path.time, on_log_axis(path.sizes[:, index]), color=colour or MUTED, linewidth=width)


def _data(content: _Panel) -> Iterator[Series]:
    """The loss with the ends of its plateaus, every coordinate, or the gap."""
    path = content.path
    if path is None:
        return
    if content.quantity == LOSS:
        yield series(content.label, "loss", path.time, on_log_axis(path.loss))
        yield series(content.label, "plateaus by their ends", path.left, path.levels)
        return
    if content.quantity == GAP:
        yield series(content.label, "duality gap over ½‖y‖²", path.time, on_log_axis(path.gap))
        return
    for index in path.order.tolist():
        yield series(content.label, f"coordinate {index + 1}", path.time, on_log_axis(path.sizes[:, index]))


def _legend(named: Mapping[int, str], panels: Sequence[_Panel]) -> Iterator[Line2D]:
    for index, colour in named.items():
        yield Line2D([], [], color=colour, label=f"coordinate {index + 1}")
    if any(panel.path is not None and len(panel.path.order) > len(named) for panel in panels):
        yield Line2D([], [], color=MUTED, linewidth=0.7, label="other coordinates")
    if any(panel.path is not None and len(panel.path.levels) for panel in panels):
        yield Line2D([], [], color=MUTED, linestyle=(0, (4, 3)), linewidth=0.8, label="loss of a plateau")
        yield Line2D([], [], color=MUTED, linestyle=":", linewidth=0.9, label="a plateau is left")


PLATEAUS: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
