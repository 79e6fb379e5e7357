"""Request bodies as I-JSON (RFC 7493): UTF-8, names once per object, no lone surrogates, numbers everybody can hold.

Everything later in the service may rely on that: no NaN, no number that overflows when squared, no string that UTF-8
cannot say. What breaks a rule is pointed at and never repeated.
"""

import json
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from api.problems.pointers import MOST_VIOLATIONS, escaped
from api.problems.request_errors import MalformedBody, UnusableBody, Violation

LARGEST_WHOLE: Final = 2**53 - 1
"""Largest whole number that survives in a double, the number type of JSON's other readers."""

LARGEST_REAL: Final = 1e100
"""Its square is still far from overflow; no step size or matrix entry comes near it."""

DEEPEST: Final = 64
"""Most levels of nesting; the deepest spec has six."""


class _Repeating(dict[str, Any]):
    """An object of which some name stood there twice."""


def read(body: bytes) -> Any:
    """The document that the body spells.

    Raises:
        MalformedBody: the body is not JSON in UTF-8.
        UnusableBody: it is JSON, but not I-JSON.
    """
    document = parsed(body)
    require_interoperable(document)
    return document


def parsed(body: bytes) -> Any:
    """The document that the body spells, before anybody may rely on it.

    Raises:
        MalformedBody: the body is not JSON in UTF-8.
    """
    return _parsed(_text(body))


def require_interoperable(document: Any) -> None:
    """Return if the document is I-JSON.

    Raises:
        UnusableBody: it is not.
    """
    # One more than is listed: what is wrong a million times is not found a million times.
    violations = tuple(islice(_violations(document, ""), MOST_VIOLATIONS + 1))
    if violations:
        raise UnusableBody("The body breaks the rules listed under errors.", violations=violations)


def _text(body: bytes) -> str:
    if not body.strip():
        raise MalformedBody("The body is empty; a JSON object is wanted.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: byte {error.start} does not belong there.") from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise MalformedBody(f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except ValueError:
        # Python reads whole numbers of up to 4300 digits.
        raise MalformedBody("The body has a number with thousands of digits.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Repeating(members)


def _violations(value: Any, pointer: str, depth: int = 0) -> Iterator[Violation]:
    if depth > DEEPEST:
        yield Violation(pointer=pointer, detail=f"nested deeper than {DEEPEST} levels")
    elif isinstance(value, dict):
        yield from _object_violations(value, pointer)
        for name, member in value.items():
            yield from _violations(member, f"{pointer}/{escaped(name)}", depth + 1)
    elif isinstance(value, list):
        # The common case, a matrix of numbers, is settled without a call for each.
        for index, item in enumerate(() if _are_numbers(value) else value):
            if not (type(item) is list and _are_numbers(item)):
                yield from _violations(item, f"{pointer}/{index}", depth + 1)
    elif (detail := _scalar_violation(value)) is not None:
        yield Violation(pointer=pointer, detail=detail)


def _are_numbers(items: list[Any]) -> bool:
    """Whether all are numbers that both kinds of number can be, at the speed of C; NaN makes the sum one."""
    if not items:
        return True
    if not set(map(type, items)) <= {int, float}:
        return False
    return min(items) >= -LARGEST_WHOLE and max(items) <= LARGEST_WHOLE and not math.isnan(sum(items))


def _object_violations(value: dict[str, Any], pointer: str) -> Iterator[Violation]:
    if isinstance(value, _Repeating):
        yield Violation(pointer=pointer, detail="a name stands twice in this object: keep one of the two")
    if any(_has_surrogate(name) for name in value):
        yield Violation(pointer=pointer, detail="a name in this object has half of a surrogate pair")


def _scalar_violation(value: Any) -> str | None:
    if isinstance(value, float) and not abs(value) <= LARGEST_REAL:
        return f"a finite number of size at most {LARGEST_REAL:g} is wanted"
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        return f"a whole number of size at most {LARGEST_WHOLE} is wanted"
    if isinstance(value, str) and _has_surrogate(value):
        return "half of a surrogate pair, which is no character"
    return None


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
