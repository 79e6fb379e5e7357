"""Letters that can be drawn."""

from core.figures import fonts
from core.figures.draw import picture
from core.figures.fonts import in_drawable_letters
from core.figures.layouts.catalogue import FIGURES
from tests.core.drawn import words
from tests.core.made_up import results_of
from tests.core.specs import every_figure


def test_letters_of_the_main_font_stay_as_they_are() -> None:
    """Latin, Greek, Cyrillic and the signs of formulas."""
    text = "größe Ω Ёлка ‖β‖₁ ≤ η*"
    assert in_drawable_letters(text) == (text, False)


def test_letters_that_no_font_has_are_spelled_and_a_figure_says_so() -> None:
    """Never an empty box without a word; the words that stand for the figure have them as they are."""
    lost = next(letter for letter in "\U0001f389\U00012000" if ord(letter) not in fonts._drawable())
    spelled = f"‹U+{ord(lost):04X}›"
    assert in_drawable_letters(f"a{lost}b") == (f"a{spelled}b", True)
    drawn = picture(FIGURES["risk"], results_of(every_figure(), name=f"a{lost}b"))
    assert {f"a{spelled}b", "letters of its name that no font here has are written as ‹U+…›"} <= set(
        words(drawn.figure)
    )
    assert f"Experiment: a{lost}b." in drawn.alt


def test_a_long_name_is_shortened_in_its_middle() -> None:
    """Both ends tell names apart."""
    drawn = picture(FIGURES["risk"], results_of(every_figure(), name="first " + "word " * 100 + "last"))
    (name,) = (text for text in words(drawn.figure) if "word" in text)
    assert name.startswith("first")
    assert name.endswith("last")
    assert "…" in name
