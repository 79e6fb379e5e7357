"""The page on shapes lists the axes that core has."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

_SHAPE = re.compile(r'\[np\.ndarray, "([^"\n]*)"\]')
_NAME = re.compile(r"[*#_]*([a-z]\w*)(?:[+-]\d+)?")
_ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def names(shape: str) -> set[str]:
    """The names in the annotation of a shape, without the signs that go with them."""
    return {name for axis in shape.split() if (found := _NAME.fullmatch(axis)) for name in found.groups()}


def test_every_axis_of_core_is_in_the_table_and_no_other() -> None:
    """Two words for one axis, or an axis that nobody explains, are found here."""
    sources = [module.read_text(encoding="utf-8") for module in ROOT.glob("core/**/*.py")]
    used = {name for source in sources for shape in _SHAPE.findall(source) for name in names(shape)}
    explained = _ROW.findall((ROOT / "docs" / "shapes.md").read_text(encoding="utf-8"))
    assert len(explained) == len(set(explained))
    assert used == set(explained)


def test_signs_are_no_part_of_a_name() -> None:
    """Fixed lengths and dots are no names."""
    assert names("2 *run #dim _record cell+1 ...") == {"run", "dim", "record", "cell"}
