"""`stepbias demo`, with the service inside this process and a small experiment for its preset."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.routes import presets
from core.spec.experiment_spec import ExperimentSpec
from stepbias.cli.main import app
from stepbias.launcher.commands import demo
from stepbias.launcher.processes.stop_signals import StopSignals
from stepbias.launcher.service import RunningService
from stepbias.launcher.startup_error import StartupError
from tests.stepbias.client.living_service import living_service, small_spec

SMALL = small_spec(optimizer={"kind": "gradient_descent", "step_size": {"values": [0.001, 0.005]}, "warmup_steps": 100})


class InProcess:
    """Stands in for `run_service`: remembers what it was asked for, and serves until it is told to stop."""

    def __init__(self, *, at_work: bool = True, then: Callable[[], object] = lambda: None) -> None:
        self._at_work = at_work
        self._then = then
        self.state_dir = Path()

    def __call__(
        self, *, host: str, port: int, workers: int, state_dir: Path, on_ready: Callable[[RunningService], None]
    ) -> None:
        """Serve."""
        assert (host, port) == ("127.0.0.1", 0)
        assert workers >= 1
        self.state_dir = state_dir
        with StopSignals() as signals, living_service() as service:
            on_ready(RunningService(url=service.url, state_dir=state_dir, workers=workers))
            self._then()
            if self._at_work:
                with service.at_work():
                    self._until(signals)
            else:
                self._until(signals)

    def _until(self, signals: StopSignals) -> None:
        while not signals.requested():
            signals.wait(10.0)


def _demo(monkeypatch: pytest.MonkeyPatch, service: Any, *words: str | Path, spec: Any = SMALL) -> Result:
    monkeypatch.setattr(demo, "run_service", service)
    monkeypatch.setattr(presets, "preset", lambda *_, **__: ExperimentSpec.model_validate_json(json.dumps(spec)))
    return CliRunner().invoke(app, ["demo", *(str(word) for word in words)])


def test_the_demo_leaves_figure_curves_and_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And stops the service it started, whose data it does not keep."""
    service, before = InProcess(), signal.getsignal(signal.SIGTERM)
    result = _demo(monkeypatch, service, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = {"figure-1.png", "figure-1.svg", "curves.json", "results.json", "spec.json", "report.json", "report.txt"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert "excess risk, least ℓ1 interpolator" in result.stdout
    assert "worst certificate residual" in result.stdout
    assert "wall time" in result.stdout
    assert "succeeded: 6 of 6 runs" in result.stderr
    assert not service.state_dir.exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_ends_the_demo_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The service has stopped: nothing is asked of it for another minute."""
    service = InProcess(at_work=False, then=lambda: os.kill(os.getpid(), signal.SIGINT))
    result = _demo(monkeypatch, service, "--out", tmp_path / "out", "--state-dir", tmp_path / "state")
    assert result.exit_code == 130
    assert service.state_dir == tmp_path / "state"
    assert not (tmp_path / "out").exists()


def test_a_failed_experiment_fails_the_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the reason, and the service stopped."""
    impossible = small_spec(data={"kind": "inline", "X": [[1e-120, 2e-120]], "y": [1.0]})
    result = _demo(monkeypatch, InProcess(), "--out", tmp_path, spec=impossible)
    assert result.exit_code == 1
    assert "stepbias: experiment" in result.stderr
    assert "fractions_of_max_stable" in result.stderr


def test_a_service_that_does_not_start_fails_the_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its own sentence."""

    def service(**_: Any) -> None:
        raise StartupError("no server for this machine")

    result = _demo(monkeypatch, service, "--out", tmp_path)
    assert result.exit_code == 1
    assert "stepbias: no server for this machine" in result.stderr
