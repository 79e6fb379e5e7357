"""How a figure is asked for in a query: style, size, dots per inch, the part of the experiment, the ends of y."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from api.problems.pointers import escaped
from api.problems.request_errors import InvalidQuery, Violation
from core.figures.layouts.options import (
    LEAST_DPI,
    LEAST_SIDE,
    MOST_DPI,
    MOST_DPI_UNSIZED,
    MOST_PIXELS,
    MOST_RUNS,
    MOST_SIDE,
    NAMED_SIZES,
    FigureOptions,
    Style,
)

_NUMBER: Final = re.compile(r"-?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?", re.ASCII)
_SIZE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)x(\d{1,3}(?:\.\d{1,6})?)", re.ASCII)
_INDEX: Final = re.compile(r"0|[1-9]\d{0,9}", re.ASCII)

_Number = Annotated[str | None, Field(max_length=50, json_schema_extra={"pattern": f"^{_NUMBER.pattern}$"})]


class FigureQuery(BaseModel):
    """The query of a figure. `where.<axis>=<value>,<value>` shows these values of an axis alone."""

    model_config = ConfigDict(frozen=True, extra="allow")

    PREFIX: ClassVar[str] = "where."
    """What names of further parameters begin with."""

    style: Annotated[
        Style, Field(description="For white paper, for a wall with larger letters, or on a dark ground.")
    ] = Style.PAPER
    size: Annotated[
        str | None,
        Field(
            max_length=40,
            description=(
                f"WIDTHxHEIGHT in inches, each from {LEAST_SIDE:g} to {MOST_SIDE:g}, or one of "
                f"{', '.join(NAMED_SIZES)}; by default as large as its panels ask for."
            ),
            json_schema_extra={"pattern": f"^({'|'.join(NAMED_SIZES)}|{_SIZE.pattern})$"},
        ),
    ] = None
    dpi: Annotated[
        str | None,
        Field(
            max_length=10,
            description=(
                f"Dots per inch of a png file, from {LEAST_DPI} to {MOST_DPI_UNSIZED}, with a size up to {MOST_DPI} "
                f"and {MOST_PIXELS:,} pixels; default 160."
            ),
            json_schema_extra={"pattern": f"^({_INDEX.pattern})$"},
        ),
    ] = None
    y_min: Annotated[_Number, Field(description="The lower end of the y axis.")] = None
    y_max: Annotated[_Number, Field(description="Its upper end.")] = None
    runs: Annotated[
        str | None,
        Field(
            max_length=100,
            description=f"Indices of up to {MOST_RUNS} runs, with commas: of trajectory, predictor and plateaus.",
            json_schema_extra={"pattern": rf"^({_INDEX.pattern})(,({_INDEX.pattern}))*$"},
        ),
    ] = None

    @property
    def options(self) -> FigureOptions:
        """The same as numbers.

        Raises:
            InvalidQuery: a parameter is no number of its kind.
            InvalidChoice: a number is out of its range.
        """
        return FigureOptions(
            style=self.style,
            size=None if self.size is None else _size(self.size),
            dpi=None if self.dpi is None else int(_listed("dpi", self.dpi, _INDEX, int)[0]),
            y_min=None if self.y_min is None else _listed("y_min", self.y_min, _NUMBER, float)[0],
            y_max=None if self.y_max is None else _listed("y_max", self.y_max, _NUMBER, float)[0],
            runs=() if self.runs is None else tuple(map(int, _listed("runs", self.runs, _INDEX, int))),
            where=dict(self._where()),
        )

    def _where(self) -> Iterator[tuple[str, tuple[float, ...]]]:
        for name, value in sorted((self.model_extra or {}).items()):
            yield name.removeprefix(self.PREFIX), tuple(_listed(name, str(value), _NUMBER, float))


def _size(text: str) -> tuple[float, float]:
    if text in NAMED_SIZES:
        return NAMED_SIZES[text]
    found = _SIZE.fullmatch(text)
    if found is None:
        raise _wrong("size", f"WIDTHxHEIGHT in inches is wanted, as in 6x4, or one of {', '.join(NAMED_SIZES)}")
    return float(found[1]), float(found[2])


def _listed(name: str, text: str, spelling: re.Pattern[str], number: Callable[[str], float]) -> list[float]:
    """The numbers between commas; of some parameters there is one."""
    parts = text.split(",") if name == "runs" or name.startswith(FigureQuery.PREFIX) else [text]
    if not all(spelling.fullmatch(part) for part in parts):
        raise _wrong(name, "numbers with commas between them are wanted" if len(parts) > 1 else "a number is wanted")
    return [number(part) for part in parts]


def _wrong(parameter: str, detail: str) -> InvalidQuery:
    violation = Violation(parameter=escaped(parameter), detail=detail)
    return InvalidQuery("The query cannot be understood.", violations=(violation,))
