"""`stepbias status`, `spec`, `curves`, `figure`, `analyse`, and `list --json`."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from stepbias import Client, ExperimentHandle
from stepbias.cli import reading
from stepbias.cli.main import app
from stepbias.cli.options import Service
from stepbias.cli.own_data import advised_spec
from tests.stepbias.client.living_service import LivingService, living_service, small_spec
from tests.stepbias.client.stub import experiment


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file, at work."""
    with living_service() as service, service.at_work():
        yield service


@pytest.fixture(scope="module")
def done(service: LivingService) -> Iterator[ExperimentHandle]:
    """An experiment of it that has succeeded."""
    with Client(service.url) as client:
        yield client.submit(small_spec(name="read")).wait(timeout=60)


def run(service: LivingService, *words: Any) -> Result:
    """The end of a command."""
    return CliRunner().invoke(app, [*map(str, words), "--url", service.url])


def test_status_is_told_in_lines_or_as_it_is_sent(service: LivingService, done: ExperimentHandle) -> None:
    """By a part of the id."""
    told = run(service, "status", done.id[:8])
    assert told.exit_code == 0
    assert told.stdout.splitlines()[:2] == [f"{done.id}  read", "succeeded: 6 of 6 runs"]
    assert json.loads(run(service, "status", done.id, "--json").stdout) == json.loads(done.read())


def test_where_it_waits_and_why_it_failed_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the service says so."""
    queue = {"position": 3, "experiments_ahead": 2, "seconds_ahead": 12.5}
    document = experiment("queued", queue=queue, error="no steps left", outcomes={})
    known = ExperimentHandle.from_document(None, document)  # type: ignore[arg-type]

    class Known:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is open."""

        def experiment(self, _id: str) -> ExperimentHandle:
            return known

    monkeypatch.setattr(reading, "connected", lambda _service: Known())
    reading.status("e1", service=Service(), where=(), as_json=False)
    told = capsys.readouterr().out
    assert "waits in place 3, behind 2 others and about 12.5 s of work" in told
    assert "no steps left" in told


def test_a_spec_can_be_submitted_again(service: LivingService, done: ExperimentHandle, tmp_path: Path) -> None:
    """It is that of the same experiment."""
    (tmp_path / "spec.json").write_text(run(service, "spec", done.id).stdout)
    assert run(service, "submit", tmp_path / "spec.json").stdout.strip() == done.id


def test_curves_are_those_that_are_asked_for(service: LivingService, done: ExperimentHandle) -> None:
    """As the client has them, in JSON and CSV."""
    asked = {"x": "init_scale", "y": "train_loss", "include": "all"}
    words = [word for name, value in asked.items() for word in (f"--{name}", value)]
    assert json.loads(run(service, "curves", done.id, *words).stdout) == done.curves(**asked)
    rows = list(csv.DictReader(run(service, "curves", done.id, *words, "--csv").stdout.splitlines()))
    assert {row["kind"] for row in rows} >= {"curve"}
    refused = run(service, "curves", done.id, "--where", "no_axis=1")
    assert refused.exit_code == 1
    assert "where: where fixes axes" in refused.stderr


def test_a_figure_is_a_file(service: LivingService, done: ExperimentHandle, tmp_path: Path) -> None:
    """Without a name, those that there are."""
    assert run(service, "figure", done.id).stdout.split() == done.figures()
    drawn = run(service, "figure", done.id, "risk", "--format", "svg", "--out", tmp_path)
    assert drawn.stdout.strip() == str(tmp_path / "risk.svg")
    assert (tmp_path / "risk.svg").read_bytes() == done.figure("risk", "svg")


