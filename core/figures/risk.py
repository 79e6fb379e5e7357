"""Risk against the initialisation scale, one line for each step size (figure 1 of Nacson et al. 2022)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from core.figures.ascending import ascending
from core.figures.axis import log_range, log_y, on_log_axis, span
from core.figures.caption import caption, largest_steps_text, value_text
from core.figures.family import draw_family, families_foot, family_handles, legend_title
from core.figures.free_place import Path, free_place
from core.figures.layouts.risk import RiskLayout, risk_layout
from core.figures.layouts.selection import columns_of, run_at
from core.figures.page import PANEL_WIDTHS, Sheet, page, put_legend
from core.figures.results import Results
from core.figures.style import BASELINE, FLOW, INK, MUTED, style
from core.results.curves import Baseline, Curve, Curves, curves, telling_quantity
from core.results.variables import COORDINATES
from core.spec.experiment_spec import LabelNoiseDescent

BETWEEN_NORMS: Final = ("min_l2", "min_l1")
BETWEEN_SHARPNESSES: Final = ("flattest", "least_trace")
"""The two interpolators that an experiment moves between: what label noise decides is not which norm, but whether the
largest eigenvalue of the Hessian is small or its trace."""


def draw_risk(results: Results) -> Figure:
    """One panel for each combination of the axes that are not drawn, with a common risk axis and a common legend.

    A point is filled where all its runs converged, hollow where only some did. A gap is where none did; there a cross
    in the colour of the line stands at the foot of the panel. The dotted line is the limit of gradient flow, the dashed
    ones are the least-ℓ1 and least-ℓ2 interpolators; for label noise the flattest one and that of least trace.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for this figure.
    """
    layout = risk_layout(results.grid)
    families = [_family(results, layout, where) for where in layout.panels]
    columns = columns_of(len(families))
    sheet = Sheet(
        panels=len(families), width=PANEL_WIDTHS[columns - 1], height=3.2, columns=columns, between=0.2, share_y=True
    )
    with style():
        figure, panels = page(sheet, caption(results, _title(families[0])))
        foot = families_foot(families)
        least, most = log_range(_risks(families), foot=foot)
        for panel, family in zip(panels, families, strict=True):
            log_y(panel, least, most, foot=foot)
            _draw_panel(panel, family)
            _name_panel(panel, results, family, families)
        for panel in panels[::columns]:
            panel.set_ylabel(families[0].y.label)
        put_legend(figure, panels, _legend(families), title=legend_title(families[0]))
    return figure


def _family(results: Results, layout: RiskLayout, where: Mapping[str, float]) -> Curves:
    family = curves(
        results.grid,
        results.summaries,
        x=layout.x,
        y=telling_quantity(results.grid.spec.data, results.summaries),
        series=layout.series,
        over=layout.over,
        where=where,
        analyses=results.analyses,
    )
    noisy = isinstance(results.grid.spec.optimizer, LabelNoiseDescent)
    drawn = BETWEEN_SHARPNESSES if noisy else BETWEEN_NORMS
    baselines = tuple(baseline for baseline in family.baselines if baseline.name in drawn)
    return ascending(replace(family, baselines=baselines))


def _title(family: Curves) -> str:
    title = f"{family.y.label.partition(' R(β)')[0]} against {family.x.label}"
    return title[0].upper() + title[1:] + (f", by {family.series.label}" if family.series else "")


def _name_panel(panel: Axes, results: Results, family: Curves, families: Sequence[Curves]) -> None:
    """What tells this panel from the others: the fixed values in which they differ, and η* where that differs too."""
    differing = [name for name, value in family.where.items() if any(other.where[name] != value for other in families)]
    name = ", ".join(value_text(COORDINATES[axis], family.where[axis]) for axis in differing)
    panel.set_title(name, loc="left", fontsize=10, color=INK)
    if results.grid.problems > 1 and {axis.name for axis in results.grid.problem_axes} <= set(family.where):
        largest = largest_steps_text(results, run_at(results.grid, family.where))
        panel.set_title(largest, loc="right", fontsize=8, color=MUTED)


def _draw_panel(panel: Axes, family: Curves) -> None:
    span(panel, family.x, family.x_values)
    for flow in family.flow_limits:
        _draw_flow(panel, family, flow)
    drawn = [*family.flow_limits, *family.curves]
    paths = [(np.array(family.x_values), on_log_axis(curve.median)) for curve in drawn]
    for baseline in family.baselines:
        _draw_baseline(panel, baseline, paths)
    draw_family(panel, family)


def _draw_flow(panel: Axes, family: Curves, flow: Curve) -> None:
    """The dotted line, and a dash where a value stands alone and no line comes by."""
    median = on_log_axis(flow.median)
    panel.plot(family.x_values, median, **FLOW)
    there = np.pad(np.isfinite(median), 1)
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    if alone.any():
        panel.plot(np.array(family.x_values)[alone], median[alone], "_", color=FLOW["color"], markersize=12)


def _draw_baseline(panel: Axes, baseline: Baseline, paths: Sequence[Path]) -> None:
    panel.axhline(baseline.value, **BASELINE)
    # Above the upper line and below the lower one, where few curves go.
    above = baseline.name in {BETWEEN_NORMS[0], BETWEEN_SHARPNESSES[0]}
    name = f"{baseline.label}: {baseline.value:.3g}"
    panel.annotate(
        name,
        xy=(free_place(panel, name, baseline.value, paths, above=above), baseline.value),
        xycoords=panel.get_yaxis_transform(),
        xytext=(4, 3 if above else -3),
        textcoords="offset points",
        va="bottom" if above else "top",
        color=MUTED,
    )


def _risks(families: Sequence[Curves]) -> Iterator[float | None]:
    """Every risk that is drawn."""
    for family in families:
        for curve in (*family.curves, *family.flow_limits):
            yield from (*curve.median, *curve.lower_quartile, *curve.upper_quartile)
        yield from (baseline.value for baseline in family.baselines)


def _legend(families: Sequence[Curves]) -> list[Line2D]:
    """The legend, in the order in which the lines stand at the right: flow on top, the largest step size below."""
    flow = (
        [Line2D([], [], label="η → 0, gradient flow", **FLOW)] if any(family.flow_limits for family in families) else []
    )
    return flow + family_handles(families)
