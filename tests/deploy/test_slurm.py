"""Workers on a cluster with limits of time hand their batches back before the limit, and no number is another."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from core.spec.experiment_spec import ExperimentSpec
from jobs.connection import connect
from jobs.records import Job, JobKind
from jobs.redis_store import RedisStore
from jobs.settings import SECRETS_DIR, Settings
from jobs.states import JobState
from stepbias import Client
from tests.deploy.guarded_service import STEPBIAS, GuardedService, await_that, guarded_service
from tests.deploy.manifests import ROOT
from tests.deploy.slurm import Slurm

SCRIPT: Final = ROOT / "deploy" / "slurm" / "stepbias-workers.sh"

SPEC: Final = {
    "data": {"kind": "sparse_regression", "samples": 40, "dimension": 100, "seed": 1},
    "initialization": {"kind": "uniform", "scale": {"start": 0.05, "stop": 1.0, "num": 6, "spacing": "log"}},
    "optimizer": {"kind": "sgd", "batch_size": 10, "step_size": {"fractions_of_max_stable": [0.005, 0.01]}},
    "stopping": {"loss_tolerance": 1e-24, "max_steps": 400_000, "finish": "iterate"},
}
"""Three batches of a second or two: steps so small that every run takes as many as it may."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[GuardedService]:
    """One that writes a checkpoint each half second."""
    with guarded_service(tmp_path, {"STEPBIAS_CHECKPOINT_SECONDS": "0.5"}) as running:
        yield running


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[Slurm]:
    """A cluster, of which nothing is left."""
    cluster = Slurm(tmp_path)
    yield cluster
    cluster.end()


def test_the_script_is_short_and_has_no_secret() -> None:
    """Who reads it sees all of it; the address of the store is a file."""
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30
    assert "redis://" not in text
    assert SECRETS_DIR in text


@pytest.mark.services
def test_a_task_that_is_to_end_hands_its_batch_back_and_another_goes_on_from_it(
    service: GuardedService, slurm: Slurm, tmp_path: Path
) -> None:
    """Every number is that of the experiment computed in one process; who was told of the limit has lost nothing."""
    store = RedisStore(connect(service.store_url, patience=10.0), Settings(redis_url=service.store_url))
    with Client(service.url) as client:
        experiment = client.submit(SPEC)

        def jobs(state: JobState) -> list[Job]:
            found = store.jobs(experiment.id)
            return [job for job in found if job.kind is JobKind.TRAIN and job.state is state]

        wishes = service.environment | {"STEPBIAS_REQUEUE": "1"}
        (first,) = slurm.sbatch(SCRIPT, "--array=1", "--cpus-per-task=1", environment=wishes)
        await_that(lambda: any(store.checkpoint(job) for job in jobs(JobState.RUNNING)))
        first.warn()
        assert first.shell.wait(60) == 0, first.printed()
        (returned,) = (job for job in jobs(JobState.QUEUED) if store.checkpoint(job))
        assert (returned.attempt, returned.failures, returned.losses) == (0, 0, 0)
        assert slurm.requeued() == [first.job_id]
        # Of two others, with two cores each, one is killed: nobody told it of its limit.
        others = slurm.sbatch(SCRIPT, "--array=1-2", "--cpus-per-task=2", environment=service.environment)
        await_that(lambda: jobs(JobState.RUNNING))
        others[0].kill()
        first.start()
        assert experiment.wait(240).status == "succeeded"
        ended = {job.id: job for job in jobs(JobState.SUCCEEDED)}
        assert returned.id in ended
        assert sum(job.failures for job in ended.values()) == 0
        results = json.loads(experiment.read("results"))
    _require_equal(results, ExperimentSpec.model_validate(SPEC), tmp_path)
    for task in (first, others[1]):
        task.warn()
        assert task.shell.wait(60) == 0, task.printed()
        assert "Traceback" not in task.printed()


@pytest.mark.services
def test_a_task_that_cannot_work_ends_and_says_why(slurm: Slurm, tmp_path: Path) -> None:
    """Instead of being started again and again until its limit; nothing is requeued."""
    (tmp_path / "stepbias_redis_url").write_text("nonsense://", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    (wrong,) = slurm.sbatch(SCRIPT, "--array=1", environment=environment | {SECRETS_DIR: str(tmp_path)})
    assert wrong.shell.wait(60) not in {0, 70}
    assert "STEPBIAS_REDIS_URL" in wrong.printed()
    assert slurm.requeued() == []


def _require_equal(results: dict[str, Any], spec: ExperimentSpec, directory: Path) -> None:
    """To the bit, of every run."""
    (directory / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
    command = (*STEPBIAS, "run", str(directory / "spec.json"), "--out", str(directory / "out"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=240)
    here = json.loads((directory / "out" / "results.json").read_text(encoding="utf-8"))
    assert here["coords"] == results["coords"]
    assert here["data_vars"] == results["data_vars"]
