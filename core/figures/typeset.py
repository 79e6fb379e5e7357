"""Symbols with subscripts as they are printed: λ_max becomes a λ with a lowered max."""

import re
from typing import Final

from matplotlib.figure import Figure
from matplotlib.text import Text

_SUBSCRIPT: Final = re.compile(r"\b([^\W\d_]|σ²)_(\((?P<group>[^()]{1,40})\)|(?P<word>\w{1,40}))")


def typeset(text: str) -> str:
    """The text with each symbol that has a subscript as a formula, ready for Matplotlib."""
    if "$" in text:
        return text
    return _SUBSCRIPT.sub(_formula, text)


def typeset_figure(figure: Figure) -> None:
    """Do so with all words of a figure but those that are nobody's formula, such as a user's."""
    for text in figure.findobj(Text):
        if text.get_parse_math() and "_" in text.get_text():
            text.set_text(typeset(text.get_text()))


def _formula(found: re.Match[str]) -> str:
    lowered = found["group"] or found["word"]
    return rf"{found[1]}$_{{\mathregular{{{_in_formula(lowered)}}}}}$"


def _in_formula(text: str) -> str:
    return text.replace(" ", r"\ ").replace("ℓ", r"\ell ").replace("*", r"{}^*")
