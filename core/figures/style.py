"""The one style of all figures: fonts, sizes and colours that stay apart for colour-blind readers and in grey."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl

INK: Final = "#222222"
MUTED: Final = "#6b6b6b"
GRID: Final = "#e4e4e4"
RUG: Final = "#f2f2f2"

SETTINGS: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that a figure has the same bytes on every machine
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.minor.size": 2,
    "ytick.minor.size": 2,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.2,
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "svg.hashsalt": "stepbias",
    "pdf.fonttype": 42,
}

BASELINE: Final[Mapping[str, Any]] = {"color": INK, "linestyle": (0, (5, 3)), "linewidth": 1.1, "zorder": 1.5}
FLOW: Final[Mapping[str, Any]] = {"color": INK, "linestyle": (0, (1, 1.6)), "linewidth": 1.5, "zorder": 2.5}
KERNEL: Final[Mapping[str, Any]] = {"color": INK, "linestyle": (0, (7, 2, 1, 2)), "linewidth": 1.2, "zorder": 1.6}

BLUE: Final = "#0072b2"
LIGHT_BLUE: Final = "#56b4e9"
GREEN: Final = "#009e73"
VERMILION: Final = "#d55e00"
"""Four of the colours of Okabe and Ito, which every kind of colour vision tells apart; for lines without an order."""

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

DARKEST, LIGHTEST = 0.0, 0.84
"""The part of viridis that is used: beyond it yellow is lost on white paper."""


@contextmanager
def style() -> Iterator[None]:
    """Draw in this style, whatever the machine's own settings say."""
    with mpl.rc_context():
        mpl.rcdefaults()
        for key, value in SETTINGS.items():
            mpl.rcParams[key] = value  # type: ignore[index]  # the stub lists every key as a literal type
        yield


def ordered_colours(count: int) -> list[str]:
    """Colours for `count` values in order, light to dark: the last one stands out."""
    last = max(count - 1, 1)
    viridis = mpl.colormaps["viridis"]
    positions = [DARKEST + (LIGHTEST - DARKEST) * (1 - k / last) for k in range(count)]
    return [str(mpl.colors.to_hex(viridis(position if count > 1 else DARKEST))) for position in positions]
