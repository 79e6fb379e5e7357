"""`stepbias export`: runs handed to a tracker, by a stand-in of its library."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stepbias import Client
from stepbias.cli.main import app
from tests.stepbias.client.living_service import LivingService, living_service, small_spec

STAND_IN = Path(__file__).parents[2] / "examples" / "stand_ins" / "mlflow"


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file, at work."""
    with living_service() as service, service.at_work():
        yield service


@pytest.fixture(scope="module")
def done(service: LivingService) -> str:
    """The id of an experiment that has succeeded."""
    with Client(service.url) as client:
        return client.submit(small_spec(name="tracked")).wait(timeout=60).id


@pytest.fixture
def _with_mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(STAND_IN))
    known = {name: sys.modules.pop(name, None) for name in ("mlflow", "mlflow.entities")}
    yield
    for name, module in known.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def _export(service: LivingService, *words: Any) -> Result:
    return CliRunner().invoke(app, ["export", "mlflow", *map(str, words), "--url", service.url])


@pytest.mark.usefixtures("_with_mlflow")
def test_each_run_is_handed_over_once(service: LivingService, done: str, tmp_path: Path) -> None:
    """Its place on the axes and its words as parameters, its numbers as metrics; later only those that are new."""
    some = _export(service, done[:8], "--to", tmp_path, "--where", "outcome=converged")
    assert some.exit_code == 0, some.output
    with Client(service.url) as client:
        runs = {run["index"]: run for run in client.experiment(done).runs()}
    converged = [index for index, run in runs.items() if run["summary"]["outcome"] == "converged"]
    rest = json.loads(_export(service, done, "--to", tmp_path, "--json").stdout)
    assert rest["runs"] == len(runs) - len(converged) > 0
    assert json.loads(_export(service, done, "--to", tmp_path, "--json").stdout)["runs"] == 0
    kept = {int(run["tags"]["stepbias.run"]): run for run in json.loads((tmp_path / "mlflow.json").read_text())["runs"]}
    assert kept.keys() == runs.keys()
    for index, run in runs.items():
        assert kept[index]["metrics"].get("l1_norm") == run["summary"]["l1_norm"]
        assert float(kept[index]["params"]["init_scale"]) == run["coordinates"]["init_scale"]
        assert kept[index]["params"]["outcome"] == run["summary"]["outcome"]
        assert kept[index]["status"] == "FINISHED"


def test_what_is_missing_is_named(service: LivingService, done: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to install it."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    refused = _export(service, done)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "pip install mlflow" in refused.stderr
