"""Test loss or excess risk against the initialisation scale, a line a step size (figure 1 of Nacson et al. 2022)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.figures.ascending import ascending
from core.figures.axis import common_log_y, on_log_axis, span
from core.figures.caption import largest_steps_text, values_text
from core.figures.drawing import Contents, Drawing
from core.figures.family import (
    draw_family,
    drawn_values,
    families_rug,
    family_data,
    family_handles,
    family_scale,
    legend_title,
)
from core.figures.figure_data import Series, series
from core.figures.figure_spec import LEAST_PANEL as USUAL_LEAST
from core.figures.figure_spec import FigureSpec
from core.figures.findings import falls_with_step
from core.figures.free_place import Box, Path, free_place, write_at
from core.figures.layouts.risk import RiskLayout
from core.figures.layouts.selection import columns_of, run_at
from core.figures.legend import Legend
from core.figures.number_text import number_text
from core.figures.results import Results
from core.figures.rug import ZERO
from core.figures.style import BASELINE, FLOW, KERNEL, MUTED, letter_scale
from core.results.curves import Baseline, Curve, Curves, curves, default_quantity

BETWEEN_NORMS: Final = ("min_l2", "min_l1")
BETWEEN_SHARPNESSES: Final = ("flattest", "least_trace")
"""The two interpolators that an experiment moves between: what label noise decides is not which norm, but whether the
largest eigenvalue of the Hessian is small or its trace."""

FLOW_NAME, KERNEL_NAME = "η → 0, gradient flow", "least ℓ2 norm, weighted by the start"

LEAST_PANEL: Final = (2.7, 1.5)
"""Of several panels each has its name and its η* beside each other."""

SAME: Final = 1e-3
"""Relative difference of risks up to which two lines are one to the eye."""

ROUNDING: Final = 1e-24
"""The risk of an interpolator that is the true predictor, relative to other risks: (1e-12)² of errors in float64."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    """What one panel shows: its lines, its `name` among the others, and the largest stable steps of its problem."""

    family: Curves
    name: str
    largest_steps: str
    shares_axis: bool


def _contents(results: Results, layout: RiskLayout) -> Contents[_Panel]:
    """One panel for each combination of the axes that are not drawn, with a common legend.

    Panels have a common risk axis unless their data differ: then nothing is to be compared but the shapes of lines.
    """
    families = [_family(results, layout, where) for where in layout.panels]
    shares_axis = _are_of_one_data_set(results, families)
    scale = family_scale(families[0])
    return Contents(
        spec=FigureSpec(
            panels=len(families),
            columns=columns_of(len(families)),
            height=3.2,
            shared_y=shares_axis,
            least_panel=LEAST_PANEL if len(families) > 1 else USUAL_LEAST,
        ),
        title=_title(families[0]),
        finding=falls_with_step(families, _quantity(families[0])),
        panels=[
            _Panel(
                family=family,
                name=_name(family, families),
                largest_steps=_largest_steps(results, family),
                shares_axis=shares_axis,
            )
            for family in families
        ],
        y_labels=[families[0].y.label],
        legend=Legend(handles=_legend(families), title="" if scale else legend_title(families[0]), scale=scale),
    )


def _family(results: Results, layout: RiskLayout, where: Mapping[str, float]) -> Curves:
    family = curves(
        results.grid,
        results.summaries,
        x=layout.x,
        y=layout.quantity or default_quantity(results.grid.spec.data, results.summaries),
        series=layout.series,
        over=layout.over,
        where=where,
        analyses=results.analyses,
    )
    drawn = BETWEEN_SHARPNESSES if results.grid.run(0).optimizer.noise_steps else BETWEEN_NORMS
    baselines = tuple(baseline for baseline in family.baselines if baseline.name in drawn)
    kernel = tuple(limit for limit in family.kernel_limits if not _is_least_l2(limit, family.baselines))
    if kernel:  # The least ℓ2 norm that such a start tends to is the weighted one.
        baselines = tuple(baseline for baseline in baselines if baseline.name != "min_l2")
    return ascending(replace(family, baselines=baselines, kernel_limits=kernel))


def _are_of_one_data_set(results: Results, families: Sequence[Curves]) -> bool:
    of_data = {axis.name for axis in results.grid.axes if axis.part == "data"}
    return all(len({family.where.get(name) for family in families}) == 1 for name in of_data)


def _is_least_l2(limit: Curve, baselines: Sequence[Baseline]) -> bool:
    """Whether the norm of the kernel regime is the unweighted one, whose line is drawn anyway."""
    least = np.array([baseline.value for baseline in baselines if baseline.name == "min_l2"])
    same = len(least) and np.allclose(on_log_axis(limit.median), least[0], rtol=SAME, atol=0, equal_nan=True)
    return bool(same)


def _title(family: Curves) -> str:
    title = f"{_quantity(family)} against {family.x.label}"
    return title[0].upper() + title[1:] + (f", by {family.series.label}" if family.series else "")


def _quantity(family: Curves) -> str:
    return family.y.label.partition(" R(β)")[0]


def _name(family: Curves, families: Sequence[Curves]) -> str:
    """The fixed values in which this panel differs from others."""
    differing = [name for name, value in family.where.items() if any(other.where[name] != value for other in families)]
    return values_text({name: family.where[name] for name in differing})


def _largest_steps(results: Results, family: Curves) -> str:
    """η* of the panel's problem, "" where all panels have the same one or a panel has several."""
    if results.grid.problems == 1 or not {axis.name for axis in results.grid.problem_axes} <= set(family.where):
        return ""
    return largest_steps_text(results, run_at(results.grid, family.where))


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    together = (
        [(panels, contents)] if contents[0].shares_axis else [([p], [c]) for p, c in zip(panels, contents, strict=True)]
    )
    for some, shown in together:
        families = [content.family for content in shown]
        common_log_y(some, _risks(families), rug=families_rug(families))


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """The lines of a family over its baselines and its gradient-flow limits.

    A point is filled where all its runs converged, hollow where only some did. A gap is where none did; there a cross
    in the colour of the line stands below all lines. The dotted line is the limit of gradient flow, the dashed ones are
    the least-ℓ1 and least-ℓ2 interpolators; for label noise the flattest one and that of least trace. Where the start
    weights the ℓ2 norm, the limit of the kernel regime is dash-dotted.
    """
    family = content.family
    span(panel, family.x, family.x_values)
    for flow in family.flow_limits:
        _draw_flow(panel, family, flow)
    for limit in family.kernel_limits:
        panel.plot(family.x_values, on_log_axis(limit.median), **KERNEL)
    drawn = [*family.flow_limits, *family.kernel_limits, *family.curves]
    x = np.array(family.x_values, dtype=np.float64)
    edges = [(x, on_log_axis(edge)) for curve in family.curves for edge in (curve.lower_quartile, curve.upper_quartile)]
    lines = [*((x, on_log_axis(curve.median)) for curve in drawn), *edges]
    _draw_baselines(panel, family.baselines, lines, families_rug([family]))
    draw_family(panel, family)
    panel.set_title(content.name, loc="left")
    if content.largest_steps:
        panel.set_title(content.largest_steps, loc="right", fontsize=8 * letter_scale(), color=MUTED)


