"""Sharpness, its bounds and the stability threshold 2/η against the step size (figure 2 of Nacson et al. 2022)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.descent.optimizers import Optimizer
from core.figures.ascending import ascending
from core.figures.axis import common_log_y, on_log_axis, span
from core.figures.caption import threshold_text, values_text
from core.figures.drawing import Contents, Drawing
from core.figures.family import draw_band, drawn_values
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.largest_steps import OTHER_UNITS, is_in_reach
from core.figures.layouts.selection import run_at, swept_axes
from core.figures.layouts.stability import SCALE, StabilityLayout
from core.figures.legend import Legend
from core.figures.number_text import number_text
from core.figures.results import Results
from core.figures.rug import cross_handle, draw_rug, failed_points, rug_height
from core.figures.style import BAND, BLUE, GREEN, INK, LARGEST_STEP, MUTED, PURPLE, THRESHOLD, VERMILION
from core.results.curves import QUARTILES, Curve, Curves, curves
from core.spec.optimizers import STEP_SIZE_FRACTION
from core.sweep.arrangement import arrange

Line = Mapping[str, Any]

SHARPNESS: Final = "sharpness"
QUANTITIES: Final[Mapping[str, tuple[str, Line]]] = MappingProxyType(
    {
        "sharpness_upper_bound": ("trace, upper bound", {"color": BLUE, "linewidth": 1.5}),
        SHARPNESS: ("sharpness λ_max", {"color": INK, "linewidth": 1.5, "zorder": 2.6}),
        "sharpness_lower_bound": ("stability measure, lower bound", {"color": PURPLE, "linewidth": 3.6}),
        "weighted_norm": ("weighted norm of β", {"color": GREEN, "linewidth": 1.5, "zorder": 2.5}),
    }
)
"""What is drawn against the step size, with its name and its line; the stability measure is the lower bound.

