"""The page of result variables has each of them, once, with a unit that the page explains."""

import re
from pathlib import Path

from core.results.variables import VARIABLES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "variables.md").read_text(encoding="utf-8")

UNITS = {"1", "steps", "word", "[y]²", "[β]", "[y]²/[β]", "[θ]", "[λ]", "1/[λ]"}


def _rows() -> list[list[str]]:
    """The cells of every row that begins with a name."""
    rows = re.findall(r"^\| (`\w+` \|.*) \|$", PAGE, re.MULTILINE)
    return [re.split(r" \| | \||\| ", row.replace("\\|", "¦")) for row in rows]


def test_every_variable_is_there_once() -> None:
    """And no name that no run reports."""
    assert sorted(row[0].strip("`") for row in _rows()) == sorted(VARIABLES)


def test_every_variable_has_a_unit() -> None:
    """One of those that the data's units make; each of them is needed."""
    assert {row[2].strip() for row in _rows()} == UNITS
