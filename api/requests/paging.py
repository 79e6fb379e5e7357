"""Pages: some rows, an opaque cursor to the next ones, and the same as a Link header."""

from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.http.event_stream import LONGEST_WAIT_SECONDS
from api.problems.request_errors import InvalidQuery, Violation

MOST_ROWS: Final = 1000


MOST_WHOLE: Final = 2**53 - 1
"""The largest number that every reader of JSON can hold."""


def _digits(given: Any) -> Any:
    if isinstance(given, str) and not (given.isascii() and given.isdecimal()):
        raise ValueError("a whole number in digits is wanted")
    return given


InDigits: Final = BeforeValidator(_digits)
"""Behind the limits of a whole number in a query: it has one spelling, without signs, spaces and underscores."""

Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Most rows of one page."), InDigits]
_CURSOR: Final = "`next_cursor` of the page before."
Cursor = Annotated[
    str | None, Field(max_length=200, description=_CURSOR, json_schema_extra={"pattern": "^[A-Za-z0-9_-]{1,40}$"})
]
"""Of a list to which something may be added before the next page is asked for."""

Place = Annotated[
    str | None, Field(max_length=200, description=_CURSOR, json_schema_extra={"pattern": "^(0|[1-9][0-9]{0,10})$"})
]
"""Of a list whose entries keep their numbers."""


class QueryModel(BaseModel):
    """The query of a route; parameters that it does not have are refused by `api.http.query`."""

    model_config = ConfigDict(frozen=True)


class WaitQuery(QueryModel):
    """How long an answer may wait for what is asked about."""

    wait: Annotated[
        int,
        Field(ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds to wait for the end of the experiment."),
        InDigits,
    ] = 0


class PageQuery(QueryModel):
    """The query of a paged list."""

    limit: Limit = 100
    cursor: Place = None


class DatasetQuery(PageQuery):
    """The query of the list of data sets."""

    limit: Limit = 50
    cursor: Cursor = None
    name: Annotated[str | None, Field(max_length=200, description="Data sets of this name.")] = None


def window(query: PageQuery, total: int) -> tuple[range, str | None]:
    """The indices of the page that the query asks for out of 0 … total − 1, and the cursor of the next page.

    Raises:
        InvalidQuery: the cursor is none of ours.
    """
    text = "0" if query.cursor is None else query.cursor
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and str(int(text)) == text and int(text) <= total):
        violation = Violation(parameter="cursor", detail="use the next_cursor of the page before")
        raise InvalidQuery("The cursor is not one that was given out.", violations=(violation,))
    start = int(text)
    stop = min(start + query.limit, total)
    return range(start, stop), str(stop) if stop < total else None


def link_header(request: Request, cursor: str | None) -> dict[str, str]:
    """The header that leads to the next page (RFC 8288); the path alone, for a proxy may have changed the host."""
    if cursor is None:
        return {}
    query = [pair for pair in parse_qsl(request.url.query) if pair[0] != "cursor"] + [("cursor", cursor)]
    return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}
