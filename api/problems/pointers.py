"""Where the errors of a document are, and how many of them are told."""

from typing import Final

MOST_VIOLATIONS: Final = 100
"""Most errors that are listed in one answer; no more than one beyond them is looked for."""


def escaped(name: str) -> str:
    """A member's name as a token of a JSON Pointer (RFC 6901), cut where it is longer than any name we know."""
    shown = name.encode("utf-8", "replace").decode()[:100]
    return shown.replace("~", "~0").replace("/", "~1")
