"""Pages: some rows, an opaque cursor to the next ones, and the same as a Link header."""

from collections import Counter
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.http.event_stream import LONGEST_WAIT_SECONDS
from api.i_json import escaped
from api.request_errors import InvalidQuery, Violation

MOST_ROWS: Final = 1000

REPEATABLE: Final = frozenset({"status", "tag", "drop", "keep", "one_hot"})
"""Parameters that may be given again; of any other one it would not be said which value counts."""


def _digits(given: Any) -> Any:
    if isinstance(given, str) and not (given.isascii() and given.isdecimal()):
        raise ValueError("a whole number in digits is wanted")
    return given


Limit = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=MOST_ROWS, description="Most rows of one page.")]
Cursor = Annotated[str | None, Field(max_length=200, description="`next_cursor` of the page before.")]


class NoQuery(BaseModel):
    """No query at all; a parameter that does not exist is refused, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WaitQuery(NoQuery):
    """How long an answer may wait for what is asked about."""

    wait: Annotated[
        int, Field(ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds to wait for the end of the experiment.")
    ] = 0


class PageQuery(NoQuery):
    """The query of a paged list."""

    limit: Limit = 100
    cursor: Cursor = None


class DatasetQuery(PageQuery):
    """The query of the list of data sets."""

    limit: Limit = 50
    name: Annotated[str | None, Field(max_length=200, description="Data sets of this name.")] = None


async def require_single_values(request: Request) -> None:
    """Return if no parameter of the query stands there twice that means one thing.

    Raises:
        InvalidQuery: one does.
    """
    counts = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [name for name, count in counts.items() if count > 1 and name not in REPEATABLE]
    if repeated:
        violations = tuple(Violation(parameter=escaped(name), detail="give it once") for name in repeated)
        raise InvalidQuery("A query parameter is given more than once.", violations=violations)


def window(query: PageQuery, total: int) -> tuple[range, str | None]:
    """The indices of the page that the query asks for out of 0 … total − 1, and the cursor of the next page.

    Raises:
        InvalidQuery: the cursor is none of ours.
    """
    text = query.cursor or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= total):
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
