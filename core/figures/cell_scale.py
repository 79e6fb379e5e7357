"""The numbers along cells and along a colour bar."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.collections import QuadMesh
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from core.figures.layouts.cells import CellAxis
from core.figures.lettering import DIGIT
from core.figures.number_text import number_text
from core.figures.panel_size import figure_of, size_of

FEW: Final = 8
"""Up to so many cells are each named by their value, if those are short."""

DIGITS: Final = 3
"""Significant digits of a short number."""

MANTISSAS: Final = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))
"""Round numbers within a decade, from few to many."""

GAP, LINE = 0.09, 0.17
"""The space between two numbers and the height of a line, in inches."""


def number_cells(panel: Axes, x: CellAxis, y: CellAxis) -> None:
    """Both axes over all cells, with a small tick at each of them and a number where there is room."""
    width, height = size_of(panel)
    panel.set_xscale("log" if x.log else "linear")
    panel.set_yscale("log" if y.log else "linear")
    panel.set_xlim(x.edges[0], x.edges[-1])
    panel.set_ylim(y.edges[0], y.edges[-1])
    _number(panel.xaxis, x, width)
    _number(panel.yaxis, y, height)


def put_colour_bar(panel: Axes, mesh: QuadMesh, label: str) -> None:
    """A horizontal bar with a label under the panel and its own label."""
    width, height = size_of(panel)
    place = panel.inset_axes((0, -0.68 / height, 1, 0.12 / height))
    bar = figure_of(panel).colorbar(mesh, cax=place, orientation="horizontal", label=label)
    least, most = mesh.get_clim()
    ticks = _with_room_between(round_numbers(least or 1.0, most or 1.0), width)
    bar.set_ticks(ticks, labels=[number_text(tick) for tick in ticks])
    bar.minorticks_off()
    bar.outline.set_visible(False)


def _with_room_between(numbers: list[float], width: float) -> list[float]:
    """All of them, or every second, third, … up to the last, so that they fit side by side."""
    widest = DIGIT * max(len(number_text(number)) for number in numbers) + GAP
    every = int(np.ceil(len(numbers) * widest / width))
    return numbers[:: -max(every, 1)][::-1]


def round_numbers(least: float, most: float) -> list[float]:
    """At least three round numbers between two positive ones, and if possible not many more."""
    powers = 10.0 ** np.arange(np.floor(np.log10(least)), np.ceil(np.log10(most)) + 1)
    for mantissas in MANTISSAS:
        numbers = np.multiply.outer(powers, mantissas).ravel()
        inside = numbers[(numbers >= least * (1 - 1e-9)) & (numbers <= most * (1 + 1e-9))]
        if len(inside) >= 3:
            return [float(f"{number:.3g}") for number in inside]
    return _even_numbers(least, most, 4)


def _even_numbers(least: float, most: float, count: int) -> list[float]:
    numbers = MaxNLocator(count, steps=[1, 2, 5, 10]).tick_values(least, most)
    return [float(number) for number in numbers if least <= number <= most]


def _number(axis: Axis, cells: CellAxis, length: float) -> None:
    axis.set_minor_locator(FixedLocator(cells.positions.tolist()))
    axis.set_minor_formatter(FixedFormatter([""] * len(cells.positions)))
    places, numbers = _candidates(cells)
    texts = [number_text(number) for number in numbers]
    sizes = [DIGIT * len(text) + GAP if isinstance(axis, XAxis) else LINE for text in texts]
    shown = _with_room(_fractions(cells, places) * length, sizes)
    axis.set_major_locator(FixedLocator([places[k] for k in shown]))
    axis.set_major_formatter(FixedFormatter([texts[k] for k in shown]))


def _candidates(cells: CellAxis) -> tuple[list[float], list[float]]:
    """Where numbers may stand, and which: the values if they are few and short, round numbers otherwise."""
    short = all(float(f"{value:.{DIGITS}g}") == value for value in cells.values.tolist())
    if short and len(cells.values) <= FEW:
        return cells.positions.tolist(), cells.values.tolist()
    least, most = float(cells.positions[0]), float(cells.positions[-1])
    if not cells.log:
        numbers = _even_numbers(least, most, 6)
        return numbers, numbers
    zero = [least] if cells.values[0] == 0 else []
    numbers = round_numbers(float(cells.positions[len(zero)]), most)
    return zero + numbers, [0.0] * len(zero) + numbers


def _fractions(cells: CellAxis, places: Sequence[float]) -> np.ndarray:
    """How far along the axis the places are, from 0 to 1."""
    ends, inside = np.array([cells.edges[0], cells.edges[-1]]), np.array(places, dtype=np.float64)
    if cells.log:
        ends, inside = np.log(ends), np.log(inside)
    return np.asarray((inside - ends[0]) / (ends[1] - ends[0]))


def _with_room(centres: np.ndarray, sizes: Sequence[float]) -> list[int]:
    """Which of the numbers along a line can stand without touching, the last one before all others."""
    shown: list[int] = []
    for k in range(len(sizes) - 1, -1, -1):
        if not shown or centres[shown[-1]] - centres[k] >= (sizes[k] + sizes[shown[-1]]) / 2:
            shown.append(k)
    return shown[::-1]
