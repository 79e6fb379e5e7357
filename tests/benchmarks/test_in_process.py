"""The work of the service without the service: that it is the same work."""

import pytest

from benchmarks.in_process import batches, planning_seconds, pure_training_seconds, side_by_side_seconds
from benchmarks.sweeps import FIGURE_1, TENFOLD, tiny_runs
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.records import JobKind
from jobs.settings import Settings
from jobs.states import ExperimentStatus
from tests.reference.memory_store import MemoryStore


def test_every_run_of_a_sweep_is_trained_in_one_batch() -> None:
    """A hundred tiny runs."""
    spec = tiny_runs(100)
    assert sorted(index for _, _, indices in batches(Grid(spec)) for index in indices) == list(range(100))
    assert pure_training_seconds(spec) > 0


def test_processes_train_side_by_side_and_one_that_fails_is_told_of() -> None:
    """Each prepares by itself, and no process of a benchmark has uploads."""
    assert side_by_side_seconds(tiny_runs(100), 2) > 0
    document = tiny_runs(100).model_dump(mode="json") | {"data": {"kind": "dataset", "id": "0" * 64}}
    with pytest.raises(RuntimeError, match="has failed"):
        side_by_side_seconds(ExperimentSpec.model_validate(document), 2)


def test_the_batches_are_those_that_a_worker_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where planning takes several slices."""
    monkeypatch.setattr("worker.planning.SLICE_SECONDS", 0.0)
    monkeypatch.setattr("core.planning.run_table.BLOCK", 64)
    spec, store = tiny_runs(200), MemoryStore(Settings())
    assert planning_seconds(spec, store) > 0
    (experiment,) = store.experiments().experiments
    assert experiment.status is ExperimentStatus.QUEUED
    planned = [job.payload["indices"] for job in store.jobs(experiment.id) if job.kind is JobKind.TRAIN]
    assert planned == [list(indices) for _, _, indices in batches(Grid(spec))]


def test_figure_1_is_the_whole_one() -> None:
    """20 α by 10 η, as the text of the report says."""
    assert FIGURE_1.stopping.loss_tolerance == 1e-10
    assert len(Grid(FIGURE_1)) == 200
    assert len(Grid(TENFOLD)) == 2000