def test_a_figure_is_drawn_as_it_is_asked_for(service: LivingService, done: ExperimentHandle, tmp_path: Path) -> None:
    """Into a file of its own, in a style, a size and a part of the experiment, with its numbers beside it."""
    file = tmp_path / "mine.png"
    asked = ("--style", "dark", "--size", "4x3", "--dpi", 100, "--data", "-o", file)
    drawn = run(service, "figure", done.id, "risk", *asked)
    assert drawn.stdout.split() == [str(file), str(tmp_path / "mine.csv")]
    figure = done.figure("risk", style="dark", size="4x3", dpi=100)
    assert file.read_bytes() == figure
    assert (tmp_path / "mine.csv").read_text() == figure.csv
    named = run(service, "figure", done.id, "risk", "--data", "-o", tmp_path / "NUMBERS.CSV")
    assert set(named.stdout.split()) == {str(tmp_path / "NUMBERS.CSV"), str(tmp_path / "NUMBERS.csv")}
    assert (tmp_path / "NUMBERS.CSV").read_text() == figure.csv
    assert run(service, "figure", done.id, "risk", "--data", "-o", tmp_path / "twice.csv").stdout.split() == [
        str(tmp_path / "twice.csv")
    ]
    for form, text in (("csv", figure.csv), ("txt", f"{figure.alt}\n")):
        assert run(service, "figure", done.id, "risk", "-o", tmp_path / f"its.{form}").exit_code == 0
        assert (tmp_path / f"its.{form}").read_text() == text
    refused = run(service, "figure", done.id, "risk", "--size", "4x3", "--dpi", 5000, "-o", file)
    assert refused.exit_code != 0


def test_data_are_analysed_in_words(service: LivingService, tmp_path: Path) -> None:
    """Or as the service's own document; a transform is of the data that are asked about."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", X=rng.normal(2.0, 1.0, (5, 9)), y=rng.normal(size=5))
    page = run(service, "analyse", tmp_path / "data.npz").stdout
    assert "N = 5 samples in d = 9 columns, rank 5: some predictor fits them exactly" in page
    found = json.loads(run(service, "analyse", tmp_path / "data.npz", "--json").stdout)
    assert f"at the flattest interpolator (η*) up to η = {found['max_stable_step']:.3g}" in " ".join(page.split())
    assert found["regime"] in page
    assert all(sentence in page for sentence in found["advice"]["sentences"])
    centred = run(
        service, "analyse", tmp_path / "data.npz", "--json", "--transform-X", "centre", "--transform-y", "centre"
    )
    assert json.loads(centred.stdout)["rank"] == 4


def test_what_is_advised_is_trained(service: LivingService, tmp_path: Path) -> None:
    """By one command from a file to its figure; stdout has the files alone, or the same as JSON."""
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "mine.npz", X=rng.normal(2.0, 1.0, (3, 5)), y=rng.normal(size=3))
    trained = run(service, "analyse", tmp_path / "mine.npz", "--train", tmp_path / "out")
    assert trained.exit_code == 0, trained.stderr
    assert {Path(line).parent for line in trained.stdout.splitlines()} == {tmp_path / "out"}
    assert (tmp_path / "out" / "risk.png").read_bytes().startswith(b"\x89PNG")
    assert "N = 3 samples in d = 5 columns" in trained.stderr
    spec = json.loads((tmp_path / "out" / "spec.json").read_text())
    assert (spec["name"], spec["data"]["kind"]) == ("mine", "dataset")
    again = run(service, "analyse", tmp_path / "mine.npz", "--train", tmp_path / "out", "--json")
    assert str(tmp_path / "out" / "risk.png") in json.loads(again.stdout)["files"]


@pytest.mark.parametrize(
    ("asked", "advised", "transform"),
    [
        ({}, {"X": "standardise", "y": "centre"}, {"X": "standardise", "y": "centre"}),
        ({"X": "centre"}, None, {"X": "centre"}),
    ],
)
def test_a_spec_follows_the_advice(
    asked: dict[str, str], advised: dict[str, str] | None, transform: dict[str, str]
) -> None:
    """In what was not asked for otherwise; without advice of step sizes, multiples of what is stable at the start."""
    found = {"advice": {"transform": advised, "step_size": None}, "init_scale": 0.1}
    spec = advised_spec("d", found, transform=asked, name="n")
    assert spec["data"]["transform"] == transform
    assert spec["optimizer"]["step_size"]["multiples_of"] == "start_stable_step"
    assert spec["initialization"]["scale"]["values"] == [0.03, 0.1, 0.3]


def test_a_list_is_for_programs_too(service: LivingService, done: ExperimentHandle) -> None:
    """As the service says it."""
    listed = json.loads(run(service, "list", "--json", "--name", "read").stdout)
    assert [each["id"] for each in listed] == [done.id]
    assert listed[0]["outcomes"] == dict(done.experiment.outcomes)
    assert json.loads(run(service, "list", "--json", "--name", "nobody").stdout) == []
