"""A family of curves in a panel: a line for each, points that say how many of their runs converged, and their names."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.figures.axis import on_log_axis
from core.figures.caption import value_text
from core.figures.figure_data import Series, series
from core.figures.legend import ColourScale
from core.figures.number_text import number_text
from core.figures.rug import ZERO, Row, cross_handle, draw_rug, failed_points, rug_height, zero_handle, zero_points
from core.figures.style import BAND, GROUND, MUTED, ordered_colours
from core.results.curves import Curve, Curves
from core.results.variables import Variable

MOST_NAMED: Final = 7
"""Most lines that a legend tells apart; more have a colour scale."""

DECIDED: Final = "D"
"""The marker of points with a run that rounding decided."""

FEW_ROWS: Final = 4
"""Up to so many lines have each a row of crosses of its own for everything; more would take half the panel."""


def draw_family(panel: Axes, family: Curves) -> None:
    """Medians with the band of quartiles, and crosses below where runs did not converge and none has a value.

    A point is filled where all its runs converged, hollow where only some did, and a hollow diamond where rounding
    decided a run of it. The y axis is logarithmic. Crosses have a row for each line; of many lines there is one row in
    common, for the values of x at which none converged. Triangles above them stand for medians of exactly zero.
    """
    colours = ordered_colours(len(family.curves))
    for curve, colour in zip(family.curves, colours, strict=True):
        _draw_curve(panel, np.array(family.x_values), curve, colour)
    crosses, zeros = _crosses(family), _zeros(family)
    draw_rug(panel, crosses)
    draw_rug(panel, zeros, marker=ZERO, above=len(crosses))


def draw_band(panel: Axes, x: np.ndarray, curve: Curve, colour: str) -> None:
    """The quartiles of a curve, where a point of it has several runs."""
    if max(curve.runs) > 1:
        lower, upper = on_log_axis(curve.lower_quartile), on_log_axis(curve.upper_quartile)
        panel.fill_between(x, lower, upper, color=colour, **BAND)


def families_rug(families: Sequence[Curves]) -> float:
    """The height of the crosses of the panel that has most rows of them, as a part of it."""
    return rug_height(max(len(_crosses(family)) + len(_zeros(family)) for family in families))


def family_handles(families: Sequence[Curves]) -> list[Line2D]:
    """The names of the lines, which all panels share, and what other marks mean where there are any.

    Many lines are not among them: see `family_scale`.
    """
    names = line_names(families[0])
    colours = ordered_colours(len(names))
    handles = [
        _handle([family.curves[position] for family in families], colours[position], names[position])
        for position in range(len(names) if len(names) <= MOST_NAMED else 0)
    ]
    every = [curve for family in families for curve in family.curves]
    if any(_partly_failed(curve) for curve in every):
        handles.append(_hollow("o", "not all converged"))
    if any(any(curve.decided_by_rounding) for curve in every):
        handles.append(_hollow(DECIDED, "decided by rounding"))
    handles += [zero_handle()] if any(zero_points(curve) for curve in every) else []
    return handles + ([cross_handle()] if any(failed_points(curve) for curve in every) else [])


def family_scale(family: Curves, *, downwards: bool = False) -> ColourScale | None:
    """The colour of each of many lines, the least at the top unless they go `downwards`; None where a legend does."""
    names = line_names(family)
    if len(names) <= MOST_NAMED or family.series is None:
        return None
    step = -1 if downwards else 1
    colours = ordered_colours(len(names))
    return ColourScale(label=family.series.label, names=names[::step], colours=colours[::step])


def family_data(family: Curves, panel: str) -> Iterator[Series]:
    """The numbers of what is drawn of a family: its lines, and the marks of its strip."""
    for curve, name in zip(family.curves, line_names(family), strict=True):
        band = (curve.lower_quartile, curve.upper_quartile) if max(curve.runs) > 1 else None
        yield series(panel, name, family.x_values, on_log_axis(curve.median), band)
        for words, places in (("no run converged", failed_points(curve)), ("exactly 0", zero_points(curve))):
            if places:
                yield series(panel, f"{name}, {words}", [family.x_values[place] for place in places])


def drawn_values(curve: Curve) -> Iterator[float | None]:
    """Every value of a curve that has to be in sight."""
    yield from (*curve.median, *curve.lower_quartile, *curve.upper_quartile)


def legend_title(family: Curves) -> str:
    """Said once above the values of a quantity that has a name and no symbol."""
    return "" if family.series is None or family.series.symbol else family.series.label


def _crosses(family: Curves) -> list[Row]:
    """The rows of crosses from below: where they stand, and their colour."""
    failed = [set(failed_points(curve)) for curve in family.curves]
    many = sum(1 for points in failed if points) > FEW_ROWS
    some = {point for curve in family.curves for point, runs in enumerate(curve.runs) if runs}
    common = set.union(*failed) - some if many else set()
    rows = [(points - common, colour) for points, colour in zip(failed, ordered_colours(len(failed)), strict=True)]
    return _rows(family, [(common, MUTED), *rows])


def _zeros(family: Curves) -> list[Row]:
    """The rows of triangles: one for each line, or of many lines one in common."""
    zeros = [set(zero_points(curve)) for curve in family.curves]
    if sum(1 for points in zeros if points) > FEW_ROWS:
        return _rows(family, [(set.union(*zeros), MUTED)])
    return _rows(family, list(zip(zeros, ordered_colours(len(zeros)), strict=True)))


def _rows(family: Curves, rows: Sequence[tuple[set[int], str]]) -> list[Row]:
    return [([family.x_values[point] for point in sorted(points)], colour) for points, colour in rows if points]


def _draw_curve(panel: Axes, x: np.ndarray, curve: Curve, colour: str) -> None:
    median = on_log_axis(curve.median)
    panel.plot(x, median, color=colour)
    draw_band(panel, x, curve, colour)
    some_failed, decided = np.array(curve.not_converged) > 0, np.array(curve.decided_by_rounding) > 0
    marks = (
        (~some_failed & ~decided, "o", colour),
        (some_failed & ~decided, "o", GROUND),
        (decided, DECIDED, GROUND),
    )
    for chosen, marker, face in marks:
        panel.plot(x[chosen], median[chosen], marker, color=colour, markerfacecolor=face, zorder=3)


def _handle(lines: Sequence[Curve], colour: str, name: str) -> Line2D:
    """A line with its points, or a cross where crosses are all that is drawn of it."""
    crosses = any(failed_points(line) for line in lines) and not any(any(line.runs) for line in lines)
    return Line2D([], [], color=colour, label=name, linestyle="" if crosses else "-", marker="x" if crosses else "o")


def _hollow(marker: str, label: str) -> Line2D:
    return Line2D([], [], color=MUTED, linestyle="", marker=marker, markerfacecolor=GROUND, label=label)


def _partly_failed(curve: Curve) -> bool:
    """Whether at some point only a part of the runs converged."""
    return any(failed and runs for failed, runs in zip(curve.not_converged, curve.runs, strict=True))


def line_names(family: Curves) -> list[str]:
    """The value of each line, in as many digits as tell them apart but at least three."""
    series = family.series
    values = [curve.series for curve in family.curves if curve.series is not None]
    if series is None:
        return ["trained runs"] * len(family.curves)
    spelled = [[_line_name(series, value, digits) for value in values] for digits in range(3, 13)]
    return next((names for names in spelled if len(set(names)) == len(names)), spelled[-1])


def _line_name(series: Variable, value: float, digits: int) -> str:
    return value_text(series, value, digits) if series.symbol else number_text(value, digits)
