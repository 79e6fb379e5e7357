"""Which curves are asked for: the query of `/curves`."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.exports.formats import NAMED
from api.problems.pointers import escaped
from api.problems.request_errors import InvalidQuery, Violation
from api.requests.paging import MOST_WHOLE, InDigits
from core.exports.format import Format
from core.results.curve_question import CurveQuestion, NoAxisLeft
from core.results.curves import Curves, Inclusion
from core.results.result import Summary
from core.results.thinning import fewer_points
from core.results.variables import COORDINATES, VARIABLES, Kind
from core.sweep.grid import Grid

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""A number as JSON spells it."""

_Name = Annotated[str | None, Field(min_length=1, max_length=100)]
_Axis = Annotated[_Name, Field(json_schema_extra={"enum": list(COORDINATES)})]
_Quantity = Annotated[
    _Name, Field(json_schema_extra={"enum": [name for name, known in VARIABLES.items() if known.kind is not Kind.TEXT]})
]


class CurveQuery(BaseModel):
    """The query of curves. `where.<axis>=<value>` fixes an axis that is none of x, series and over."""

    model_config = ConfigDict(frozen=True, extra="allow")

    PREFIX: ClassVar[str] = "where."
    """What names of further parameters begin with."""

    x: Annotated[_Axis, Field(description="The axis to draw against; by default the initialisation scale.")] = None
    y: Annotated[_Quantity, Field(description="The result to draw; by default the risk, or the ℓ1 norm.")] = None
    series: Annotated[_Axis, Field(description="One curve for each of its values; by default the axis left.")] = None
    over: Annotated[_Axis, Field(description="Median and quartiles over this axis; by default the data seed.")] = None
    include: Annotated[
        Inclusion, Field(description="Which runs enter; `steps`, and what else is of no limit, is of all.")
    ] = Inclusion.CONVERGED

    points: Annotated[
        Annotated[int, Field(ge=2, le=MOST_WHOLE), InDigits] | None,
        Field(description="Most values of x: the first, the last, and others evenly between them."),
    ] = None

    def of(self, family: Curves) -> Curves:
        """So much of the curves as is asked for."""
        return family if self.points is None else fewer_points(family, self.points)

    def question(self, grid: Grid, summaries: Sequence[Summary | None]) -> CurveQuestion:
        """The question in full; `summaries` are those of the grid's runs.

        Raises:
            InvalidQuery: a parameter is none of these or no number, or no axis is left to draw against.
        """
        where = dict(self._where())
        try:
            return CurveQuestion.of(
                grid,
                summaries,
                x=self.x,
                y=self.y,
                series=self.series,
                over=self.over,
                where=where,
                include=self.include,
            )
        except NoAxisLeft as error:
            raise _wrong("x", error.message) from None

    def _where(self) -> Iterator[tuple[str, float]]:
        for name, value in (self.model_extra or {}).items():
            if not (isinstance(value, str) and _NUMBER.fullmatch(value)):
                raise _wrong(name, "a number is wanted")
            yield name.removeprefix(self.PREFIX), float(value)


class FormedCurveQuery(CurveQuery):
    """The same at the address that has every format."""

    format: Annotated[Literal[Format.JSON, Format.CSV, Format.NDJSON] | None, Field(description=NAMED)] = None


def _wrong(parameter: str, detail: str) -> InvalidQuery:
    violation = Violation(parameter=escaped(parameter), detail=detail)
    return InvalidQuery("The query cannot be understood.", violations=(violation,))
