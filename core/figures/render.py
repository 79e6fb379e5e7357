"""A figure as the bytes of a file. Equal figures give equal bytes, so that they can be cached and compared."""

import io
import warnings
from enum import StrEnum
from typing import Any, Final

from matplotlib.figure import Figure

from core.errors import InvalidChoice
from core.figures.style import style


class Format(StrEnum):
    """The file formats of figures."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


# The time of drawing is left out.
_METADATA: Final[dict[Format, dict[str, Any]]] = {
    Format.PNG: {},
    Format.SVG: {"Date": None},
    Format.PDF: {"CreationDate": None},
}


def render(figure: Figure, form: str) -> bytes:
    """The figure as a file of this format.

    Raises:
        InvalidChoice: there is no such format.
    """
    if form not in set(Format):
        raise InvalidChoice("format", [str(known) for known in Format], "figures have no such format")
    file = io.BytesIO()
    with style(), warnings.catch_warnings():
        # A name may be in any script; letters that the font lacks are drawn as boxes, which is no fault of the figure.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format=form, metadata=_METADATA[Format(form)])
    return file.getvalue()
