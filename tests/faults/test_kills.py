"""The drill in short: each part of the service is killed once, in the middle of a sweep."""

import sys
from pathlib import Path

import pytest

from core.spec.experiment_spec import ExperimentSpec
from jobs.records import StoredRun
from stepbias import Client, ExperimentHandle
from tests.faults.besieged_service import BesiegedService, Part
from tests.faults.verdict import judge, undisturbed
from tests.stepbias.launcher.processes import eventually

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
]

SCALES = (0.01, 0.03, 0.1, 0.3, 0.6, 1.0, 2.0, 3.0)
PATIENCE = 120.0


def sweep(scales: tuple[float, ...]) -> ExperimentSpec:
    """Runs on the paper's data that end in many ways and at many times; seconds of work in several batches."""
    return ExperimentSpec.model_validate(
        {
            "name": "besieged",
            "data": {"kind": "sparse_regression"},
            "initialization": {"kind": "uniform", "scale": {"values": list(scales)}},
            "optimizer": {
                "kind": "gradient_descent",
                "step_size": {"fractions_of_max_stable": [0.1, 0.2, 0.4, 0.6, 0.8, 0.9]},
                "warmup_steps": 20_000,
            },
            "stopping": {"loss_tolerance": 1e-8, "max_steps": 100_000},
            "recording": {"points": 20},
        }
    )


@pytest.fixture(scope="module")
def expected() -> dict[str, StoredRun]:
    """Every run of the sweep, and of any part of it, as it is when nothing happens."""
    return undisturbed(sweep(SCALES))


@pytest.fixture
def service(tmp_path: Path) -> BesiegedService:
    """A service that is not started yet."""
    return BesiegedService(tmp_path)


def await_progress(handle: ExperimentHandle) -> None:
    """Return when a twentieth of the sweep has been done since now, or since the last time that work was lost."""
    lowest = 1.0

    def has_grown() -> bool:
        nonlocal lowest
        experiment = handle.refresh()
        lowest = min(lowest, experiment.progress)
        return experiment.is_finished or experiment.progress >= lowest + 0.05

    assert eventually(has_grown, patience=PATIENCE), handle
    assert not handle.experiment.is_finished, "the sweep is over before the drill is"


def test_killing_each_part_once_changes_no_bit(service: BesiegedService, expected: dict[str, StoredRun]) -> None:
    """Both workers, the server, the API: nobody but the service itself does anything about it."""
    spec = sweep(SCALES)
    with service.up() as url, Client(url) as client:
        handle = client.submit(spec.canonical())
        for parts in ((Part.BATCH_WORKER, Part.INTERACTIVE_WORKER), (Part.SERVER,), (Part.API,)):
            await_progress(handle)
            for part in parts:
                assert service.kill(part)
        handle.wait(timeout=PATIENCE)
        with service.store() as store:
            verdict = judge(handle, spec, store, expected)
        assert verdict.is_flawless, (verdict, service.complaints())
        assert service.stop() == 0
        assert service.household.is_gone()


def test_a_killed_service_leaves_nothing_and_goes_on_where_it_was(
    service: BesiegedService, expected: dict[str, StoredRun]
) -> None:
    """With its supervisor all its processes end; another one on the same directory finishes the sweep."""
    spec = sweep(SCALES[:4])
    with service.up() as url, Client(url) as client:
        handle = client.submit(spec.canonical())
        await_progress(handle)
        service.kill(Part.SUPERVISOR)
        assert eventually(service.household.is_gone)
    with service.up() as url, Client(url) as client:
        handle = client.experiment(handle.id)
        handle.wait(timeout=PATIENCE)
        with service.store() as store:
            verdict = judge(handle, spec, store, expected)
        assert verdict.is_flawless, (verdict, service.complaints())
        assert service.stop() == 0
        assert service.household.is_gone()
