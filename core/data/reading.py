"""What a file was taken for when it was read: nothing is left out, changed or guessed without a word."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a file was understood; the sentences of `dropped`, `converted` and `guessed` are for people.

    `columns` are the features in the order of X, and `delimiter` and `decimal` names of characters, where it has any.
    """

    target: str | None = None
    columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    dropped: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()
