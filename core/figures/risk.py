"""Risk against the initialisation scale, one line for each step size (figure 1 of Nacson et al. 2022)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from core.curves import Baseline, Curve, Curves
from core.figures.caption import Caption, value_text
from core.figures.style import BASELINE, FLOW, FOOT, MUTED, ordered_colours, style
from core.variables import COORDINATES

LEGEND_ENTRIES = 12
"""Most lines that are named; of more, evenly spaced ones are, the first and the last among them."""

ROW = 0.03
"""The height of a row of crosses, as a part of the panel's."""

DRAWN_BASELINES = {"min_l1": "least ℓ1 norm", "min_l2": "least ℓ2 norm"}


def risk_figure(panels: Sequence[Curves], caption: Caption) -> Figure:
    """One panel for each family of curves, with a common risk axis and a common legend.

    A point is filled where all its runs converged, hollow where only some did. A gap is where none did; there a cross
    in the colour of the line stands at the foot of the panel. The dotted line is the limit of gradient flow, the dashed
    ones are the least-ℓ1 and least-ℓ2 interpolators.
    """
    with style():
        figure = Figure(figsize=(2.75 + 4.6 * len(panels), 5.0))
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        left, right = 0.8 / figure.get_figwidth(), 1 - 1.9 / figure.get_figwidth()
        figure.subplots_adjust(left=left, right=right, top=0.785, bottom=0.145, wspace=0.08)
        for panel, family in zip(axes, panels, strict=True):
            _draw_panel(panel, family)
            panel.set_title(_panel_name(family, panels), loc="left", fontsize=10)
        _make_room(axes[0], panels)
        _label(axes, panels)
        _name_lines(axes[-1], panels[-1])
        _write_caption(figure, caption, left)
    return figure


def _panel_name(family: Curves, panels: Sequence[Curves]) -> str:
    """What tells this panel from the others: the fixed values in which they differ."""
    differing = [name for name, value in family.where.items() if any(other.where[name] != value for other in panels)]
    return ", ".join(value_text(COORDINATES[name], family.where[name]) for name in differing)


def _draw_panel(panel: Axes, family: Curves) -> None:
    colours = ordered_colours(len(family.curves))
    _span(panel, family)
    panel.set_yscale("log")
    panel.set_autoscaley_on(False)  # `_make_room` sets it, for all panels
    for flow in family.flow_limits:
        _draw_flow(panel, family, flow)
    for curve, colour in zip(family.curves, colours, strict=True):
        _draw_curve(panel, family, curve, colour)
    for baseline in family.baselines:
        if baseline.name in DRAWN_BASELINES:
            _draw_baseline(panel, baseline)
    _mark_gaps(panel, family, colours)


def _span(panel: Axes, family: Curves) -> None:
    """An x axis over all values of x, also where no run has come there yet."""
    least, most = min(family.x_values), max(family.x_values)
    if family.x.log_scaled and least > 0:
        margin = (most / least) ** 0.045 if most > least else 1.5
        panel.set_xscale("log")
        panel.set_xlim(least / margin, most * margin)
        panel.xaxis.set_major_locator(_decades(least, most))
        panel.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.045 * (most - least) or 0.5
        panel.set_xlim(least - margin, most + margin)
    if least == most:
        panel.set_xticks([least])


def _decades(least: float, most: float) -> LogLocator:
    """Ticks at powers of ten; within a decade and a half these alone say too little."""
    return LogLocator(subs=(1.0,) if most / least > 30 else (1.0, 2.0, 3.0, 5.0, 7.0))


def _draw_flow(panel: Axes, family: Curves, flow: Curve) -> None:
    """The dotted line, and a dash where a value stands alone and no line comes by."""
    median = _gaps(flow.median)
    panel.plot(family.x_values, median, **FLOW)
    there = np.pad(np.isfinite(median), 1)
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    if alone.any():
        panel.plot(np.array(family.x_values)[alone], median[alone], "_", color=FLOW["color"], markersize=12)


def _draw_curve(panel: Axes, family: Curves, curve: Curve, colour: str) -> None:
    x, median = np.array(family.x_values), _gaps(curve.median)
    panel.plot(x, median, color=colour)
    if max(curve.runs) > 1:
        lower, upper = _gaps(curve.lower_quartile), _gaps(curve.upper_quartile)
        panel.fill_between(x, lower, upper, color=colour, alpha=0.18, linewidth=0)
    some_failed = np.array(curve.not_converged) > 0
    for chosen, face in ((~some_failed, colour), (some_failed, "white")):
        panel.plot(x[chosen], median[chosen], "o", color=colour, markerfacecolor=face, zorder=3)


def _draw_baseline(panel: Axes, baseline: Baseline) -> None:
    panel.axhline(baseline.value, **BASELINE)
    # Above the upper line and below the lower one: no curve goes there.
    above = baseline.name == "min_l2"
    panel.annotate(
        f"{DRAWN_BASELINES[baseline.name]}: {baseline.value:.3g}",
        xy=(0, baseline.value),
        xycoords=panel.get_yaxis_transform(),
        xytext=(4, 3 if above else -3),
        textcoords="offset points",
        va="bottom" if above else "top",
        color=MUTED,
    )


