"""A sweep is under way when the service is replaced by one of another numerics version."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from stepbias import Client
from tests.stepbias.launcher.household import Household

PROGRAM: Final = """
import os, sys
version = sys.argv.pop(1)
import core.identity
core.identity.NUMERICS_VERSION = version
import stepbias.launcher.processes.served as started
patched = "import core.identity; core.identity.NUMERICS_VERSION = '" + version + "'; "
started._SERVE = (sys.executable, "-P", "-c", patched + "from stepbias.cli.main import app; app()", "serve")
os.environ.update(
    STEPBIAS_CHECKPOINT_SECONDS="0.5", STEPBIAS_LEASE_SECONDS="3", STEPBIAS_HEARTBEAT_SECONDS="0.5",
    STEPBIAS_JANITOR_SECONDS="0.3",
)
os.environ.pop("STEPBIAS_REDIS_URL", None)
from stepbias.cli.main import app
app()
"""
"""`stepbias`, and every process that it starts, with another numerics version."""

SWEEP: Final[dict[str, Any]] = {
    "name": "under way",
    "data": {"kind": "sparse_regression"},
    "initialization": {"kind": "uniform", "scale": {"values": [0.02, 0.05, 0.1, 0.3, 0.6, 1.0]}},
    "optimizer": {
        "kind": "gradient_descent",
        "step_size": {"fractions_of_max_stable": [0.1, 0.3, 0.6, 0.9]},
        "warmup_steps": 60_000,
    },
    "stopping": {"loss_tolerance": 1e-12, "max_steps": 400_000, "finish": "iterate"},
    "recording": {"points": 5},
}


@contextmanager
def _service(household: Household, version: str, state: Path) -> Iterator[Client]:
    arguments = ("up", "--port", "0", "--workers", "1", "--state-dir", str(state))
    with household.head(PROGRAM, version, *arguments) as head:
        assert head.stdout is not None
        announcement = head.stdout.readline()
        assert announcement.startswith("stepbias is ready at "), _logs(state)
        with Client(announcement.split()[4], patience=30.0) as client:
            yield client
        head.terminate()
        assert head.wait(timeout=60) == 0, _logs(state)


@pytest.mark.timeout(300)
def test_a_sweep_under_way_is_planned_anew_by_the_next_version(household: Household, tmp_path: Path) -> None:
    """All of its results are of that version, none is missing, and what had ended before is read as it was."""
    state = tmp_path / "state"
    with _service(household, "4", state) as client:
        ended = client.submit(SWEEP | {"name": "ended", "stopping": {"max_steps": 2_000}}).wait(timeout=120)
        before = ended.results()
        begun = client.submit(SWEEP)
        deadline = time.monotonic() + 120
        while client.experiment(begun.experiment.id).experiment.runs_done < 2:
            assert time.monotonic() < deadline, _logs(state)
            time.sleep(0.1)
    with _service(household, "5", state) as client:
        again = client.experiment(begun.experiment.id)
        final = again.wait(timeout=180).experiment
        assert (final.status, final.runs_done) == ("succeeded", len(Grid(ExperimentSpec.model_validate(SWEEP))))
        summaries = [run["summary"] for run in again.runs()]
        assert all(summary is not None for summary in summaries)
        assert client.experiment(ended.experiment.id).results() == before
        analyses = client.experiment(ended.experiment.id).analysis()
        assert all(entry["analysis"] is not None for entry in analyses)
        asked_again = client.submit(SWEEP | {"name": "again"}).wait(timeout=120).experiment
        assert asked_again.runs_reused == asked_again.runs_total


def _logs(state: Path) -> str:
    return "\n".join(
        f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in (state / "log").glob("*.log")
    )
