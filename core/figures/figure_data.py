"""What a figure shows in numbers: every line and every point that is drawn, as a table and in words."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.figures.number_text import number_text

COLUMNS: Final = ("panel", "series", "x", "y", "lo", "hi", "value")

MOST_SAID: Final = 24
"""Lines of a panel that are put into words; the table has all."""

Numbers = Float64[np.ndarray, " point"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """One line, or the marks of one kind: y against x, NaN in gaps, with quartiles `low` and `high` where there are.

    `value` is what the colour of cells says. `is_result`: it is found by runs, and no line of reference. `is_strip`:
    the marks of a strip, which have no height.
    """

    panel: str
    name: str
    x: Numbers
    y: Numbers
    low: Numbers | None = None
    high: Numbers | None = None
    value: Numbers | None = None
    is_result: bool = True
    is_strip: bool = False

    @property
    def there(self) -> np.ndarray:
        """The places of the points that are drawn."""
        return np.flatnonzero(np.isfinite(self.x) & (np.isfinite(self.y) | self.is_strip))


def series(  # noqa: PLR0913 - a row of the table, and all but the first three have a usual value
    panel: str,
    name: str,
    x: Sequence[float] | np.ndarray,
    y: Sequence[float | None] | np.ndarray | None = None,
    band: tuple[Sequence[float | None] | np.ndarray, Sequence[float | None] | np.ndarray] | None = None,
    *,
    is_result: bool = True,
) -> Series:
    """A series of these numbers, None for a gap; without y the marks of a strip."""
    places = np.asarray(x, dtype=np.float64)
    heights = np.full(len(places), np.nan) if y is None else np.array(y, dtype=np.float64)
    low, high = (None, None) if band is None else (np.array(edge, dtype=np.float64) for edge in band)
    return Series(
        panel=panel, name=name, x=places, y=heights, low=low, high=high, is_result=is_result, is_strip=y is None
    )


def as_csv(every: Iterable[Series]) -> str:
    """A row for each point: panel, series, x, y, the quartiles, and the value of a cell; empty where there is none."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for one in every:
        columns = [one.x, one.y, one.low, one.high, one.value]
        for place in one.there.tolist():
            table.writerow([one.panel, one.name, *(_cell(column, place) for column in columns)])
    return file.getvalue()


def in_words(every: Sequence[Series]) -> Iterator[str]:
    """A sentence for each series: from where to where it goes, and over how many points."""
    for panel, members in groupby(every, key=lambda one: one.panel):
        said = list(members)
        if panel:
            yield f"{panel}:"
        yield from (_sentence(one) for one in said[:MOST_SAID])
        if len(said) > MOST_SAID:
            yield f"and {len(said) - MOST_SAID} more series."


def _sentence(one: Series) -> str:
    there = one.there
    if not there.size:
        return f"{one.name}: no point."
    if one.is_strip:
        return f"{one.name}: at {_several(one.x[there])}."
    numbers = one.y if one.value is None else one.value
    first, last = (number_text(float(numbers[place]), 3) for place in (there[0], there[-1]))
    if there.size == 1 or (one.value is None and np.ptp(numbers[there]) == 0):
        return f"{one.name}: {first}{_places(one, there)}."
    if one.value is not None:
        least, most = (number_text(float(end), 3) for end in (numbers[there].min(), numbers[there].max()))
        return f"{one.name}: {there.size} cells" + ("." if np.isnan(numbers[there]).any() else f", {least} to {most}.")
    ends = [number_text(float(one.x[place]), 3) for place in (there[0], there[-1])]
    return f"{one.name}: {first} at {ends[0]} to {last} at {ends[1]}, {there.size} points."


def _places(one: Series, there: np.ndarray) -> str:
    return f" at {number_text(float(one.x[there[0]]), 3)}" if there.size == 1 else ""


def _several(places: np.ndarray) -> str:
    said = [number_text(float(place), 3) for place in places[:8]]
    return ", ".join([*said, "…"] if len(places) > len(said) else said)


def _cell(column: np.ndarray | None, place: int) -> str:
    number = np.nan if column is None else float(column[place])
    return "" if np.isnan(number) else repr(number)
