"""Test loss against depth, by step size, beside the norms that compete (section 6 of Nacson et al. 2022)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.analysis.problem_analysis import ProblemAnalysis
from core.figures.ascending import ascending
from core.figures.axis import common_log_y, on_log_axis
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
)
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.findings import falls_with_step
from core.figures.layouts.depth import DEPTH, DepthLayout
from core.figures.layouts.selection import columns_of
from core.figures.legend import Legend
from core.figures.results import Results
from core.figures.style import GREEN, INK, MUTED, PURPLE
from core.results.curves import Curves, curves, default_quantity
from core.results.variables import COORDINATES

_DASHES: Final = (0, (5, 2.5))
REFERENCES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = MappingProxyType(
    {
        "min_l2": ("least ℓ2 norm", {"color": MUTED, "linestyle": (0, (1, 2))}),
        "least_stability_measure": ("least weighted ℓ_(2−2/D) norm", {"color": PURPLE, "linestyle": _DASHES}),
        "flattest": ("flattest interpolator", {"color": INK, "linestyle": _DASHES}),
        "min_l1": ("least ℓ1 norm", {"color": MUTED, "linestyle": _DASHES}),
        "least_parameter_norm": ("ℓ_(2/D), locally least", {"color": GREEN, "linestyle": _DASHES, "marker": "v"}),
    }
)
"""The interpolators that are drawn, with their lines; at D = 2 that of ℓ_(2/D) is that of least ℓ1 norm."""

MARGIN: Final = 0.35
"""What stands beside the first and the last depth."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    """What one panel shows: its lines, its `name`, and for each reference the median at every depth."""

    name: str
    family: Curves
    references: Mapping[str, Float64[np.ndarray, " point"]]


def _contents(results: Results, layout: DepthLayout) -> Contents[_Panel]:
    """Runs, and the interpolators of least norms: what a large step size asks for, and what small weights would."""
    panels = [_panel(results, layout, where) for where in layout.panels]
    family = panels[0].family
    quantity, scale = family.y.label.partition(" R(β)")[0], family_scale(family)
    title = f"{quantity} against depth D"
    return Contents(
        spec=FigureSpec(panels=len(panels), columns=columns_of(len(panels)), height=3.4, legend=2.5),
        title=title[0].upper() + title[1:] + (f", by {family.series.label}" if family.series else ""),
        finding=falls_with_step([panel.family for panel in panels], quantity),
        panels=panels,
        y_labels=[family.y.label],
        x_label=COORDINATES[DEPTH].label,
        legend=Legend(handles=list(_legend(panels)), title="" if scale else legend_title(family), scale=scale),
    )


def _panel(results: Results, layout: DepthLayout, where: Mapping[str, float]) -> _Panel:
    family = curves(
        results.grid,
        results.summaries,
        x=DEPTH,
        y=default_quantity(results.grid.spec.data, results.summaries),
        series=layout.series,
        over=layout.over,
        where=where,
    )
    return _Panel(
        name=values_text(where),
        family=ascending(family),
        references={name: _reference(results, layout, where, name, family.y.name) for name in REFERENCES},
    )


def _reference(
    results: Results, layout: DepthLayout, where: Mapping[str, float], name: str, quantity: str
) -> Float64[np.ndarray, " point"]:
    """The median over the problems of the panel at each depth; NaN where none is known."""
    found: dict[float, list[float]] = {depth: [] for depth in layout.depths}
    for problem in results.grid.each_problem():
        place = problem.coordinates
        if all(place.get(axis, value) == value for axis, value in where.items()):
            value = _quantity_of(results.analyses.get(problem.key), name, place[DEPTH], quantity)
            found[place[DEPTH]] += [] if value is None else [value]
    return np.array([np.median(values) if values else np.nan for values in found.values()])


def _quantity_of(analysis: ProblemAnalysis | None, name: str, depth: float, quantity: str) -> float | None:
    if analysis is None:
        return None
    known = "min_l1" if (name, depth) == ("least_parameter_norm", 2) else name
    value: float | None = getattr(analysis.interpolators.get(known), quantity, None)
    return value


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    common_log_y(panels, _heights(contents), rug=families_rug([content.family for content in contents]))
    depths = contents[0].family.x_values
    for panel in panels:
        panel.set_xlim(min(depths) - MARGIN, max(depths) + MARGIN)
        panel.set_xticks(depths)


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """Lines are runs, as in the risk figure; dashed ones are interpolators, which are known before training."""
    for name, values in content.references.items():
        panel.plot(
            content.family.x_values,
            on_log_axis(values),
            linewidth=1.3,
            zorder=1.5,
            **REFERENCES[name][1],
        )
    draw_family(panel, content.family)
    panel.set_title(content.name, loc="left")


def _data(content: _Panel) -> Iterator[Series]:
    """Everything that is drawn of a panel."""
    yield from family_data(content.family, content.name)
    for name, values in content.references.items():
        if np.isfinite(values).any():
            label = REFERENCES[name][0]
            yield series(content.name, label, content.family.x_values, on_log_axis(values), is_result=False)


def _heights(contents: Sequence[_Panel]) -> Iterator[float | None]:
    """All that has to be in sight."""
    for content in contents:
        for values in content.references.values():
            yield from values.tolist()
        for curve in content.family.curves:
            yield from drawn_values(curve)


def _legend(contents: Sequence[_Panel]) -> Iterator[Line2D]:
    yield from family_handles([content.family for content in contents])
    for name, (label, line) in REFERENCES.items():
        if any(np.isfinite(content.references[name]).any() for content in contents):
            yield Line2D([], [], label=label, linewidth=1.3, **line)


DEPTHS: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
