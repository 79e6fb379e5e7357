"""A figure with its words and its numbers, as files."""

import csv
import io
import re
import struct
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from core.errors import InvalidChoice
from core.figures.draw import picture
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.options import FIGURE_VERSION, FigureOptions
from core.figures.layouts.shown import part_of
from core.figures.picture import Picture
from tests.core.drawn import words
from tests.core.made_up import LARGEST_STEP, made_up_summary, results_of
from tests.core.specs import every_figure, fan, grid_of

SVG = "{http://www.w3.org/2000/svg}"


def _picture(name: str = "risk", **options: Any) -> Picture:
    return picture(FIGURES[name], results_of(every_figure(), name="größe & <more>"), FigureOptions(**options))


@pytest.mark.parametrize("name", FIGURES)
def test_an_svg_file_has_real_words_a_title_and_a_description(name: str) -> None:
    """First of all elements, where readers of screens look; the words of the figure can be found and copied."""
    drawn = _picture(name)
    root = ET.fromstring(drawn.file("svg"))
    assert root.get("role") == "img"
    assert [element.tag for element in list(root)[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert (root[0].text, root[1].text) == (drawn.title, drawn.alt)
    written = {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}
    assert {"größe & <more>"} <= written
    assert not list(root.iter(f"{SVG}glyph"))


@pytest.mark.parametrize("name", FIGURES)
def test_a_png_file_carries_its_description(name: str) -> None:
    """As the text chunk of that name (PNG, 11.3.4.3)."""
    drawn = _picture(name, dpi=50)
    chunks = _chunks(drawn.file("png"))
    texts = dict(_text(kind, content) for kind, content in chunks if kind in {b"tEXt", b"iTXt"})
    assert texts["Title"] == drawn.title
    assert texts["Description"] == drawn.alt


@pytest.mark.parametrize("name", FIGURES)
def test_the_words_that_stand_for_a_figure_have_its_numbers(name: str) -> None:
    """The title, what was run on what, whose experiment it is, and each line from where to where."""
    drawn = _picture(name)
    assert drawn.file("txt").decode() == drawn.alt + "\n"
    lines = drawn.alt.splitlines()
    assert lines[0] == f"{drawn.title}."
    assert "Experiment: größe & <more>." in lines
    numbered = [line for line in lines if re.search(r": -?\d.* (points|cells|at)|: \d[^ ]*\.$|cells, ", line)]
    assert numbered


@pytest.mark.parametrize("name", FIGURES)
def test_the_numbers_of_a_figure_are_a_table(name: str) -> None:
    """A row for each point: its panel and series, its place, quartiles where there are, and the value of a cell."""
    rows = list(csv.DictReader(io.StringIO(_picture(name).file("csv").decode())))
    assert rows
    assert list(rows[0]) == ["panel", "series", "x", "y", "lo", "hi", "value"]
    for row in rows:
        assert row["series"]
        numbers = [float(row[column]) for column in ("x", "y", "lo", "hi", "value") if row[column]]
        assert row["x"]
        assert np.isfinite(numbers).all()


def test_quartiles_are_among_the_numbers() -> None:
    """Around each median over seeds."""
    drawn = picture(FIGURES["risk"], results_of(fan()), FigureOptions())
    rows = [row for row in csv.DictReader(io.StringIO(drawn.file("csv").decode())) if row["series"] == "η = 0.001"]
    assert len(rows) == 3
    for row in rows:
        assert float(row["lo"]) < float(row["y"]) < float(row["hi"])


def test_a_size_and_dots_per_inch_are_kept_to() -> None:
    """In pixels of a png file and points of the others."""
    drawn = _picture(size=(6.0, 4.0), dpi=120)
    assert struct.unpack(">II", drawn.file("png")[16:24]) == (720, 480)
    root = ET.fromstring(drawn.file("svg"))
    assert (root.get("width"), root.get("height")) == ("432pt", "288pt")
    assert b"/MediaBox [ 0 0 432 288 ]" in drawn.file("pdf")


def test_the_ends_of_the_y_axis_are_those_that_are_asked_for() -> None:
    """Of the first quantity of a figure; the other end stays as it is."""
    for name in ("risk", "stability", "trajectory", "predictor"):
        usual, other = (_picture(name, **ends).figure.axes[0].get_ylim() for ends in ({}, {"y_min": 0.25}))
        assert other == (0.25, usual[1])
    both = _picture("risk", y_min=0.1, y_max=3.0).figure.axes
    assert {panel.get_ylim() for panel in both} == {(0.1, 3.0)}
    below = _picture("trajectory", y_min=0.25).figure.axes[2:]
    assert 0.25 not in {panel.get_ylim()[0] for panel in below}


@pytest.mark.parametrize("name", ["risk", "trajectory", "predictor"])
def test_an_end_of_y_beyond_what_is_there_is_kept_and_what_it_hides_is_said(name: str) -> None:
    """The other end moves with it; a picture without its points says that they are elsewhere."""
    sheet = _picture(name, y_min=1e6)
    assert sheet.figure.axes[0].get_ylim()[0] == 1e6 < sheet.figure.axes[0].get_ylim()[1]
    count = sum(one.is_result and not one.is_strip for one in sheet.data)
    assert count
    (said,) = [line for line in sheet.alt.splitlines() if "beyond the ends of the y axis" in line]
    hidden, shown = re.findall(r"\d+", said)
    assert 0 < int(hidden) == int(shown)
    below = _picture(name, y_max=1e-7).figure.axes[0].get_ylim()
    assert below[0] < below[1] == 1e-7
    assert "beyond" not in _picture(name, y_max=1e9).alt


def test_the_ends_of_y_are_those_of_the_axis_above_the_strip() -> None:
    """Crosses in the strip have no height: the least number that is asked for stands above them."""
    grid = grid_of(
        initialization={"scale": {"values": [0.1, 1.0]}}, optimizer={"step_size": {"values": [0.004, 2 * LARGEST_STEP]}}
    )
    panel = picture(FIGURES["risk"], results_of(grid), FigureOptions(y_min=1.0, y_max=10.0)).figure.axes[0]
    (strip,) = [patch for patch in panel.patches if isinstance(patch, Rectangle)]
    top = panel.transData.inverted().transform(panel.transAxes.transform((0.0, strip.get_height())))[1]
    assert top == pytest.approx(1.0)
    assert panel.get_ylim()[0] < 1.0
    assert panel.get_yticks().min() == pytest.approx(1.0)


def test_a_whole_number_is_named_by_itself_alone() -> None:
    """Seed 1003 is no seed of an experiment that has 1000: another data set is not shown in its place."""
    grid = grid_of(data={"seed": {"values": [1000, 2000]}}, initialization={"scale": {"values": [0.123456, 1.0]}})
    assert part_of(grid, {"seed": (1000.0,), "init_scale": (0.1235,)})[1].tolist() == [0]
    for name, value in (("seed", 1000.4), ("seed", 1001.0), ("init_scale", 0.123)):
        with pytest.raises(InvalidChoice, match="no such value"):
            part_of(grid, {name: (value,)})


def test_a_part_of_an_experiment_is_drawn_as_if_it_were_all() -> None:
    """Its runs are those of the whole; what is shown of how much is said."""
    results = results_of(fan())
    part = picture(FIGURES["risk"], results, FigureOptions(where={"init_scale": (0.1, 1.0), "step_size": (0.004001,)}))
    assert "shown: 2 of the 3 values of initialisation scale α, 1 of the 2 values of step size η" in words(part.figure)
    whole = {
        (one.name, float(x)): y
        for one in picture(FIGURES["risk"], results).data
        for x, y in zip(one.x, one.y, strict=True)
    }
    (line,) = (one for one in part.data if one.name == "trained runs")
    assert line.x.tolist() == [0.1, 1.0]
    assert line.y.tolist() == [whole["η = 0.004", 0.1], whole["η = 0.004", 1.0]]


@pytest.mark.parametrize("name", ["trajectory", "predictor"])
def test_runs_that_are_asked_for_are_followed(name: str) -> None:
    """Each named by what tells it from the others."""
    drawn = _picture(name, runs=(5, 2))
    said = " ".join(one.panel + one.name for one in drawn.data)
    grid = every_figure()
    for index in (5, 2):
        assert f"α = {grid.coordinates(index)['init_scale']:g}" in said
    assert f"2 of {len(grid)} runs" in drawn.alt
    with pytest.raises(InvalidChoice, match="runs 0 to 15"):
        _picture(name, runs=(16,))


def test_options_have_one_spelling() -> None:
    """Which is part of a figure's key; nothing asked for is nothing said."""
    every = FigureOptions(
        style="dark", size=(6.0, 4.0), dpi=100, y_min=0.1, y_max=2.0, runs=(1, 2), where={"depth": (2.0, 3.0)}
    )
    assert FigureOptions.from_text(every.text) == every
    assert FigureOptions().text == ""
    assert FigureOptions.from_text("") == FigureOptions()
    assert FIGURE_VERSION > 1


def test_a_title_says_what_is_found_only_where_all_numbers_say_so() -> None:
    """One value that rises again, or a fall that is hardly one, and the title says what is drawn and no more."""
    grid = grid_of(
        initialization={"scale": {"values": [0.1, 1.0]}}, optimizer={"step_size": {"values": [0.001, 0.004, 0.007]}}
    )
    falling = [9.0, 4.0, 1.0, 9.0, 3.0, 0.5]
    for risks, title in (
        (falling, "The excess risk falls as the step size grows: 9 to 0.5 at α = 1"),
        ([9.0, 1.0, 4.0, *falling[3:]], "Excess risk against initialisation scale α, by step size η"),
        ([1.2, 1.1, 1.0] * 2, "Excess risk against initialisation scale α, by step size η"),
    ):
        summaries = [made_up_summary(run) | {"excess_risk": risk} for run, risk in zip(grid.runs(), risks, strict=True)]
        assert picture(FIGURES["risk"], results_of(grid, summaries)).title == title


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, place = [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        found.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def _text(kind: bytes, content: bytes) -> tuple[str, str]:
    keyword, _, rest = content.partition(b"\x00")
    if kind == b"iTXt":
        rest = rest[2:].split(b"\x00", 2)[2]
        return keyword.decode(), rest.decode()
    return keyword.decode(), rest.decode("latin-1")
