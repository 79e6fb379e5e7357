"""One line of the report."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. A warning is what may be meant, or slows down; what is wrong loses work or does none."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found; `remedy` says what to type where it is not well."""

    level: Level = Level.OK
    subject: str
    text: str
    remedy: str | None = None


def fine(subject: str, text: str) -> Finding:
    """As it should be."""
    return Finding(subject=subject, text=text)


def doubtful(subject: str, text: str, remedy: str) -> Finding:
    """A warning."""
    return Finding(level=Level.WARNING, subject=subject, text=text, remedy=remedy)


def wrong(subject: str, text: str, remedy: str) -> Finding:
    """What does not work, or would lose what it was given."""
    return Finding(level=Level.WRONG, subject=subject, text=text, remedy=remedy)
