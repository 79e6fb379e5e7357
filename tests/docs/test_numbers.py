"""Every page with measured numbers says which command measures them anew, or when they were measured."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.test_named_places import PAGES, ROOT, exists

COMMANDS: Final = {
    "docs/performance.md": "make bench",
    "docs/reliability.md": "make faults",
    "docs/paper.md": "make figures",
    "docs/other-papers.md": "make figures",
    "docs/external-truth.md": "make external-truth",
    "docs/nasty-specs.md": "make nasty",
    "docs/mutants.md": "make mutants",
    "docs/how-to/your-own-data.md": "make real-data",
    "docs/science/completion.md": "python -m tests.completion_campaign.other_optimisers",
}
"""What measures the numbers of the pages that are full of them."""

_MEASURED = re.compile(r"\d[\d.,]*\s?(?:µs|ms|MB|GB|GFLOP/s|%)(?!\w)|\btook some\b")
_DATED = re.compile(r"\b20\d\d-[01]\d-[0-3]\d\b")
_COMMAND = re.compile(r"\bmake [a-z]+|\bpython -m tests")
_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

EXPLAINING = [
    page
    for page in PAGES
    if not {"decisions", "reference"} & set(page.parts) and page.name not in {"README.md", "map.md"}
]
"""Decisions are of their day, and what the code writes has no measurement in it."""


def _words(page: Path) -> str:
    return " ".join(page.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_of_measurements_names_the_command_that_makes_them(name: str) -> None:
    """And there is such a command."""
    program, _, what = COMMANDS[name].replace("python -m ", "python ").partition(" ")
    assert COMMANDS[name] in _words(ROOT / name)
    assert what in _TARGETS if program == "make" else exists(what)


def test_no_page_has_a_measured_number_of_unknown_origin() -> None:
    """A quantity with a unit of time, memory or share stands on a page with a command or a date."""
    measured = [page for page in EXPLAINING if _MEASURED.search(_words(page))]
    assert len(measured) > 5
    nameless = [page for page in measured if not (_DATED.search(_words(page)) or _COMMAND.search(_words(page)))]
    assert nameless == []