def _mark_gaps(panel: Axes, family: Curves, colours: Sequence[str]) -> None:
    """A cross at the foot of the panel for each point none of whose stored runs converged, one row for each line."""
    rows = [(gaps, colour) for curve, colour in zip(family.curves, colours, strict=True) if (gaps := _failed(curve))]
    if rows:
        foot = Rectangle((0, 0), 1, ROW * (len(rows) + 1), transform=panel.transAxes, color=FOOT, linewidth=0)
        panel.add_artist(foot)
    for row, (gaps, colour) in enumerate(rows):
        panel.plot(
            [family.x_values[k] for k in gaps],
            [ROW * (row + 1)] * len(gaps),
            "x",
            color=colour,
            transform=panel.get_xaxis_transform(),
            markeredgewidth=1.3,
        )


def _make_room(panel: Axes, panels: Sequence[Curves]) -> None:
    """Stretch the risk axis so that crosses and the names of baselines stand clear of the lines."""
    rows = max(sum(1 for curve in family.curves if _failed(curve)) for family in panels)
    below, above = 0.07 + ROW * (rows + 1 if rows else 0), 0.07
    low, high = np.log10(_extremes(panels))
    span = max(high - low, 0.1) / (1 - below - above)
    panel.set_ylim(10 ** (low - below * span), 10 ** (high + above * span))
    panel.yaxis.set_major_locator(_decades(*panel.get_ylim()))


def _extremes(panels: Sequence[Curves]) -> tuple[float, float]:
    """The least and the largest risk to be seen; an arbitrary range where there is none."""
    lines = [
        line
        for family in panels
        for curve in (*family.curves, *family.flow_limits)
        for line in (curve.median, curve.lower_quartile, curve.upper_quartile)
    ]
    baselines = [line.value for family in panels for line in family.baselines if line.name in DRAWN_BASELINES]
    seen = _gaps([value for line in (*lines, baselines) for value in line])
    seen = seen[np.isfinite(seen)]
    return (float(seen.min()), float(seen.max())) if seen.size else (1e-3, 1.0)


def _failed(curve: Curve) -> list[int]:
    """The points where runs did not converge, and none that did has a value."""
    points = enumerate(zip(curve.not_converged, curve.runs, strict=True))
    return [point for point, (failed, runs) in points if failed and not runs]


def _partly_failed(curve: Curve) -> bool:
    """Whether at some point only a part of the runs converged."""
    return any(failed and runs for failed, runs in zip(curve.not_converged, curve.runs, strict=True))


def _label(axes: Sequence[Axes], panels: Sequence[Curves]) -> None:
    axes[0].set_ylabel(panels[0].y.label)
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    for panel, family in zip(axes, panels, strict=True):
        panel.set_xlabel(family.x.label)
        panel.xaxis.set_major_formatter(plain)
        panel.yaxis.set_major_formatter(plain)
        panel.yaxis.set_minor_formatter(NullFormatter())


def _name_lines(panel: Axes, family: Curves) -> None:
    """The legend, in the order in which the lines stand at the right: flow on top, the largest step size below."""
    handles = []
    if family.flow_limits:
        handles.append(Line2D([], [], label="η → 0, gradient flow", **FLOW))
    colours, names = ordered_colours(len(family.curves)), _line_names(family)
    shown = set(np.linspace(0, len(colours) - 1, min(len(colours), LEGEND_ENTRIES)).round().astype(int).tolist())
    for position, (curve, colour, name) in enumerate(zip(family.curves, colours, names, strict=True)):
        if position in shown:
            # A line of crosses alone is named by one.
            crosses = _failed(curve) and not any(curve.runs)
            handle = Line2D([], [], color=colour, label=name, marker="x" if crosses else "o")
            handle.set_linestyle("" if crosses else "-")
            handles.append(handle)
    if any(_partly_failed(curve) for curve in family.curves):
        hollow = Line2D([], [], color=MUTED, linestyle="", marker="o", markerfacecolor="white")
        hollow.set_label("not all converged")
        handles.append(hollow)
    if any(_failed(curve) for curve in family.curves):
        handles.append(Line2D([], [], color=MUTED, linestyle="", marker="x", label="did not converge"))
    panel.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), handlelength=1.8, labelspacing=0.55)


def _line_names(family: Curves) -> list[str]:
    """The value of each line, in as many digits as tell them apart but at least three."""
    values = [curve.series for curve in family.curves]
    series = family.series
    if series is None:
        return ["trained runs"] * len(values)
    spelled = [[value_text(series, value, digits) for value in values if value is not None] for digits in range(3, 13)]
    return next((names for names in spelled if len(set(names)) == len(names)), spelled[-1])


def _write_caption(figure: Figure, caption: Caption, left: float) -> None:
    figure.text(left, 0.945, caption.title, fontsize=12.5, fontweight="bold", parse_math=False)
    figure.text(left, 0.9, caption.data, color=MUTED, parse_math=False)
    figure.text(left, 0.86, f"{caption.training}; {caption.progress}", color=MUTED, parse_math=False)
    figure.text(0.99, 0.015, caption.name, color=MUTED, fontsize=7.5, ha="right", parse_math=False)


def _gaps(values: Sequence[float | None]) -> np.ndarray:
    """The values, NaN for a gap; zero too is one, for it has no place on a logarithmic axis."""
    numbers = np.array(values, dtype=np.float64)
    return np.where(numbers > 0, numbers, np.nan)
