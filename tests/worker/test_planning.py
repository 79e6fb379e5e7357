"""The planning job: which runs are trained, in which batches, at which step size."""

import json

import pytest

from core.array_block import unpack_arrays
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key, interpolators_key
from jobs.records import JobKind, Queue, plan_job_id
from jobs.states import ExperimentStatus
from tests.worker.workshop import CONTRADICTORY, Killed, Workshop, killed_at, spec

FORTY = tuple(0.1 + 0.02 * number for number in range(20))
"""Scales that make forty runs with two step sizes: three blocks of sixteen at most."""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of sixteen runs, so that a grid of forty has several."""
    monkeypatch.setattr("core.planning.run_table.BLOCK", 16)


@pytest.fixture
def workshop() -> Workshop:
    """Where the experiments are planned."""
    return Workshop()


def nothing() -> None:
    """What happens to a process that is left in peace."""


def test_every_run_is_planned_once(workshop: Workshop) -> None:
    """One batch for a small grid, announced on the queue that people wait for."""
    experiment_id, job = workshop.plan(spec())
    assert workshop.planned_indices(experiment_id) == [0, 1, 2, 3, 4, 5]
    assert (job.kind, job.queue) == (JobKind.TRAIN, Queue.INTERACTIVE)
    assert workshop.experiment(experiment_id).jobs_total == 2


def test_a_large_experiment_goes_to_the_batch_queue(workshop: Workshop) -> None:
    """Two seconds of predicted work are more than others should wait for."""
    data = {"kind": "sparse_regression", "samples": 50, "dimension": 100}
    scales = [0.01 * number for number in range(1, 101)]
    experiment_id = workshop.submit(spec(scales=scales, step_size=(1e-4, 1e-3), max_steps=1_000_000, data=data))
    workshop.perform(plan_job_id(experiment_id))
    assert {job.queue for job in workshop.training_jobs(experiment_id)} == {Queue.BATCH}
    assert workshop.planned_indices(experiment_id) == list(range(200))


@pytest.mark.usefixtures("small_blocks")
def test_blocks_cover_the_grid(workshop: Workshop) -> None:
    """A grid of several blocks, the last of them not full."""
    experiment_id = workshop.submit(spec(scales=FORTY))
    workshop.work_off()
    assert workshop.planned_indices(experiment_id) == list(range(40))
    assert workshop.experiment(experiment_id).outcomes == {"converged": 40}


def test_no_batch_straddles_data_sets(workshop: Workshop) -> None:
    """The runs of a batch share X and y."""
    data = {"kind": "sparse_regression", "samples": 5, "dimension": 12, "seed": {"values": [0, 1]}}
    experiment_id = workshop.done(spec(scales=(0.1, 0.3, 1.0), step_size=(1e-4, 2e-4), max_steps=500, data=data))
    batches = [tuple(sorted(job.payload["indices"])) for job in workshop.training_jobs(experiment_id)]
    assert sorted(batches) == [(0, 1, 2, 3, 4, 5), (6, 7, 8, 9, 10, 11)]
    assert len({summary["data_key"] for summary in workshop.summaries(experiment_id)}) == 2


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("event", ["before_adding_jobs", "after_adding_jobs"])
@pytest.mark.parametrize("block", [1, 2, 3])
def test_planning_that_was_killed_is_taken_up_without_planning_anything_twice(
    workshop: Workshop, event: str, block: int
) -> None:
    """Also where the batches of the interrupted block have been trained, in part, before the next attempt looks."""
    setattr(workshop.store, event, killed_at(block))
    experiment_id = workshop.submit(spec(scales=FORTY))
    with pytest.raises(Killed):
        workshop.perform(plan_job_id(experiment_id))
    setattr(workshop.store, event, nothing)
    for job in workshop.training_jobs(experiment_id):
        workshop.perform(job.id)
    workshop.lose_leases()
    workshop.work_off()
    assert workshop.planned_indices(experiment_id) == list(range(40))
    assert sorted(workshop.store.commits) == list(range(40))
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, 40, 0)


@pytest.mark.usefixtures("small_blocks")
def test_batches_stay_as_they_were_formed_though_some_of_their_runs_are_stored_meanwhile(workshop: Workshop) -> None:
    """Killed with a batch recorded; half of it is stored by others. No batch is formed of what is left over."""
    workshop.store.after_adding_jobs = killed_at(2)
    experiment_id = workshop.submit(spec(scales=FORTY))
    with pytest.raises(Killed):
        workshop.perform(plan_job_id(experiment_id))
    workshop.store.after_adding_jobs = nothing
    workshop.take_messages()
    before = [(job.id, job.payload["indices"]) for job in workshop.training_jobs(experiment_id)]
    assert sorted(before[1][1]) == list(range(16, 32))
    workshop.done(spec(scales=FORTY[8:12]), name="stores the runs from 16 to 23")
    assert len(workshop.store.commits) == 8
    workshop.lose_leases()
    workshop.work_off()
    jobs = workshop.training_jobs(experiment_id)
    assert [(job.id, job.payload["indices"]) for job in jobs][:2] == before
    assert workshop.planned_indices(experiment_id) == list(range(40))


def test_planning_that_was_killed_after_its_last_write_is_repeated_without_harm(workshop: Workshop) -> None:
    """The whole attempt comes again, after its batch has been trained."""
    workshop.store.before_completing = killed_at(1)
    experiment_id = workshop.submit(spec())
    with pytest.raises(Killed):
        workshop.perform(plan_job_id(experiment_id))
    workshop.store.before_completing = nothing
    (job,) = workshop.training_jobs(experiment_id)
    workshop.perform(job.id)
    assert workshop.experiment(experiment_id).status is ExperimentStatus.PLANNING
    workshop.lose_leases()
    workshop.work_off()
    assert [each.id for each in workshop.training_jobs(experiment_id)] == [job.id]
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED


def test_what_another_experiment_has_stored_is_not_planned(workshop: Workshop) -> None:
    """An experiment of runs that are all stored has nothing to train and succeeds by being planned."""
    first = workshop.done(spec())
    second = workshop.submit(spec(), name="the same under another name")
    assert second != first
    workshop.perform(plan_job_id(second))
    record = workshop.experiment(second)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, 6, 6)
    assert workshop.training_jobs(second) == []
    assert workshop.runs(second) == workshop.runs(first)


def test_a_grid_with_one_more_value_computes_only_the_new_runs(workshop: Workshop) -> None:
    """The new value is put between the old ones, so that every index moves."""
    first = workshop.done(spec(scales=(0.1, 1.0)))
    second = workshop.submit(spec(scales=(0.1, 0.5, 1.0)))
    workshop.perform(plan_job_id(second))
    assert workshop.planned_indices(second) == [2, 3]
    workshop.work_off()
    record = workshop.experiment(second)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, 6, 4)
    old, new = workshop.runs(first), workshop.runs(second)
    assert [*new[:2], *new[4:]] == old


def test_fractions_are_resolved_to_multiples_of_the_largest_stable_step(workshop: Workshop) -> None:
    """On one sample min λ_max = 4|y|·min|x_i|, with β = y/x_i there and 0 elsewhere: here 12, and the step 2/12."""
    data = {"kind": "inline", "X": [[2.0, -1.0, 4.0]], "y": [3.0]}
    experiment_id = workshop.done(spec(scales=(0.3,), step_size={"fractions_of_max_stable": [0.25, 0.5]}, data=data))
    found = workshop.summaries(experiment_id)
    assert [summary["max_stable_step"] for summary in found] == pytest.approx([1 / 6, 1 / 6], rel=1e-7)
    assert [summary["step_size"] for summary in found] == pytest.approx([0.25 / 6, 0.5 / 6], rel=1e-7)
    assert [summary["step_size"] for summary in found] == [
        fraction * summary["max_stable_step"] for fraction, summary in zip((0.25, 0.5), found, strict=True)
    ]


def test_fractions_without_an_interpolator_fail_the_experiment_with_the_reason(workshop: Workshop) -> None:
    """A sentence that names the field of the spec."""
    experiment_id = workshop.done(spec(step_size={"fractions_of_max_stable": [0.5]}, data=CONTRADICTORY))
    record = workshop.experiment(experiment_id)
    assert record.status is ExperimentStatus.FAILED
    assert record.error is not None
    assert "fractions_of_max_stable has no meaning for this data set" in record.error


def test_step_sizes_without_an_interpolator_are_trained(workshop: Workshop) -> None:
    """They cannot converge to zero loss, which is a result."""
    experiment_id = workshop.done(spec(data=CONTRADICTORY, max_steps=500))
    record = workshop.experiment(experiment_id)
    assert (record.status, record.outcomes) == (ExperimentStatus.SUCCEEDED, {"budget_exhausted": 6})
    assert [summary["max_stable_step"] for summary in workshop.summaries(experiment_id)] == [None] * 6


def test_the_analysis_is_made_once_for_all_experiments_on_the_data(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What costs seconds on real data is kept under the hash of the data."""
    workshop.done(spec(scales=(0.1,)))
    monkeypatch.setattr("worker.analyses.analyse_problem", lambda *_: pytest.fail("it was analysed again"))
    experiment_id = workshop.done(spec(scales=(0.3,)))
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED


def test_interpolators_that_an_analysis_lacks_are_added_to_it(workshop: Workshop) -> None:
    """The analysis itself is not touched: runs were trained with its numbers."""
    workshop.done(spec(scales=(0.1,)))
    key = Grid(spec()).run(0).problem_key
    analysis, predictors = (workshop.store.document(place(key)) for place in (analysis_key, interpolators_key))
    assert analysis is not None
    assert predictors is not None
    assert unpack_arrays(predictors).keys() == json.loads(analysis)["interpolators"].keys()
    other = Workshop()
    other.store.put_document(analysis_key(key), analysis + b" ")
    other.done(spec(scales=(0.3,)))
    assert other.store.document(interpolators_key(key)) == predictors
    assert other.store.document(analysis_key(key)) == analysis + b" "


def test_cancelling_while_it_is_planned_trains_nothing(workshop: Workshop) -> None:
    """Batches that are recorded too late for the cancel are cancelled from the start."""
    experiment_id = workshop.submit(spec())
    workshop.store.before_adding_jobs = lambda: workshop.store.cancel(experiment_id)
    workshop.work_off()
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done) == (ExperimentStatus.CANCELLED, 0)
    assert workshop.store.commits == []