It is a broad line: where the bound is nearly sharp, as for data far off centre, λ_max runs along its middle.
"""

MEAN_SQUARE: Final[tuple[str, Line]] = (
    "2/η_ms, of the mean square",
    {"color": VERMILION, "linewidth": 1.5, "zorder": 2.7},
)
"""Of minibatches: what the sharpness is of full batches, where η_ms = 2/λ_max."""

ON_THRESHOLD: Final = 0.02
"""A sharpness that differs from the threshold by less than this part has met it."""

DASHES: Final = (0, (5, 2.5))
"""Of all horizontal lines: the least values that interpolation allows, known before training."""

LEAST: Final[Mapping[str, tuple[str, Line]]] = MappingProxyType(
    {
        "sharpness": ("min λ_max", {"color": INK, "linestyle": DASHES, "linewidth": 1.1}),
        "sharpness_sign_free": ("min λ_max, θ of any sign", {"color": MUTED, "linestyle": DASHES, "linewidth": 1.1}),
        "measure": ("least stability measure", {"color": PURPLE, "linestyle": DASHES, "linewidth": 1.6}),
    }
)
LARGEST_STEPS: Final[Mapping[str, tuple[str, Line]]] = MappingProxyType(
    {
        "sharpness": ("largest stable step η*", LARGEST_STEP),
        "sharpness_sign_free": ("η*, θ of any sign", {**LARGEST_STEP, "linestyle": (0, (3, 1.5, 1, 1.5))}),
    }
)
"""The upright lines: the step sizes at which these least values lose their stability."""

Values = Float64[np.ndarray, " problem"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Panel:
    """What one panel shows; those of one `group` differ in their scale alone, and are compared on one axis.

    `mean_square` is 2/η_ms of the runs, None where none has it. `least` holds the least values of `LEAST`, one for each
    problem behind the panel whose analysis is there; `optimizer` is that of their runs, `end_factor` what their
    schedule multiplies step sizes by in the end.
    """

    name: str
    group: tuple[tuple[str, float], ...]
    families: Mapping[str, Curves]
    mean_square: Curve | None
    least: Mapping[str, Values]
    optimizer: Optimizer
    end_factor: float

    @property
    def sharpness(self) -> Curve:
        return self.families[SHARPNESS].curves[0]

    @property
    def step_sizes(self) -> tuple[float, ...]:
        return self.families[SHARPNESS].x_values

    @property
    def is_relative(self) -> bool:
        """Whether step sizes are multiples of η*."""
        return self.families[SHARPNESS].x.name == STEP_SIZE_FRACTION

    @property
    def is_of_another_unit(self) -> bool:
        """Whether they are multiples of something else, among which 2/η and η* have no one place."""
        return self.families[SHARPNESS].x.name in OTHER_UNITS

    def largest_step(self, name: str) -> float:
        """The step size at which a minimum of the least sharpness called `name` loses its stability, in units of x.

        Of several problems the median; NaN before the analysis, and in another unit than η*.
        """
        if self.is_of_another_unit:
            return np.nan
        least = self.least[name]
        steps = self.least["sharpness"] / least if self.is_relative else self.largest_stable_steps(least)
        steps = steps / self.end_factor
        return float(np.median(steps)) if steps.size else np.nan

    def largest_stable_steps(self, sharpness: Values) -> Values:
        """Those of minima of such sharpness."""
        return np.array([self.optimizer.largest_stable_step(step) for step in (2 / sharpness).tolist()])

    def thresholds(self, step_sizes: Float64[np.ndarray, " point"]) -> Float64[np.ndarray, " point"]:
        """2/η, of the median problem where η is a multiple of its own η*; NaN before the analysis or in others."""
        if self.is_of_another_unit:
            return np.full(step_sizes.shape, np.nan)
        if not self.is_relative:
            ends = (step_sizes * self.end_factor).tolist()
            return np.array([self.optimizer.largest_stable_sharpness(each) for each in ends])
        least = self.least["sharpness"]
        return (float(np.median(least)) if least.size else np.nan) / (step_sizes * self.end_factor)


def _contents(results: Results, layout: StabilityLayout) -> Contents[_Panel]:
    """One panel for each scale: the chain of theorem 4.2, from the weighted norm of β up to 2/η.

    At odd depth parameters that cross zero may be flatter than any θ ≥ 0, so there η* and min λ_max are drawn for both.
    """
    panels = [_panel(results, layout, where) for where in layout.panels]
    groups = len({panel.group for panel in panels})
    return Contents(
        spec=FigureSpec(
            panels=len(panels),
            columns=layout.columns,
            height=3.2,
            legend=2.7,
            shared_y=groups == 1 or layout.columns * groups == len(panels),
        ),
        finding=_finding(panels),
        title=f"Sharpness at the end, its bounds and 2/η against {panels[0].families[SHARPNESS].x.label}",
        notes=_notes(layout),
        panels=panels,
        y_labels=["sharpness and its bounds"],
        legend=Legend(handles=list(_legend(panels))),
    )


def _panel(results: Results, layout: StabilityLayout, where: Mapping[str, float]) -> _Panel:
    families = {
        name: ascending(curves(results.grid, results.summaries, x=layout.x, y=name, over=layout.over, where=where))
        for name in QUANTITIES
    }
    stable = ascending(
        curves(results.grid, results.summaries, x=layout.x, y="mean_square_stable_step", over=layout.over, where=where)
    ).curves[0]
    swept = swept_axes(results.grid)
    return _Panel(
        name=values_text({name: value for name, value in where.items() if name in swept}, 4),
        group=tuple((name, value) for name, value in where.items() if name != SCALE),
        families=families,
        mean_square=_two_over(stable) if any(stable.runs) else None,
        least=_least(results, layout, where),
        optimizer=results.grid.run(run_at(results.grid, where)).optimizer,
        end_factor=results.grid.run(run_at(results.grid, where)).end_factor,
    )


def _two_over(curve: Curve) -> Curve:
    """2/x of its numbers x, whose quartiles change places; where two of them are averaged it is about that."""
    names = {"median": "median", "lower_quartile": "upper_quartile", "upper_quartile": "lower_quartile"}
    turned: dict[str, Any] = {
        name: tuple(value and 2 / value for value in getattr(curve, other)) for name, other in names.items()
    }
    return replace(curve, **turned)


def _least(results: Results, layout: StabilityLayout, where: Mapping[str, float]) -> Mapping[str, Values]:
    """The least values of the problems behind a panel; of equal numbers in each, so that they can be divided."""
    grid = results.grid
    arrangement = arrange(grid, x=layout.x, series=None, over=layout.over, where=where)
    problems = np.unique(arrangement.table(np.arange(len(grid)) // grid.runs_per_problem))
    keys = [grid.problem(number).key for number in problems.tolist()]
    known = [results.analyses[key] for key in keys if key in results.analyses]
    columns = [
        (
            analysis.min_sharpness_upper,
            analysis.min_sharpness_sign_free_upper,
            getattr(analysis.interpolators.get("least_stability_measure"), "objective", None),
        )
        for analysis in known
        if analysis.min_sharpness_upper
    ]
    table = np.array(columns, dtype=np.float64).reshape(-1, len(LEAST))
    return dict(zip(LEAST, table.T, strict=True))


def _notes(layout: StabilityLayout) -> list[str]:
    if len(layout.scales_shown) >= layout.scales_swept:
        return []
    shown = ", ".join(number_text(scale, 4) for scale in layout.scales_shown)
    return [f"shown: {len(layout.scales_shown)} of the {layout.scales_swept} scales α ({shown})"]


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    for group in dict.fromkeys(content.group for content in contents):
        members = [(panel, content) for panel, content in zip(panels, contents, strict=True) if content.group == group]
        shown = [content for _, content in members]
        failed = any(failed_points(content.sharpness) for content in shown)
        common_log_y([panel for panel, _ in members], _seen(shown), rug=rug_height(1 if failed else 0))


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """Dashed lines are the least values over all interpolators, the upright line stands at η* = 2/min λ_max.

    The dot is the sharpness at the last step size that converged; crosses below are step sizes at which nothing
    converged. Over seeds lines are medians with quartiles. Minibatches have 2/η_ms as well.
    """
    _span(panel, content)
    fine = np.geomspace(*panel.get_xlim(), 200)
    panel.plot(fine, content.thresholds(fine), **THRESHOLD)
    for name, (_, line) in LEAST.items():
        if _is_drawn(content, name):
            _draw_least(panel, content.least[name], line)
    for name, (_, line) in LARGEST_STEPS.items():
        if _is_met(content, name):
            panel.axvline(content.largest_step(name), **line)
    x = np.array(content.step_sizes)
    for name, (_, line) in QUANTITIES.items():
        _draw_quantity(panel, x, content.families[name].curves[0], line)
    if content.mean_square:
        _draw_quantity(panel, x, content.mean_square, MEAN_SQUARE[1])
    median = on_log_axis(content.sharpness.median)
    last = np.flatnonzero(np.isfinite(median))[-1:]
    panel.plot(x[last], median[last], "o", color=INK, markersize=6.5, zorder=4)
    gaps = failed_points(content.sharpness)
    draw_rug(panel, [([content.step_sizes[point] for point in gaps], MUTED)] if gaps else [])
    panel.set_title(content.name, loc="left")


def _span(panel: Axes, content: _Panel) -> None:
    """The step sizes, and η* where they come close to it."""
    near = [content.largest_step(name) for name in LARGEST_STEPS if _is_met(content, name)]
    x = content.families[SHARPNESS].x
    span(panel, x, (*content.step_sizes, *near))


def _draw_least(panel: Axes, values: Values, line: Line) -> None:
    values = values[np.isfinite(values)]
    panel.axhline(float(np.median(values)), **line)
    if len(values) > 1:
        panel.axhspan(*np.quantile(values, QUARTILES[::2]), color=line["color"], **BAND)


def _draw_quantity(panel: Axes, x: np.ndarray, curve: Curve, line: Line) -> None:
    panel.plot(x, on_log_axis(curve.median), marker="o", markersize=line["linewidth"] + 1, **line)
    draw_band(panel, x, curve, line["color"])


def _is_drawn(content: _Panel, name: str) -> bool:
    """Whether a least value is known, and another one than that for θ ≥ 0."""
    values = content.least[name]
    if not np.isfinite(values).any():
        return False
    return name != "sharpness_sign_free" or bool((values < content.least["sharpness"] * (1 - 1e-9)).any())


def _is_met(content: _Panel, name: str) -> bool:
    """Whether the step sizes come near the one at which that least sharpness loses its stability."""
    return _is_drawn(content, name) and is_in_reach(content.largest_step(name), content.step_sizes)


def _data(content: _Panel) -> Iterator[Series]:
    """Everything that is drawn of a panel."""
    x = content.step_sizes
    drawn = [(label, content.families[name].curves[0]) for name, (label, _) in QUANTITIES.items()]
    drawn += [(MEAN_SQUARE[0], content.mean_square)] if content.mean_square else []
    for label, curve in drawn:
        band = (curve.lower_quartile, curve.upper_quartile) if max(curve.runs) > 1 else None
        yield series(content.name, label, x, on_log_axis(curve.median), band)
    if gaps := failed_points(content.sharpness):
        yield series(content.name, "no run converged", [x[point] for point in gaps])
    limit = threshold_text([content.optimizer])
    yield series(content.name, f"stability threshold {limit}", x, content.thresholds(np.array(x)), is_result=False)
    for name, (label, _) in LEAST.items():
        if _is_drawn(content, name):
            least = np.nanmedian(content.least[name])
            yield series(content.name, label, x, np.full(len(x), least), is_result=False)
    for name, (label, _) in LARGEST_STEPS.items():
        if _is_met(content, name):
            yield series(content.name, label, [content.largest_step(name)], is_result=False)


def _finding(contents: Sequence[_Panel]) -> str:
    """That no sharpness is above the threshold, and at how many step sizes it is there; "" where it is not so."""
    ratios = np.concatenate(
        [
            on_log_axis(content.sharpness.median) / content.thresholds(np.array(content.step_sizes))
            for content in contents
        ]
    )
    ratios = ratios[np.isfinite(ratios)]
    met = int(np.count_nonzero(ratios > 1 - ON_THRESHOLD))
    if not met or (ratios > 1 + ON_THRESHOLD).any():
        return ""
    limit = threshold_text(content.optimizer for content in contents)
    return f"Sharpness ends at {limit} at {met} of {ratios.size} points, and nowhere above it"


def _seen(contents: Sequence[_Panel]) -> Iterator[float | None]:
    """Everything that is drawn but 2/η, which enters from above."""
    for content in contents:
        for family in content.families.values():
            (curve,) = family.curves
            yield from drawn_values(curve)
        yield from drawn_values(content.mean_square) if content.mean_square else ()
        for name, values in content.least.items():
            yield from values.tolist() if _is_drawn(content, name) else ()


def _legend(contents: Sequence[_Panel]) -> Iterator[Line2D]:
    limit = threshold_text(content.optimizer for content in contents)
    yield Line2D([], [], label=f"stability threshold {limit}", **THRESHOLD)
    for label, line in QUANTITIES.values():
        yield Line2D([], [], label=label, **line)
    if any(content.mean_square for content in contents):
        yield Line2D([], [], label=MEAN_SQUARE[0], **MEAN_SQUARE[1])
    for name, (label, line) in LEAST.items():
        if any(_is_drawn(content, name) for content in contents):
            yield Line2D([], [], label=label, **line)
    yield Line2D([], [], label="last η that converged", color=INK, marker="o", markersize=6.5, linestyle="")
    for name, (label, line) in LARGEST_STEPS.items():
        if any(_is_met(content, name) for content in contents):
            yield Line2D([], [], label=label, **line)
    if any(failed_points(content.sharpness) for content in contents):
        yield cross_handle()


STABILITY: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
