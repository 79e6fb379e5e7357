"""How wide letters are, and where a text is broken into lines."""

from textwrap import wrap
from typing import Final

TITLE_LETTER: Final = 0.102
TEXT_LETTER: Final = 0.0665
"""The width of a letter of the title and of the lines below it, in inches, on average and a little more."""

DIGIT: Final = 0.075
"""The width of a digit beside an axis, in inches."""


def broken(text: str, letters: int) -> list[str]:
    """The text in lines of at most so many letters, not broken between a symbol and its value nor before η*."""
    glued = text.replace(" = ", "\u00a0=\u00a0").replace(" η*", "\u00a0η*")
    return [line.replace("\u00a0", " ") for line in wrap(glued, letters, break_on_hyphens=False)]


def broken_at_commas(text: str, letters: int) -> list[str]:
    """The same, with everything between two commas in one piece, unless that is longer than half a line."""
    pieces = text.split(", ")
    glued = ", ".join(piece.replace(" ", "\u00a0") if len(piece) <= letters // 2 else piece for piece in pieces)
    return broken(glued, letters)
