"""The decisions are numbered."""

import re
from pathlib import Path

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"


def test_decisions_are_numbered_once_and_say_their_number() -> None:
    """From 1 on without a gap, in the name of the file as in its first line."""
    numbers = []
    for file in sorted(DECISIONS.glob("[0-9]*.md")):
        said = re.match(r"# (\d+)\. ", file.read_text(encoding="utf-8"))
        assert said is not None, file.name
        assert int(said[1]) == int(file.name[:4])
        numbers.append(int(said[1]))
    assert numbers == list(range(1, len(numbers) + 1))
