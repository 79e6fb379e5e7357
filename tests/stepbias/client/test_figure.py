"""Figures in scripts and notebooks."""

import copy
import pickle
from pathlib import Path

import pytest

from stepbias import Figure


def test_a_figure_is_its_bytes_and_does_not_print_them() -> None:
    """A file of another program takes it as it is."""
    figure = Figure(b"\x89PNG" + b"0" * 1000, name="risk", format="png")
    assert figure == b"\x89PNG" + b"0" * 1000
    assert repr(figure) == "<figure risk, png, 1004 bytes>"


def test_a_notebook_shows_it_in_its_own_format() -> None:
    """A pdf file it cannot show."""
    png, svg = Figure(b"\x89PNG", name="risk", format="png"), Figure(b"<svg/>", name="risk", format="svg")
    assert (png._repr_png_(), png._repr_svg_()) == (b"\x89PNG", None)
    assert (svg._repr_png_(), svg._repr_svg_()) == (None, "<svg/>")


@pytest.mark.parametrize(("given", "file"), [("", "risk.svg"), ("mine.svg", "mine.svg")])
def test_it_saves_itself(given: str, file: str, tmp_path: Path) -> None:
    """Under its own name where a directory is given."""
    figure = Figure(b"<svg/>", name="risk", format="svg")
    assert figure.save(tmp_path / given) == tmp_path / file
    assert (tmp_path / file).read_bytes() == b"<svg/>"


def test_it_is_copied_and_sent_to_other_processes() -> None:
    """With its name and format."""
    figure = Figure(b"<svg/>", name="risk", format="svg")
    for twin in (copy.deepcopy(figure), pickle.loads(pickle.dumps(figure))):
        assert (twin, twin.name, twin.format) == (figure, "risk", "svg")
