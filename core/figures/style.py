"""The looks of figures: letters, and colours that stay apart for colour-blind readers, in grey, and from the ground."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.colors import get_named_colors_mapping

from core.figures.fonts import families
from core.figures.layouts.options import Style

GROUND, INK, MUTED, GRID, RUG = (f"stepbias:{name}" for name in ("ground", "ink", "muted", "grid", "rug"))
BLUE, PURPLE, GREEN, VERMILION = (f"stepbias:{name}" for name in ("blue", "purple", "green", "vermilion"))
TRUTH: Final = "stepbias:truth"
"""Colours by what they are for: which ones they are is a matter of the style.

Blue, purple, green and vermilion are after Okabe and Ito, in lightnesses that stand 3 : 1 from the ground: every kind
of colour vision tells them apart; for lines without an order.
"""

_LIGHT: Final[Mapping[str, str]] = MappingProxyType(
    {
        GROUND: "#ffffff",
        INK: "#222222",
        MUTED: "#666666",
        GRID: "#e4e4e4",
        RUG: "#f6f6f6",
        BLUE: "#005a96",
        PURPLE: "#c06c9b",
        GREEN: "#008a64",
        VERMILION: "#d55e00",
        TRUTH: "#8a8a8a",
    }
)
_DARK: Final[Mapping[str, str]] = MappingProxyType(
    {
        GROUND: "#16191d",
        INK: "#f2f2f2",
        MUTED: "#b4b8bd",
        GRID: "#343a41",
        RUG: "#22272d",
        BLUE: "#4f9fdc",
        PURPLE: "#dd9fc4",
        GREEN: "#2fc094",
        VERMILION: "#ff8a3d",
        TRUTH: "#7d838a",
    }
)
COLOURS: Final = {Style.PAPER: _LIGHT, Style.SLIDE: _LIGHT, Style.DARK: _DARK}

LETTERS: Final = {Style.PAPER: 1.0, Style.SLIDE: 1.35, Style.DARK: 1.0}
"""How large letters and lines are, as a multiple of those on paper."""

LETTER_SIZE: Final = 9.0
"""Of most letters on paper, in points."""

_ORDERED: Final = {
    Style.PAPER: ("plasma", 0.0, 0.6),
    Style.SLIDE: ("plasma", 0.0, 0.6),
    Style.DARK: ("plasma", 1.0, 0.5),
}
"""The part of a colour map for lines in order, from the last one: all of it stands 3 : 1 from the ground."""

_RELATIVE: Final = {
    "font.size": LETTER_SIZE,
    "axes.labelsize": 10.0,
    "axes.titlesize": 10.0,
    "axes.linewidth": 0.8,
    "grid.linewidth": 0.7,
    "xtick.minor.size": 2.0,
    "ytick.minor.size": 2.0,
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "legend.fontsize": 9.0,
}
"""What grows with the letters, as it is on paper; lines and markers do so when they are drawn."""

SETTINGS: Final[dict[str, Any]] = {
    # DejaVu comes with Matplotlib, so that a figure has the same bytes on every machine; others have what it lacks.
    "font.family": families(),
    "mathtext.default": "regular",
    "text.color": INK,
    "figure.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.2,
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "figure.dpi": 100,
    "svg.fonttype": "none",
    "svg.hashsalt": "stepbias",
    "pdf.fonttype": 42,
}

BASELINE: Final[Mapping[str, Any]] = {"color": INK, "linestyle": (0, (5, 3)), "linewidth": 1.1, "zorder": 1.5}
FLOW: Final[Mapping[str, Any]] = {"color": INK, "linestyle": (0, (1, 1.6)), "linewidth": 1.5, "zorder": 2.5}
KERNEL: Final[Mapping[str, Any]] = {"color": INK, "linestyle": (0, (7, 2, 1, 2)), "linewidth": 1.2, "zorder": 1.6}

THRESHOLD: Final[Mapping[str, Any]] = {
    "color": VERMILION,
    "linestyle": (0, (6, 1.5, 1, 1.5)),
    "linewidth": 1.4,
    "zorder": 2.8,
}
"""2/η, the largest sharpness at which gradient descent is stable, wherever it is drawn."""

LARGEST_STEP: Final[Mapping[str, Any]] = {"color": MUTED, "linestyle": (0, (1, 2)), "linewidth": 1.3, "zorder": 1.2}
"""The upright line at η*, the largest stable step size."""

BAND: Final[Mapping[str, Any]] = {"alpha": 0.18, "linewidth": 0}
"""The quartiles around a median; its colour is that of the line."""


_STYLE: Final[ContextVar[Style]] = ContextVar("style", default=Style.PAPER)


def _name_colours(colours: Mapping[str, str]) -> None:
    """Have Matplotlib know the colours by what they are for, one by one: it forgets what it has made of each."""
    for name, colour in colours.items():
        get_named_colors_mapping()[name] = colour


_name_colours(_LIGHT)


@contextmanager
def style(name: str = Style.PAPER, letters: float = 1.0) -> Iterator[None]:
    """Draw in this style, whatever the machine's own settings say, with letters so many times as large as on paper."""
    chosen = _STYLE.set(Style(name))
    with mpl.rc_context():
        mpl.rcdefaults()
        for key, value in {**SETTINGS, **{key: size * letters for key, size in _RELATIVE.items()}}.items():
            mpl.rcParams[key] = value  # type: ignore[index]  # the stub lists every key as a literal type
        _name_colours(COLOURS[Style(name)])
        try:
            yield
        finally:
            _STYLE.reset(chosen)
            _name_colours(COLOURS[_STYLE.get()])


def letter_scale() -> float:
    """How large letters are in the style that is being drawn in, as a multiple of those on paper."""
    return float(mpl.rcParams["font.size"]) / LETTER_SIZE


def ordered_colours(count: int) -> list[str]:
    """Colours for `count` values in order: the last one stands out most from the ground."""
    map_name, last, first = _ORDERED[_STYLE.get()]
    colours = mpl.colormaps[map_name](np.linspace(first, last, count) if count > 1 else [last])
    return [str(mpl.colors.to_hex(colour)) for colour in colours]
