"""`stepbias status`, `spec`, `curves`, `figure`, `analyse`, and `list --json`."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from stepbias import Client, ExperimentHandle
from stepbias.cli import reading
from stepbias.cli.main import app
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

    monkeypatch.setattr(reading, "connected", lambda _url: Known())
    reading.status("e1", url="", as_json=False)
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


def test_a_list_is_for_programs_too(service: LivingService, done: ExperimentHandle) -> None:
    """With every field that the client has."""
    listed = json.loads(run(service, "list", "--json", "--name", "read").stdout)
    assert [each["id"] for each in listed] == [done.id]
    assert listed[0]["outcomes"] == dict(done.experiment.outcomes)
    assert json.loads(run(service, "list", "--json", "--name", "nobody").stdout) == []