def _draw_flow(panel: Axes, family: Curves, flow: Curve) -> None:
    """The dotted line, and a dash where a value stands alone and no line comes by."""
    median = on_log_axis(flow.median)
    panel.plot(family.x_values, median, **FLOW)
    there = np.pad(np.isfinite(median), 1)
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    if alone.any():
        panel.plot(np.array(family.x_values)[alone], median[alone], "_", color=FLOW["color"], markersize=12)


def _draw_baselines(panel: Axes, baselines: Sequence[Baseline], paths: Sequence[Path], floor: float) -> None:
    """Each with its name, the upper one's above it and the lower one's below it where there is room."""
    ends, taken = np.array(panel.get_xlim()), list[Box]()
    low, high = panel.get_ylim()
    drawn = [baseline for baseline in baselines if low < baseline.value < high]
    for baseline in drawn:
        panel.axhline(baseline.value, **BASELINE)
        above = baseline.name in {BETWEEN_NORMS[0], BETWEEN_SHARPNESSES[0]}
        name, others = _baseline_name(baseline), [other for other in drawn if other is not baseline]
        lines = [*paths, *((ends, np.full(2, other.value)) for other in others)]
        place = free_place(panel, name, baseline.value, lines, taken, above=above, floor=floor)
        write_at(panel, place, name, color=MUTED)
        taken.append(place.box)


def _baseline_name(baseline: Baseline) -> str:
    return f"{baseline.label}: {number_text(baseline.value, 3)}"


def _data(content: _Panel) -> Iterator[Series]:
    """Everything that is drawn of a panel."""
    family, x = content.family, content.family.x_values
    yield from family_data(family, content.name)
    for name, limits in ((FLOW_NAME, family.flow_limits), (KERNEL_NAME, family.kernel_limits)):
        for limit in limits:
            yield series(content.name, name, x, on_log_axis(limit.median), is_result=False)
    for baseline in family.baselines:
        yield series(content.name, baseline.label, x, [baseline.value] * len(x), is_result=False)


def _risks(families: Sequence[Curves]) -> Iterator[float | None]:
    """Every risk that is drawn."""
    for family in families:
        for curve in (*family.curves, *family.flow_limits, *family.kernel_limits):
            yield from drawn_values(curve)
        yield from (baseline.value for baseline in family.baselines if not _is_nothing(baseline, families))


def _is_nothing(baseline: Baseline, families: Sequence[Curves]) -> bool:
    """Whether it is zero but for rounding, to which the axis of the others does not reach down."""
    drawn = [value for family in families for curve in family.curves for value in drawn_values(curve) if value]
    return baseline.value <= ROUNDING * max([*drawn, *(each.value for each in families[0].baselines)])


def _legend(families: Sequence[Curves]) -> list[Line2D]:
    """The legend, in the order of the lines at the right: the kernel regime, flow, down to the largest step size."""
    flow = [Line2D([], [], label=FLOW_NAME, **FLOW)] if any(family.flow_limits for family in families) else []
    weighted = [Line2D([], [], label=KERNEL_NAME, **KERNEL)]
    zero = {
        f"{baseline.label}: {'0 but for rounding' if baseline.value else 'exactly 0'}"
        for family in families
        for baseline in family.baselines
        if _is_nothing(baseline, families)
    }
    floor = [Line2D([], [], color=MUTED, linestyle="", marker=ZERO, label=label) for label in sorted(zero)]
    weighted = weighted if any(family.kernel_limits for family in families) else []
    return weighted + flow + family_handles(families) + floor


RISK: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
