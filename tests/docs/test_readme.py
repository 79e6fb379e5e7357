"""The README points to what is there, and the reference is that of the code."""

import re
import subprocess
import sys
from pathlib import Path

from core.results.curves import COUNTS
from core.spec.experiment_spec import KINDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_leads_somewhere() -> None:
    """Files that the README points to are there."""
    links = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_tables_of_the_reference_are_those_of_the_code() -> None:
    """Every variable, axis, outcome, preset, figure and setting, as `make docs` writes them."""
    check = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


def test_pages_that_the_code_writes_are_those_of_the_code() -> None:
    """Commands, the client, fields of a spec, the list of decisions, as `make docs` writes them."""
    check = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_pages.py", "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


def test_every_count_of_a_curve_is_documented() -> None:
    """Each with what it counts."""
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert all(f"| `{count}` |" in reference for count in COUNTS)


def test_every_kind_of_a_spec_is_documented() -> None:
    """In a row of its own, the first of a part with the name of the part."""
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert set(KINDS) == {"data", "model", "initialization", "optimizer"}
    for part, (first, *others) in KINDS.items():
        rows = [f"| `{part}` | `{first}` |", *(f"| | `{kind}` |" for kind in others)]
        assert [row for row in rows if row not in reference] == []
