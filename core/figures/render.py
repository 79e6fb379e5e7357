"""A figure as the bytes of a file. Equal figures give equal bytes, so that they can be cached and compared."""

import io
import warnings
from enum import StrEnum
from typing import Any, Final
from xml.sax.saxutils import escape

from matplotlib.figure import Figure

from core.errors import InvalidChoice
from core.figures.layouts.options import Style
from core.figures.style import style as drawn_in

USUAL_DPI: Final = 160
"""Dots per inch of a png file where nothing else is asked for."""


class Format(StrEnum):
    """The file formats of figures."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


def render(  # noqa: PLR0913 - all but the figure and its format have a usual value
    figure: Figure,
    form: str,
    *,
    title: str = "",
    alt: str = "",
    style: str = Style.PAPER,
    letters: float = 1.0,
    dpi: int | None = None,
) -> bytes:
    """The figure as a file of this format, with its title and the text that stands for it; as it was drawn.

    Raises:
        InvalidChoice: there is no such format.
    """
    if form not in set(Format):
        raise InvalidChoice("format", [str(known) for known in Format], "figures have no such format")
    file = io.BytesIO()
    with drawn_in(style, letters), warnings.catch_warnings():
        # Of the words of a figure only those of a user may have letters without a font, and they are spelled out.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format=form, metadata=_metadata(Format(form), title, alt), dpi=dpi or USUAL_DPI)
    return _described(file.getvalue(), title, alt) if form == Format.SVG else file.getvalue()


def _metadata(form: Format, title: str, alt: str) -> dict[str, Any]:
    """Title and description where the format has a place for them; the time of drawing is left out."""
    match form:
        case Format.PNG:
            return {name: text for name, text in (("Title", title), ("Description", alt)) if text}
        case Format.SVG:
            return {"Date": None}
        case Format.PDF:
            return {"CreationDate": None, "Title": title or None, "Subject": alt or None}


def _described(content: bytes, title: str, alt: str) -> bytes:
    """The SVG file with its title and description as the first two elements, where readers of screens look for them."""
    if not title:
        return content
    head, bracket, rest = content.partition(b"<svg")
    attributes, end, inner = rest.partition(b">")
    words = f"\n <title>{escape(title)}</title>\n <desc>{escape(alt)}</desc>".encode()
    return head + bracket + b' role="img"' + attributes + end + words + inner
