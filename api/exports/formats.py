"""Which format of the results a request asks for: by its address, by `?format=`, or by what it accepts."""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from api.problems.request_errors import InvalidQuery, NothingHere, UnofferedFormat, Violation
from api.requests.paging import MOST_WHOLE, InDigits, QueryModel
from core.exports.format import MEDIA_TYPES, Format

NAMED: Final = "The same as the ending of an address of its own."
"""What is said of `?format=`."""

CURVES: Final = (Format.JSON, Format.CSV, Format.NDJSON)
"""Those of curves."""

ARRAYS: Final = (Format.JSON, Format.NPZ)
"""Those of arrays that are no table."""

TRAJECTORIES: Final = (*CURVES, Format.NPZ)
"""Those of what a run recorded."""

RESUMABLE: Final = frozenset({Format.NDJSON, Format.CSV})
"""Formats whose answers can be put one behind the other."""


class ResultsQuery(QueryModel):
    """The query of the results."""

    format: Annotated[Format | None, Field(description=NAMED)] = None
    after: Annotated[
        Annotated[int, Field(ge=0, le=MOST_WHOLE), InDigits] | None,
        Field(description="CSV and NDJSON: only runs with a larger index, and no line of names."),
    ] = None


class _Range(NamedTuple):
    """A media range of an Accept header: its weight, and how closely it names a type."""

    pattern: str
    weight: float

    def matches(self, media_type: str) -> bool:
        kind, _, subtype = self.pattern.partition("/")
        return kind in {"*", media_type.partition("/")[0]} and subtype in {"*", media_type.partition("/")[2]}

    @property
    def closeness(self) -> int:
        return -self.pattern.count("*")


def chosen_format(ending: str | None, query: ResultsQuery, accept: str | None) -> Format:
    """The format of the answer.

    Args:
        ending: of the address, None where it has none.
        query: of the address.
        accept: the Accept header (RFC 9110, section 12.5.1), None where there is none.

    Raises:
        NothingHere: the ending is none of ours.
        InvalidQuery: the query contradicts the ending, or does not suit the format.
        UnofferedFormat: the Accept header leaves nothing of what can be sent.
    """
    found = asked_format(tuple(Format), _named(ending, query.format), accept)
    if query.after is not None and found not in RESUMABLE:
        raise _wrong("after", f"{found} is sent whole: only {' and '.join(sorted(RESUMABLE))} go on after a run")
    return found


def asked_format(offered: Sequence[Format], asked: Format | None, accept: str | None) -> Format:
    """The format that is asked for, or else what `accepted_format` says.

    Raises:
        UnofferedFormat: the Accept header does not allow it.
    """
    return accepted_format(offered if asked is None else (asked,), accept)


def accepted_format(offered: Sequence[Format], accept: str | None) -> Format:
    """That of the offered formats which the Accept header prefers, the first of them where it does not matter.

    Raises:
        UnofferedFormat: it allows none of them.
    """
    ranges = _ranges(accept)
    found = max(offered, key=lambda each: _preference(each, ranges))
    if _preference(found, ranges)[0] == 0:
        raise UnofferedFormat(_refusal(offered))
    return found


def _named(ending: str | None, asked: Format | None) -> Format | None:
    if ending is None:
        return asked
    if ending not in MEDIA_TYPES:
        raise NothingHere(f"The formats of results are {', '.join(Format)}.")
    if asked not in {None, ending}:
        raise _wrong("format", "it is not the one that the address ends in: say it once")
    return Format(ending)


def _wrong(parameter: str, detail: str) -> InvalidQuery:
    return InvalidQuery("The query cannot be answered.", violations=(Violation(parameter=parameter, detail=detail),))


def _refusal(offered: Sequence[Format]) -> str:
    if len(offered) == 1:
        return f"{offered[0]} is asked for, and the Accept header does not allow its type {offered[0].media_type}."
    return (
        f"The Accept header allows none of the types that are here: {', '.join(each.media_type for each in offered)}."
    )


def _preference(form: Format, ranges: list[_Range]) -> tuple[float, int]:
    """Weight and place of the range that names the format most closely; zero where none does."""
    matching = [place for place, each in enumerate(ranges) if each.matches(form.media_type)]
    if not matching:
        return 0.0, 0
    place = max(matching, key=lambda each: ranges[each].closeness)
    return ranges[place].weight, -place


def _ranges(accept: str | None) -> list[_Range]:
    if accept is None or not accept.strip():
        return [_Range("*/*", 1.0)]
    return [_range(part) for part in accept.lower().split(",") if part.strip()]


def _range(text: str) -> _Range:
    pattern, *parameters = (part.strip() for part in text.split(";"))
    weights = [each.partition("=")[2].strip() for each in parameters if each.partition("=")[0].strip() == "q"]
    try:
        return _Range(pattern, min(max(float(weights[0]), 0.0), 1.0) if weights else 1.0)
    except ValueError:
        return _Range(pattern, 0.0)
