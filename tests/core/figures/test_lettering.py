"""How texts are broken into lines."""

from hypothesis import given
from hypothesis import strategies as st

from core.figures.lettering import broken, broken_at_commas

WORDS = st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=8), min_size=1, max_size=20)


@given(WORDS, st.integers(8, 40))
def test_no_line_is_longer_than_asked_and_no_word_is_lost(words: list[str], letters: int) -> None:
    """As long as the words themselves are short enough."""
    lines = broken(" ".join(words), letters)
    assert all(len(line) <= letters for line in lines)
    assert " ".join(lines).split() == words


def test_a_symbol_and_its_value_stay_together() -> None:
    """And so does a number before η*."""
    assert broken("the scale α = 0.1", 12) == ["the scale", "α = 0.1"]
    assert broken("step size 0.5 η*", 13) == ["step size", "0.5 η*"]


def test_a_text_is_broken_at_its_commas_first() -> None:
    """Unless a piece is longer than half a line."""
    assert broken("one two, three four, five six", 26) == ["one two, three four, five", "six"]
    assert broken_at_commas("one two, three four, five six", 26) == ["one two, three four,", "five six"]
    assert broken_at_commas("one two, three four five six", 16) == ["one two, three", "four five six"]
