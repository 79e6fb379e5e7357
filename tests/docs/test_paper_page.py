"""The page of the paper's figures for LaTeX."""

import re

import pytest

from core.presets import PRESETS
from docs.make_paper_page import PAPER_FIGURES, Entry, in_latex, page


def _page() -> str:
    return page(
        [
            Entry(
                file=f"figure_{number}.pdf",
                title=PRESETS[name].title,
                description=PRESETS[name].description,
                finding="The test loss falls: 1.4 to 3·10⁻² at α = 1, √A ≤ 50 %",
            )
            for number, name in enumerate(PAPER_FIGURES, start=1)
        ]
    )


def test_seven_figures_are_set_with_the_captions_of_their_presets() -> None:
    """In order, each from its own file."""
    text = _page()
    assert re.findall(r"\\includegraphics\[[^]]*\]\{([^}]*)\}", text) == [f"figure_{k}.pdf" for k in range(1, 8)]
    for name in PAPER_FIGURES:
        assert in_latex(PRESETS[name].description) in text


def test_the_page_is_well_formed() -> None:
    """Every environment and every brace is closed, formulas are, and nothing but ASCII is left."""
    text = _page()
    assert text.isascii()
    open_environments: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert not open_environments
    bare = re.sub(r"\\[{}$%&#_\\]", "", text)
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    assert not re.search(r"[%&#~]", bare.replace(r"\textasciitilde", ""))
    assert not re.search(
        r"(?<![\\$^_{])[_^]", re.sub(r"\$[^$]*\$", "", bare.split(r"\begin{document}")[1]).replace("figure_", "")
    )


def test_every_preset_can_be_set() -> None:
    """None has a letter that LaTeX would lack, which is refused."""
    for known in PRESETS.values():
        assert in_latex(known.title + known.description).isascii()
    with pytest.raises(ValueError, match="no letter '学'"):
        in_latex("学")
