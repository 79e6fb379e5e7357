"""Predictors against the truth: the entries of β where a few runs of the experiment ended, and of β* behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from core.figures.caption import values_text
from core.figures.drawing import Contents, Drawing
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.layouts.predictor import PredictorLayout
from core.figures.layouts.selection import swept_axes
from core.figures.legend import Legend
from core.figures.number_text import number_text
from core.figures.panel_size import size_of
from core.figures.results import Results, has_converged
from core.figures.style import BLUE, GROUND, MUTED, TRUTH, letter_scale
from core.outcome import Outcome
from core.results.result import Summary

MOST_ENTRIES: Final = 400
"""More entries than this cannot be told apart in a panel."""

SHOWN: Final = {"excess_risk": "excess risk {}", "l1_norm": "‖β‖₁ = {}"}
"""What is said of each run that is drawn, where it is known."""

Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Panel:
    """One run: β at its end, None where it is not stored or not finite, and β*, None where it is not known."""

    name: str
    summary: Summary | None
    predictor: Vector | None
    truth: Vector | None

    @property
    def has_converged(self) -> bool:
        return has_converged(self.summary)

    @property
    def vectors(self) -> list[Vector]:
        """Those of both that are there."""
        return [vector for vector in (self.truth, self.predictor) if vector is not None]

    @property
    def order(self) -> Int64[np.ndarray, " dim"]:
        """The entries that are drawn, along x: the support of β* first, then the others as they come.

        Of more than there is room for the largest ones.
        """
        if not self.vectors:
            return np.arange(0)
        size = np.abs(self.truth) if self.truth is not None else np.zeros_like(self.vectors[0])
        if len(size) > MOST_ENTRIES and self.predictor is not None:
            return np.lexsort((-np.abs(self.predictor), -size))[:MOST_ENTRIES]
        return np.argsort(-size, kind="stable")[:MOST_ENTRIES]


def _contents(results: Results, layout: PredictorLayout) -> Contents[_Panel]:
    """The entries of β where some runs ended; all panels have the same scale."""
    panels = [_panel(results, layout, candidates) for candidates in layout.panels]
    has_truth = any(panel.truth is not None for panel in panels)
    return Contents(
        spec=FigureSpec(
            panels=len(panels), columns=layout.columns, height=2.2, between=0.25, head=0.5, between_rows=0.9
        ),
        title="Entries of the predictor β" + (" and of the true one, β*" if has_truth else ""),
        notes=list(_notes(results, layout)),
        panels=panels,
        y_labels=["entry βᵢ"],
        x_label=_x_label(panels),
        legend=Legend(handles=list(_legend(panels))),
        follows_runs=True,
    )


def _panel(results: Results, layout: PredictorLayout, candidates: Sequence[int]) -> _Panel:
    index = _chosen(results, candidates)
    coordinates = results.grid.coordinates(index)
    return _Panel(
        name=values_text({axis: coordinates[axis] for axis in layout.axes}, 3),
        summary=results.summaries[index],
        predictor=_predictor(results, index),
        truth=results.true_predictor(index),
    )


def _chosen(results: Results, candidates: Sequence[int]) -> int:
    """The first run that converged, or else the first that is there, or else the first."""

    def rank(index: int) -> int:
        summary = results.summaries[index]
        return 2 if summary is None else int(not has_converged(summary))

    return min(candidates, key=rank)


def _predictor(results: Results, index: int) -> Vector | None:
    summary, network = results.summaries[index], results.grid.run(index).network
    arrays = None if summary is None or summary["outcome"] == Outcome.DIVERGED else results.arrays(index)
    if arrays is None or not set(network.parts) <= set(arrays):
        return None
    theta = np.stack([np.asarray(arrays[part], dtype=np.float64) for part in network.parts])
    predictor = network.predictor(theta)
    return predictor if np.isfinite(predictor).all() else None


def _notes(results: Results, layout: PredictorLayout) -> Iterator[str]:
    """Which runs of how many, and where the axes stand that the panels do not name."""
    fixed = {name: axis.values[0] for name, axis in swept_axes(results.grid).items() if name not in layout.axes}
    if len(results.grid) > len(layout.panels):
        at = f", at {values_text(fixed)}" if fixed else ""
        yield f"shown: {len(layout.panels)} of {len(results.grid)} runs{at}"


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    vectors = [vector for content in contents for vector in content.vectors]
    low = min(0.0, *(float(vector.min()) for vector in vectors), 0.0)
    high = max(0.0, *(float(vector.max()) for vector in vectors), 0.0)
    margin = 0.08 * (high - low) or 1.0
    for panel in panels:
        panel.set_ylim(low - margin, high + margin)


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """Points on stems are the entries of β, the broad bars behind them those of β*.

    Hollow points belong to a run that did not converge, whose β is no limit.
    """
    panel.axhline(0, color=MUTED, linewidth=0.8, zorder=1.2)
    order = content.order
    x = np.arange(1, len(order) + 1)
    entries = max(len(order), 1)
    _set_entries(panel, entries)
    width = 72 * size_of(panel)[0] / entries  # of one entry, in points on paper
    if content.truth is not None:
        there = content.truth[order] != 0
        panel.vlines(x[there], 0, content.truth[order][there], color=TRUTH, linewidth=min(0.9 * width, 12), zorder=1.5)
    if content.predictor is not None:
        colour = BLUE if content.has_converged else MUTED
        face, size = colour if content.has_converged else GROUND, float(np.clip(1.1 * width, 1.4, 4.5))
        panel.vlines(x, 0, content.predictor[order], color=colour, linewidth=min(0.35 * width, 1.2), zorder=2)
        panel.plot(x, content.predictor[order], "o", color=colour, markerfacecolor=face, markersize=size, zorder=2.5)
    _name(panel, content)


def _set_entries(panel: Axes, entries: int) -> None:
    """An x axis over so many entries, numbered from 1."""
    panel.set_xlim(0.5 - 0.01 * entries, entries + 0.5 + 0.01 * entries)
    ticks = MaxNLocator(5, integer=True).tick_values(1, entries)
    panel.set_xticks(sorted({max(int(tick), 1) for tick in ticks if tick <= entries}))


def _name(panel: Axes, content: _Panel) -> None:
    """The values of the run, and below them what became of it."""
    panel.set_title(content.name, loc="left", pad=17 * letter_scale())
    facts = ", ".join(_facts(content))
    scale = letter_scale()
    panel.annotate(
        facts,
        (0, 1),
        (0, 5 * scale),
        xycoords="axes fraction",
        textcoords="offset points",
        color=MUTED,
        fontsize=8 * scale,
    )


def _facts(content: _Panel) -> Iterator[str]:
    summary = content.summary
    if summary is None:
        yield "not there yet"
        return
    if not content.has_converged:
        yield str(summary["outcome"]).replace("_", " ")
    for name, words in SHOWN.items():
        value = summary.get(name)
        if content.predictor is not None and isinstance(value, int | float):
            yield words.format(number_text(value, 3))


def _data(content: _Panel) -> Iterator[Series]:
    """The entries that are drawn, in their order along x."""
    order = content.order
    name = content.name + "".join(f", {fact}" for fact in _facts(content))
    if content.predictor is not None:
        yield series(name, "predictor β", np.arange(1, len(order) + 1), content.predictor[order])
    if content.truth is not None:
        yield series(name, "true predictor β*", np.arange(1, len(order) + 1), content.truth[order], is_result=False)


def _x_label(contents: Sequence[_Panel]) -> str:
    entries = [len(vector) for content in contents for vector in content.vectors]
    if max(entries, default=0) > MOST_ENTRIES:
        return f"the {MOST_ENTRIES} largest of {max(entries)} coordinates"
    if all((content.order == np.arange(len(content.order))).all() for content in contents):
        return "coordinate i"
    return "coordinates by decreasing |β*ᵢ|"


def _legend(contents: Sequence[_Panel]) -> Iterator[Artist]:
    if any(content.truth is not None for content in contents):
        yield Line2D([], [], color=TRUTH, linewidth=6, label="true predictor β*", solid_capstyle="butt")
    drawn = {content.has_converged for content in contents if content.predictor is not None}
    if True in drawn:
        yield Line2D([], [], color=BLUE, linewidth=1.2, marker="o", label="predictor β")
    if False in drawn:
        yield Line2D([], [], color=MUTED, linewidth=1.2, marker="o", markerfacecolor=GROUND, label="β, not converged")


PREDICTOR: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
