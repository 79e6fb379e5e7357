"""Symbols with subscripts."""

import pytest

from core.figures.typeset import typeset


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("sharpness λ_max", r"sharpness λ$_{\mathregular{max}}$"),
        ("threshold 2/η_t of each run", r"threshold 2/η$_{\mathregular{t}}$ of each run"),
        ("least weighted ℓ_(2−2/D) norm", r"least weighted ℓ$_{\mathregular{2−2/D}}$ norm"),
        ("least ℓ1 norm", "least ℓ1 norm"),
        ("min_l1 and _x", "min_l1 and _x"),
    ],
)
def test_what_follows_a_symbol_and_a_dash_is_lowered(text: str, printed: str) -> None:
    """Once; words with dashes in them are no symbols."""
    assert typeset(text) == printed
    assert typeset(printed) == printed
