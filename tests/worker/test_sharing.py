"""A small experiment submitted behind a large one."""

from core.spec.experiment_spec import ExperimentSpec
from jobs.records import Queue
from jobs.states import ExperimentStatus
from tests.worker.workshop import Workshop, spec
from worker.perform import perform, work_off


def many_batches(count: int) -> ExperimentSpec:
    """So many data sets of one short run each, and so many batches: none is trained together with another."""
    data = {"kind": "sparse_regression", "samples": 5, "dimension": 12, "seed": {"values": list(range(count))}}
    return spec(scales=(0.1,), step_size=(1e-4,), max_steps=64, data=data)


def test_a_small_experiment_does_not_wait_for_the_large_one_before_it() -> None:
    """It comes last, and yet it ends when the large one has done about as much as it has itself."""
    workshop = Workshop()
    large, small = workshop.submit(many_batches(20), "large"), workshop.submit(many_batches(3), "small")
    work_off(Queue.INTERACTIVE, workshop.context())
    assert {job.queue for each in (large, small) for job in workshop.training_jobs(each)} == {Queue.BATCH}
    done_by_the_large_one = []
    while (claim := workshop.store.claim(Queue.BATCH, worker="worker")) is not None:
        perform(claim, workshop.context())
        if workshop.experiment(small).status is ExperimentStatus.SUCCEEDED:
            done_by_the_large_one.append(workshop.experiment(large).runs_done)
    assert done_by_the_large_one[0] <= 4
    assert workshop.experiment(large).status is ExperimentStatus.SUCCEEDED
    assert done_by_the_large_one[-1] == 20
