"""A sweep that is under way while a page is typed, and its results without any service."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from stepbias import Client

SWEEP: Final[dict[str, Any]] = {
    "name": "under way",
    "data": {"kind": "sparse_regression"},
    "initialization": {"kind": "uniform", "scale": {"values": [0.05, 0.1, 0.3, 0.6]}},
    "optimizer": {
        "kind": "gradient_descent",
        "step_size": {"fractions_of_max_stable": [0.1, 0.3, 0.6]},
        "warmup_steps": 60_000,
    },
    "stopping": {"loss_tolerance": 1e-12, "max_steps": 150_000, "finish": "iterate"},
    "recording": {"points": 5, "sensitivity": False},
}
"""Of batches that take turns, on one core of a worker for some seconds. What a version of before took as the default of
`sensitivity` is said outright."""

QUICK: Final = {
    "STEPBIAS_CHECKPOINT_SECONDS": "0.5",
    "STEPBIAS_LEASE_SECONDS": "3",
    "STEPBIAS_HEARTBEAT_SECONDS": "0.5",
    "STEPBIAS_JANITOR_SECONDS": "0.3",
    "STEPBIAS_TURN_SECONDS": "0.5",
}
"""Settings by which a lost worker is found, and a checkpoint written, within seconds."""


def computed_alone(directory: Path) -> bytes:
    """The rows of the results, by one process without a store."""
    spec, rows = directory / "sweep.json", directory / "alone.ndjson"
    spec.write_text(json.dumps(SWEEP))
    command = [sys.executable, "-P", "-m", "stepbias.cli.main", "run", str(spec), "--out", str(rows)]
    subprocess.run(command, check=True, capture_output=True)
    return rows.read_bytes()


def begin(client: Client) -> str:
    """The id of the sweep, of which something is done and something is not."""
    experiment = client.submit(SWEEP)
    deadline = time.monotonic() + 120.0
    while experiment.refresh().runs_done < 1:
        assert time.monotonic() < deadline, experiment.experiment
        time.sleep(0.02)
    assert experiment.experiment.runs_done < experiment.experiment.runs_total, experiment.experiment
    return experiment.id


def rows(client: Client, identifier: str, directory: Path) -> bytes:
    """The same rows, from a service that has come to the end."""
    experiment = client.experiment(identifier)
    experiment.wait(timeout=180.0)
    return experiment.save_results(directory / f"{time.monotonic_ns()}.ndjson").read_bytes()
