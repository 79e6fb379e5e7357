"""How a figure is asked for: its look, its size, and which part of the experiment it shows."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from core.errors import InvalidChoice

FIGURE_VERSION: Final = 2
"""Of the drawings: a figure that looks otherwise than before has another key, so no old one is served in its place."""

NAMED_SIZES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"column": (3.5, 3.0), "page": (7.0, 4.8), "slide": (13.33, 7.5), "square": (6.0, 6.0)}
)
"""Width and height in inches: of a column and a page of an article, and of a slide."""

LEAST_SIDE, MOST_SIDE = 2.0, 30.0
LEAST_DPI, MOST_DPI = 40, 1200

MOST_DPI_UNSIZED: Final = 300
"""Without a size a figure is as large as its panels ask for, up to 280 square inches."""

MOST_PIXELS: Final = 30_000_000

MOST_RUNS: Final = 6

MOST_HEIGHT: Final = 1e100
"""Of an end of the y axis; on a logarithmic one the least is its inverse."""


class Style(StrEnum):
    """Looks: on white paper, with larger letters for a wall, and on a dark ground."""

    PAPER = "paper"
    SLIDE = "slide"
    DARK = "dark"


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureOptions:
    """What may be asked of a figure besides its name and format.

    `size` is width and height in inches, None for that which its panels ask for; `dpi` the dots per inch of a png file,
    None for the usual ones. `y_min` and `y_max` are ends of the y axis. `runs` are the indices of runs to follow,
    `where` the values of axes that are shown: none of an axis that is not named is left out.

    Raises:
        InvalidChoice: a number is out of its range, or the file would have too many pixels.
    """

    style: str = Style.PAPER
    size: tuple[float, float] | None = None
    dpi: int | None = None
    y_min: float | None = None
    y_max: float | None = None
    runs: tuple[int, ...] = ()
    where: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.style not in set(Style):
            raise InvalidChoice("style", list(Style), "figures have no such style")
        if self.size is not None and not all(LEAST_SIDE <= side <= MOST_SIDE for side in self.size):
            raise InvalidChoice(
                "size", NAMED_SIZES, f"each side of a figure is between {LEAST_SIDE:g} and {MOST_SIDE:g} inches"
            )
        self._require_pixels()
        ends = [end for end in (self.y_min, self.y_max) if end is not None]
        for name in ("y_min", "y_max"):
            if not abs(getattr(self, name) or 0.0) <= MOST_HEIGHT:
                raise InvalidChoice(name, (), f"an end of the y axis is of size at most {MOST_HEIGHT:g}")
        if ends != sorted(set(ends)):
            raise InvalidChoice("y_max", (), "y_min is below y_max")
        if len(self.runs) > MOST_RUNS or len(set(self.runs)) < len(self.runs):
            raise InvalidChoice("runs", (), f"at most {MOST_RUNS} runs are followed, each once")

    @property
    def text(self) -> str:
        """All that is asked for in one spelling; "" where that is nothing."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        usual = asdict(FigureOptions())
        asked = {name: value for name, value in given.items() if value != usual[name]}
        return json.dumps(asked, sort_keys=True) if asked else ""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `text` says."""
        asked: dict[str, Any] = json.loads(text) if text else {}
        for name in ("size", "runs"):
            asked |= {name: tuple(asked[name])} if name in asked else {}
        asked["where"] = {name: tuple(values) for name, values in asked.get("where", {}).items()}
        return cls(**asked)

    def _require_pixels(self) -> None:
        most = MOST_DPI if self.size is not None else MOST_DPI_UNSIZED
        if self.dpi is None:
            return
        if not LEAST_DPI <= self.dpi <= most:
            more = "" if self.size is not None else f"; with a size up to {MOST_DPI}"
            raise InvalidChoice("dpi", (), f"dots per inch are between {LEAST_DPI} and {most}{more}")
        if self.size is None:
            return
        width, height = (round(side * self.dpi) for side in self.size)
        if width * height > MOST_PIXELS:
            most = int(math.sqrt(MOST_PIXELS / (self.size[0] * self.size[1])))
            sentence = f"{width} × {height} pixels are more than {MOST_PIXELS:,}; at this size {most} dots per inch fit"
            raise InvalidChoice("dpi", (most,), sentence)
