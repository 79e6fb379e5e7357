"""The axes of a panel: linear or logarithmic, over which range, and the numbers along them."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis
from matplotlib.ticker import Formatter, Locator, LogLocator, MaxNLocator, NullFormatter, NullLocator
from typing_extensions import override  # in typing itself from Python 3.12 on

from core.figures.lettering import DIGIT
from core.figures.number_text import number_text, numbers_in_one_format
from core.figures.panel_size import size_of
from core.results.variables import Kind, Variable

MARGIN: Final = 0.045
"""Room on either side of the first and the last value, as a part of their distance."""

LEAST_HEIGHT: Final = 0.1
"""The least height of a logarithmic axis, in decades."""

WIDE: Final = 30
"""Values further apart than by this factor are drawn on a logarithmic axis, whatever they are."""

LINE: Final = 0.16
"""The height of a number, in inches."""

_BETWEEN: Final = ((4, range(1, 10)), (WIDE, (1.0, 2.0, 3.0, 5.0, 7.0)), (np.inf, (1.0, 2.0, 5.0)))
"""Which multiples of the powers of ten are named where the ends of the axis are so far apart at most."""


EVEN: Final = 1e-9
"""Relative difference of two places on an axis that are one."""

_STRIPS: Final[WeakKeyDictionary[Axes, float]] = WeakKeyDictionary()
"""The part of its height that the rug marks of a panel take."""


def span(panel: Axes, variable: Variable, values: Sequence[float]) -> None:
    """An x axis over all values, also where no run has come there yet, with its label.

    Logarithmic where that shows them best; then a zero among them, such as no warm-up, stands apart at the left.
    """
    positive = sorted(value for value in values if value > 0)
    if min(values) < 0 or not positive or not _is_logarithmic(variable, positive):
        _span_linear(panel, min(values), max(values))
    elif min(values) == 0:
        _span_from_zero(panel, positive)
    else:
        log_x(panel, positive[0], positive[-1])
    if len(set(values)) == 1 or (
        panel.get_xscale() != "linear" and variable.kind is Kind.INT and _fit(panel, positive)
    ):
        panel.set_xticks(sorted(values))
        panel.xaxis.set_minor_locator(NullLocator())
    elif panel.get_xscale() == "linear" and variable.kind is Kind.INT:
        panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    panel.set_xlabel(variable.label)
    _plain(panel.xaxis)


def log_x(panel: Axes, least: float, most: float) -> None:
    """A logarithmic x axis from `least` to `most`, with some room on either side."""
    margin = (most / least) ** MARGIN if most > least else 1.5
    panel.set_xscale("log")
    panel.set_xlim(least / margin, most * margin)
    panel.xaxis.set_major_locator(decades(least, most))
    _plain(panel.xaxis)


def log_y(panel: Axes, least: float, most: float, *, rug: float = 0.0) -> None:
    """A logarithmic y axis from `least` to `most`; no numbers stand beside the rug marks, that part of its height."""
    panel.set_yscale("log")
    panel.set_ylim(least, most)
    _STRIPS[panel] = rug
    start = least * (most / least) ** rug
    for is_minor, locator in ((False, decades(start, most)), (True, LogLocator(subs=range(1, 10)))):
        ticks = np.asarray(locator.tick_values(start, most))
        panel.yaxis.set_ticks(ticks[(ticks >= start * (1 - EVEN)) & (ticks <= most)].tolist(), minor=is_minor)
    _plain(panel.yaxis)


def set_y_range(panel: Axes, least: float | None, most: float | None) -> None:
    """Other ends of the y axis, above the rug marks; None leaves one as it is, or moves it where it is no end any more.

    On a logarithmic axis both are positive.
    """
    low, high = panel.get_ylim()
    if panel.get_yscale() != "log":
        ends = _ends(low, high, least, most, lambda end, way: end + way * (high - low))
        panel.set_ylim(*ends)
        return
    rug = _STRIPS[panel]
    start = low * (high / low) ** rug
    bottom, top = _ends(start, high, least, most, lambda end, way: end * (high / start) ** way)
    log_y(panel, bottom / (top / bottom) ** (rug / (1 - rug)), top, rug=rug)


def _ends(
    low: float, high: float, least: float | None, most: float | None, moved: Callable[[float, int], float]
) -> tuple[float, float]:
    """These ends; where one alone is given, and beyond the other, that is moved by the length of the axis."""
    bottom, top = low if least is None else least, high if most is None else most
    if bottom < top:
        return bottom, top
    return (bottom, moved(bottom, 1)) if most is None else (moved(top, -1), top)


def common_log_y(panels: Sequence[Axes], values: Iterable[float | None], *, rug: float) -> None:
    """The same logarithmic y axis in all panels, with these values in sight above the rug marks."""
    least, most = log_range(values, rug=rug)
    for panel in panels:
        log_y(panel, least, most, rug=rug)


def log_range(values: Iterable[float | None], *, rug: float, margin: float = 0.07) -> tuple[float, float]:
    """The ends of a logarithmic axis on which all values stand clear of the top and of the rug marks.

    What has no place on it is left out; where nothing is left, three decades up to 1.
    """
    seen = on_log_axis(list(values))
    seen = seen[np.isfinite(seen)]
    low, high = np.log10([seen.min(), seen.max()]) if seen.size else (-3.0, 0.0)
    below, above = margin + rug, margin
    height = max(high - low, LEAST_HEIGHT) / (1 - below - above)
    return float(10 ** (low - below * height)), float(10 ** (high + above * height))


def decades(least: float, most: float) -> Locator:
    """Ticks of a logarithmic axis: powers of ten if there are three, and numbers between them where they are fewer."""
    powers = np.floor(np.log10(most)) - np.ceil(np.log10(least)) + 1
    if powers >= 3:
        return LogLocator()
    if most < 2 * least:
        return MaxNLocator(5)
    return LogLocator(subs=next(subs for ratio, subs in _BETWEEN if most / least <= ratio))


def on_log_axis(values: Sequence[float | None] | np.ndarray) -> np.ndarray:
    """The values, NaN for a gap; zero too is one, for it has no place on a logarithmic axis."""
    numbers = np.array(values, dtype=np.float64)
    return np.where((numbers > 0) & np.isfinite(numbers), numbers, np.nan)


def _is_logarithmic(variable: Variable, positive: Sequence[float]) -> bool:
    if variable.log_scaled or positive[-1] / positive[0] > WIDE:
        return True
    ratios = np.diff(np.log(positive))
    return len(ratios) > 1 and bool(np.allclose(ratios, ratios[0], rtol=0.05))


def _fit(panel: Axes, ascending: Sequence[float]) -> bool:
    """Whether each of these values can be named below a logarithmic axis without touching the next one."""
    places = np.log(ascending)
    lengths = np.array([DIGIT * len(number_text(value)) for value in ascending]) + DIGIT
    distances = np.diff(places) / (places[-1] - places[0]) * size_of(panel)[0] * (1 - 2 * MARGIN)
    return bool((distances >= (lengths[1:] + lengths[:-1]) / 2).all())


def _span_linear(panel: Axes, least: float, most: float) -> None:
    margin = MARGIN * (most - least) or 0.5
    panel.set_xlim(least - margin, most + margin)


def _span_from_zero(panel: Axes, positive: Sequence[float]) -> None:
    """Logarithmic from the least positive value on; zero stands a third of a decade to its left."""
    least, most = positive[0], positive[-1]
    panel.set_xscale("symlog", linthresh=least, linscale=0.35)
    shift = panel.xaxis.get_transform().transform
    edges = shift(np.array([0.0, most]))
    room = MARGIN * (edges[1] - edges[0])
    panel.set_xlim(*panel.xaxis.get_transform().inverted().transform(edges + np.array([-room, room])))
    powers = 10.0 ** np.arange(np.ceil(np.log10(least)), np.floor(np.log10(most)) + 1)
    panel.set_xticks([0.0, *(powers if len(powers) > 1 else (least, most))])
    panel.xaxis.set_minor_locator(NullLocator())


def _plain(axis: XAxis | YAxis) -> None:
    axis.set_major_formatter(AxisNumbers())
    axis.set_minor_formatter(NullFormatter())


class AxisNumbers(Formatter):
    """The numbers along an axis, all in one format."""

    @override
    def __call__(self, x: float, pos: int | None = None) -> str:
        return number_text(float(x))

    @override
    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The texts of these numbers; those that are out of sight have no say in how the others are written."""
        if not isinstance(self.axis, Axis):
            return [self(value) for value in values]
        low, high = sorted(self.axis.get_view_interval())
        room = 1e-9 * (high - low)
        seen = [float(value) if low - room <= value <= high + room else None for value in values]
        texts = iter(
            numbers_in_one_format(
                [value for value in seen if value is not None], is_linear=self.axis.get_scale() == "linear"
            )
        )
        named = ["" if value is None else next(texts) for value in seen]
        return _with_room(self.axis, values, named)


def _with_room(axis: Axis, values: Sequence[float], texts: Sequence[str]) -> list[str]:
    """The texts that can stand along the axis without touching, powers of ten before others; "" for the rest."""
    panel, across = axis.axes, int(isinstance(axis, YAxis))
    points = np.full((len(values), 2), 1.0)
    points[:, across] = values
    with np.errstate(divide="ignore", invalid="ignore"):
        places = (panel.transData - panel.transAxes).transform(points)[:, across] * size_of(panel)[across]
    lengths = [LINE if across else DIGIT * (len(text) + 0.6) for text in texts]
    kept: list[int] = []
    order = sorted(range(len(texts)), key=lambda k: (not _is_power_of_ten(values[k]), k))
    for k in order:
        free = all(abs(places[k] - places[other]) >= (lengths[k] + lengths[other]) / 2 for other in kept)
        if texts[k] and free:
            kept.append(k)
    return [text if k in kept else "" for k, text in enumerate(texts)]


def _is_power_of_ten(value: float) -> bool:
    return value > 0 and math.isclose(math.log10(value), round(math.log10(value)), abs_tol=1e-9)
