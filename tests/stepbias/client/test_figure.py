"""Figures in scripts and notebooks."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from stepbias import Figure, StepbiasError, UnusableValue
from stepbias.figure import figure_query


def test_a_figure_is_its_bytes_and_does_not_print_them() -> None:
    """A file of another program takes it as it is."""
    figure = Figure(b"\x89PNG" + b"0" * 1000, name="risk", format="png")
    assert figure == b"\x89PNG" + b"0" * 1000
    assert repr(figure) == f"{figure}" == "<figure risk, png, 1004 bytes>"


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


CSV = "panel,series,x,y,lo,hi,value\n,η = 0.1,0.5,2.5,,,\n"


def test_words_and_numbers_are_read_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, and go with it to other processes; numbers come as a table of pandas where that is installed."""
    asked: list[str] = []

    def read(form: str) -> bytes:
        asked.append(form)
        return {"txt": "The risk falls.\n", "csv": CSV}[form].encode()

    figure = Figure(b"<svg/>", name="risk", format="svg", read=read)
    assert asked == []
    assert (figure.alt, figure.alt, figure.csv) == ("The risk falls.", "The risk falls.", CSV)
    assert asked == ["txt", "csv"]
    monkeypatch.setattr("stepbias.figure.find_spec", lambda _: None)
    twin = pickle.loads(pickle.dumps(figure))
    columns = {"panel": [""], "series": ["η = 0.1"], "x": [0.5], "y": [2.5]}
    assert twin.data == columns | {name: [None] for name in ("lo", "hi", "value")}
    assert twin.alt == "The risk falls."
    with pytest.raises(StepbiasError, match="ask the experiment"):
        _ = Figure(b"", name="risk", format="png").alt


def test_rows_of_a_figure_of_one_panel_are_grouped_by_it() -> None:
    """Its name is empty, and not missing: pandas leaves rows out whose key is missing. Numbers are read to the bit."""
    number = "0.37454011884736254"
    table = Figure(
        b"", name="risk", format="png", kept={"csv": f"panel,series,x,y,lo,hi,value\n,NA,{number},,,,\n"}
    ).data
    assert list(table.groupby(["panel", "series"]).groups) == [("", "NA")]
    assert table["x"].tolist() == [float(number)]
    assert table["y"].isna().all()


def test_what_is_no_pair_or_no_number_is_named() -> None:
    """As every value that cannot be sent, and before anything is."""
    assert figure_query((6, 4.5), (0.1, None), 3, {"depth": 2, "seed": range(2)}) == {
        "size": "6x4.5",
        "y_min": 0.1,
        "y_max": None,
        "runs": "3",
        "where.depth": "2.0",
        "where.seed": "0.0,1.0",
    }
    wrong: list[tuple[str, tuple[Any, ...]]] = [
        ("/size", (6, (None, None), (), {})),
        ("/size", ((6,), (None, None), (), {})),
        ("/y_range", (None, 5, (), {})),
        ("/where/depth", (None, (None, None), (), {"depth": "two"})),
    ]
    for pointer, given in wrong:
        with pytest.raises(UnusableValue, match="wanted") as refused:
            figure_query(*given)
        assert refused.value.pointer == pointer


def test_it_is_copied_and_sent_to_other_processes() -> None:
    """With its name and format."""
    figure = Figure(b"<svg/>", name="risk", format="svg")
    for twin in (copy.deepcopy(figure), pickle.loads(pickle.dumps(figure))):
        assert (twin, twin.name, twin.format) == (figure, "risk", "svg")
