"""What the page on security claims is held by tests that there are."""

import re

from tests.docs.test_named_places import ROOT, exists

_ROW = re.compile(r"^\| (?!against|---)[^|]+\| [^|]+\| ([^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py:test_\w+)`")


def test_every_defence_names_a_test_of_it() -> None:
    """Each by its name, which a test of all pages holds to the tree."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = text.partition("## What is defended, and where")[2].partition("\n## ")[0]
    rows = _ROW.findall(table)
    assert len(rows) > 20
    named = [_TEST.findall(row) for row in rows]
    assert all(named)
    assert [name for row in named for name in row if not exists(name)] == []
