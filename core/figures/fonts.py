"""Which letters can be drawn: by the font of all figures, and by others that this machine has for what it lacks."""

from functools import lru_cache
from typing import Final

from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

MAIN: Final = "DejaVu Sans"
"""It comes with Matplotlib."""

FALLBACKS: Final = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "IPAGothic",
    "IPAexGothic",
    "PingFang SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Arial Unicode MS",
    "Noto Sans",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Emoji",
    "Symbola",
    "Unifont",
)
"""Fonts with letters that it lacks, in this order."""


@lru_cache(1)
def families() -> list[str]:
    """The main font, and of the others those that this machine has."""
    here = {font.name for font in fontManager.ttflist}
    return [MAIN, *(name for name in FALLBACKS if name in here)]


@lru_cache(1)
def _drawable() -> frozenset[int]:
    """The code points that some of these fonts have."""
    fonts = [FT2Font(findfont(FontProperties(family=name))) for name in families()]
    return frozenset().union(*(font.get_charmap() for font in fonts))


def in_drawable_letters(text: str) -> tuple[str, bool]:
    """The text with ‹U+5B66› in place of each letter that no font has, and whether there was one."""
    spelled = "".join(letter if ord(letter) in _drawable() else f"‹U+{ord(letter):04X}›" for letter in text)
    return spelled, spelled != text
