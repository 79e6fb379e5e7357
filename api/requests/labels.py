"""Text that people are shown: what would hide in it, or reorder what stands around it, is refused."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from api.problems.request_errors import UnusableBody, Violation
from core.spec.experiment_spec import ExperimentSpec

REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Unicode's embeddings, overrides and isolates: they let a name read as another one. Letters of scripts that run from
right to left need none of them."""

LINES: Final = frozenset("\n\r\t")
"""What a text of several lines may have of the control characters."""

_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})


def flaw(text: str, *, allowed: frozenset[str] = frozenset()) -> str | None:
    """What is wrong with a text, by the first character at fault; None where nothing is."""
    for character in text:
        breaks = unicodedata.category(character) in _BREAKS and character not in allowed
        if breaks or character in REORDERING:
            kind = "a control character or line break" if breaks else "a character that reorders text"
            return f"U+{ord(character):04X} is {kind}, and not allowed here"
    return None


def plain(text: str) -> str:
    """The text, if it reads as what it is.

    Raises:
        ValueError: it does not.
    """
    if (detail := flaw(text)) is not None:
        raise ValueError(detail)
    return text


def require_plain_labels(spec: ExperimentSpec) -> None:
    """Return if name and tags read as what they are. Specs of before are read without this.

    Raises:
        UnusableBody: they do not; each with its place.
    """
    violations = tuple(_violations(spec))
    if violations:
        raise UnusableBody("The spec breaks the rules listed under errors.", violations=violations)


def _violations(spec: ExperimentSpec) -> Iterator[Violation]:
    places = {"/name": spec.name} | {f"/tags/{place}": tag for place, tag in enumerate(spec.tags)}
    for pointer, text in places.items():
        if (detail := flaw(text)) is not None:
            yield Violation(pointer=pointer, detail=detail)
    for place, tag in enumerate(spec.tags):
        if tag in spec.tags[:place]:
            yield Violation(pointer=f"/tags/{place}", detail="this tag stands there twice")
