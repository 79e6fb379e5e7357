"""Predictors against the truth: the entries of β where a few runs of the experiment ended, and of β* behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from core.figures.axis import number_text
from core.figures.caption import caption, swept_axes, value_text
from core.figures.layouts.predictor import PredictorLayout, predictor_layout
from core.figures.measure import size_of
from core.figures.page import PANEL_WIDTHS, Sheet, page, put_legend
from core.figures.results import Results
from core.figures.style import BLUE, INK, MUTED, style
from core.outcome import Outcome
from core.results.result import Summary, check_one_per_run
from core.results.variables import COORDINATES

MOST_ENTRIES: Final = 400
"""More entries than this cannot be told apart in a panel."""

SHOWN: Final = {"excess_risk": "excess risk {}", "l1_norm": "‖β‖₁ = {}"}
"""What is said of each run that is drawn, where it is known."""

TRUTH: Final = "#c9c9c9"

Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Panel:
    """One run: β at its end, None where it is not stored or not finite, and β*, None where it is not known."""

    index: int
    summary: Summary | None
    predictor: Vector | None
    truth: Vector | None

    @property
    def has_converged(self) -> bool:
        return self.summary is not None and self.summary["outcome"] == Outcome.CONVERGED

    @property
    def order(self) -> Int64[np.ndarray, " dim"]:
        """The entries that are drawn, along x: the support of β* first, then the others as they come.

        Of more than there is room for the largest ones.
        """
        vectors = [vector for vector in (self.truth, self.predictor) if vector is not None]
        if not vectors:
            return np.arange(0)
        size = np.abs(self.truth) if self.truth is not None else np.zeros_like(vectors[0])
        if len(size) > MOST_ENTRIES and self.predictor is not None:
            return np.lexsort((-np.abs(self.predictor), -size))[:MOST_ENTRIES]
        return np.argsort(-size, kind="stable")[:MOST_ENTRIES]


def draw_predictor(results: Results) -> Figure:
    """Points on stems are the entries of β, the broad bars behind them those of β*; all panels have the same scale.

    Hollow points belong to a run that did not converge, whose β is no limit.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    check_one_per_run(results.grid, results.summaries)
    layout = predictor_layout(results.grid)
    contents = [_content(results, candidates) for candidates in layout.panels]
    has_truth = any(content.truth is not None for content in contents)
    title = "Entries of the predictor β" + (" and of the true one, β*" if has_truth else "")
    sheet = Sheet(
        panels=len(contents),
        width=PANEL_WIDTHS[layout.columns - 1],
        height=2.2,
        columns=layout.columns,
        between=0.25,
        head=0.5,
        between_rows=0.9,
        share_y=True,
    )
    with style():
        figure, panels = page(sheet, caption(results, title, list(_notes(results, layout, contents))))
        for panel, content in zip(panels, contents, strict=True):
            panel.set_ylim(*_range(contents))
            _draw(panel, content)
            _name(panel, results, layout, content)
        for panel in panels[-layout.columns :]:
            panel.set_xlabel(_x_label(contents))
        for panel in panels[:: layout.columns]:
            panel.set_ylabel("entry βᵢ")
        put_legend(figure, panels, list(_legend(contents)))
    return figure


def _content(results: Results, candidates: Sequence[int]) -> _Panel:
    index = _chosen(results, candidates)
    return _Panel(
        index=index,
        summary=results.summaries[index],
        predictor=_predictor(results, index),
        truth=results.true_predictor(index),
    )


def _chosen(results: Results, candidates: Sequence[int]) -> int:
    """The first run that converged, or else the first that is there, or else the first."""

    def rank(index: int) -> int:
        summary = results.summaries[index]
        return 2 if summary is None else int(summary["outcome"] != Outcome.CONVERGED)

    return min(candidates, key=rank)


def _predictor(results: Results, index: int) -> Vector | None:
    summary, network = results.summaries[index], results.grid.run(index).network
    arrays = None if summary is None or summary["outcome"] == Outcome.DIVERGED else results.arrays(index)
    if arrays is None or not set(network.parts) <= set(arrays):
        return None
    theta = np.stack([np.asarray(arrays[part], dtype=np.float64) for part in network.parts])
    predictor = network.predictor(theta)
    return predictor if np.isfinite(predictor).all() else None


def _notes(results: Results, layout: PredictorLayout, contents: Sequence[_Panel]) -> Iterator[str]:
    """Which runs of how many, and where the axes stand that the panels do not name."""
    fixed = {name: axis for name, axis in swept_axes(results.grid).items() if name not in layout.axes}
    if len(results.grid) > len(contents):
        places = ", ".join(value_text(COORDINATES[name], axis.values[0]) for name, axis in fixed.items())
        yield f"shown: {len(contents)} of {len(results.grid)} runs" + (f", at {places}" if places else "")


def _draw(panel: Axes, content: _Panel) -> None:
    panel.axhline(0, color=MUTED, linewidth=0.8, zorder=1.2)
    order = content.order
    x = np.arange(1, len(order) + 1)
    entries = max(len(order), 1)
    panel.set_xlim(0.5 - 0.01 * entries, entries + 0.5 + 0.01 * entries)
    ticks = MaxNLocator(5, integer=True).tick_values(1, entries)
    panel.set_xticks(sorted({max(int(tick), 1) for tick in ticks if tick <= entries}))
    width = 72 * size_of(panel)[0] / entries  # of one entry, in points
    if content.truth is not None:
        there = content.truth[order] != 0
        panel.vlines(x[there], 0, content.truth[order][there], color=TRUTH, linewidth=min(0.9 * width, 12), zorder=1.5)
    if content.predictor is not None:
        colour = BLUE if content.has_converged else MUTED
        face, size = colour if content.has_converged else "white", float(np.clip(1.1 * width, 1.4, 4.5))
        panel.vlines(x, 0, content.predictor[order], color=colour, linewidth=min(0.35 * width, 1.2), zorder=2)
        panel.plot(x, content.predictor[order], "o", color=colour, markerfacecolor=face, markersize=size, zorder=2.5)


def _name(panel: Axes, results: Results, layout: PredictorLayout, content: _Panel) -> None:
    """The values of the run, and below them what became of it."""
    coordinates = results.grid.coordinates(content.index)
    name = ", ".join(value_text(COORDINATES[axis], coordinates[axis], 3) for axis in layout.axes)
    panel.set_title(name, loc="left", fontsize=10, color=INK, pad=17)
    facts = ", ".join(_facts(content))
    panel.annotate(facts, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", color=MUTED, fontsize=8)


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


def _range(contents: Sequence[_Panel]) -> tuple[float, float]:
    vectors = [vector for content in contents for vector in (content.truth, content.predictor) if vector is not None]
    low = min(0.0, *(float(vector.min()) for vector in vectors), 0.0)
    high = max(0.0, *(float(vector.max()) for vector in vectors), 0.0)
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _x_label(contents: Sequence[_Panel]) -> str:
    entries = [
        len(vector) for content in contents for vector in (content.truth, content.predictor) if vector is not None
    ]
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
        yield Line2D([], [], color=MUTED, linewidth=1.2, marker="o", markerfacecolor="white", label="β, not converged")
