"""The planning job: which runs are trained, in which batches, at which step size."""

import itertools
import json
from collections.abc import Sequence

import pytest

from core.array_block import unpack_arrays
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key, interpolators_key
from jobs.errors import StoreFull
from jobs.records import Claim, FinishedRun, JobKind, NewJob, Order, Queue, Wishes
from jobs.states import ExperimentStatus
from tests.worker.workshop import CONTRADICTORY, Killed, Workshop, killed_at, spec, undisturbed
from worker.perform import work_off
from worker.planning import SLICE_SECONDS

FORTY = tuple(0.1 + 0.02 * number for number in range(20))
"""Scales that make forty runs with two step sizes: three blocks of sixteen at most."""


LONG = spec(
    scales=[0.01 * number for number in range(1, 101)],
    step_size=(5e-6, 1e-5),
    max_steps=1_000_000,
    data={"kind": "sparse_regression", "samples": 50, "dimension": 100},
)
"""Two hundred runs of many steps: several batches."""


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
    """One batch for a small grid, in the queue that people wait for."""
    experiment_id, job = workshop.plan(spec())
    assert workshop.planned_indices(experiment_id) == [0, 1, 2, 3, 4, 5]
    assert (job.kind, job.queue) == (JobKind.TRAIN, Queue.INTERACTIVE)
    assert workshop.experiment(experiment_id).jobs_total == 2


def test_the_first_tenth_of_a_shuffled_experiment_shows_the_whole_grid(workshop: Workshop) -> None:
    """All runs are planned once, and those of the first jobs lie everywhere; the numbers are those of any order."""
    wide = spec(scales=[0.1 + 0.01 * number for number in range(50)])
    experiment_id = workshop.submit(wide, wishes=Wishes(order=Order.SHUFFLED))
    workshop.perform(f"{experiment_id}.plan")
    assert workshop.planned_indices(experiment_id) == list(range(100))
    seen: list[int] = []
    while len(seen) < 10:
        claim = workshop.store.claim(Queue.INTERACTIVE, worker="w")
        assert claim is not None
        seen += claim.job.payload["indices"]
    assert len(seen) < 20
    gaps = [after - before for before, after in itertools.pairwise(sorted([-1, *seen, 100]))]
    assert max(gaps) <= 25
    assert {index % 2 for index in seen} == {0, 1}


def test_a_large_experiment_goes_to_the_batch_queue(workshop: Workshop) -> None:
    """Two seconds of predicted work are more than others should wait for."""
    experiment_id = workshop.submit(LONG)
    workshop.perform(f"{experiment_id}.plan")
    assert {job.queue for job in workshop.training_jobs(experiment_id)} == {Queue.BATCH}
    assert workshop.planned_indices(experiment_id) == list(range(200))


@pytest.mark.parametrize("most", [3, 1000])
def test_a_plan_wakes_as_many_as_can_begin(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """In the queue of its jobs, no more of them than there are jobs, and not very many at once."""
    monkeypatch.setattr("worker.planning.MOST_WOKEN", most)
    experiment_id = workshop.submit(LONG)
    workshop.perform(f"{experiment_id}.plan")
    jobs = workshop.training_jobs(experiment_id)
    assert len(jobs) > 3
    assert workshop.woken == [(jobs[0].queue, min(len(jobs), most))]


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
        workshop.perform(f"{experiment_id}.plan")
    setattr(workshop.store, event, nothing)
    workshop.work_off()
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
        workshop.perform(f"{experiment_id}.plan")
    workshop.store.after_adding_jobs = nothing
    before = [(job.id, job.payload["indices"]) for job in workshop.training_jobs(experiment_id)]
    assert sorted(before[1][1]) == list(range(16, 32))
    others = workshop.submit(spec(scales=FORTY[8:12]), name="stores the runs from 16 to 23")
    workshop.perform(f"{others}.plan")
    workshop.perform(workshop.training_jobs(others)[0].id)
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
        workshop.perform(f"{experiment_id}.plan")
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
    workshop.perform(f"{second}.plan")
    record = workshop.experiment(second)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, 6, 6)
    assert workshop.training_jobs(second) == []
    assert workshop.runs(second) == workshop.runs(first)


def test_a_grid_with_one_more_value_computes_only_the_new_runs(workshop: Workshop) -> None:
    """The new value is put between the old ones, so that every index moves."""
    first = workshop.done(spec(scales=(0.1, 1.0)))
    second = workshop.submit(spec(scales=(0.1, 0.5, 1.0)))
    workshop.perform(f"{second}.plan")
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


def test_a_unit_that_a_start_does_not_have_fails_the_experiment_with_the_reason(workshop: Workshop) -> None:
    """Found in the batch, which alone looks at starts; said as everything else is."""
    asked = spec(
        initialization={"kind": "vector", "scale": 1.0, "vector": [1.0, 0.0, 1.0, 1.0]},
        step_size={"multiples_of": "flow_stable_step", "values": [0.5]},
    )
    record = workshop.experiment(workshop.done(asked))
    assert record.status is ExperimentStatus.FAILED
    assert "flow_stable_step has no meaning for this data set: a parameter starts at 0" in str(record.error)


def test_step_sizes_without_an_interpolator_are_trained(workshop: Workshop) -> None:
    """They end at the least squares, which is a result."""
    experiment_id = workshop.done(spec(data=CONTRADICTORY, max_steps=500))
    record = workshop.experiment(experiment_id)
    assert (record.status, record.outcomes) == (ExperimentStatus.SUCCEEDED, {"stationary": 6})
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
    """Batches that come too late for the cancel are not recorded."""
    experiment_id = workshop.submit(spec())
    workshop.store.before_adding_jobs = lambda: workshop.store.cancel(experiment_id)
    workshop.work_off()
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done) == (ExperimentStatus.CANCELLED, 0)
    assert workshop.store.commits == []


def test_planning_in_slices_lets_others_go_first(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small experiment that comes while a large one is planned is planned after the slice, and the rest after it."""
    monkeypatch.setattr("core.planning.run_table.BLOCK", 4)
    large = workshop.submit(spec(scales=FORTY), "large")
    order: list[str] = []
    add_jobs = workshop.store.add_jobs

    def remember(claim: Claim, jobs: Sequence[NewJob]) -> None:
        add_jobs(claim, jobs)
        order.append(workshop.experiment(claim.job.experiment_id).name)
        if len(order) == 2:
            workshop.submit(spec(), "small")
        workshop.clock.move(0.6 * SLICE_SECONDS)

    workshop.store.add_jobs = remember  # type: ignore[method-assign]  # time goes by with every block
    work_off(Queue.INTERACTIVE, workshop.context())
    assert order[:4] == ["large"] * 2 + ["small"] * 2
    assert order.count("large") == 10
    assert workshop.planned_indices(large) == list(range(40))
    assert [job.attempt for job in workshop.store.jobs(large) if job.kind is JobKind.PLAN] == [1]


def test_every_slice_plans_something(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr("core.planning.run_table.BLOCK", 4)
    experiment_id = workshop.submit(spec(scales=FORTY))
    seconds = itertools.count(step=10 * SLICE_SECONDS)
    work_off(Queue.INTERACTIVE, workshop.context(clock=lambda: float(next(seconds))))
    assert workshop.planned_indices(experiment_id) == list(range(40))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("call", ["put_document", "set_run_keys", "save_checkpoint", "add_jobs"])
def test_planning_waits_while_the_store_is_full(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """At whatever write; nothing is planned twice."""
    write, fullness = getattr(workshop.store, call), iter([True, True, False, True, False])

    def refuse(*args: object, **options: object) -> object:
        if next(fullness, False):
            raise StoreFull("full")
        return write(*args, **options)

    monkeypatch.setattr(workshop.store, call, refuse)
    experiment_id = workshop.done(spec(scales=FORTY))
    assert workshop.planned_indices(experiment_id) == list(range(40))
    assert workshop.experiment(experiment_id).outcomes == {"converged": 40}
    assert [job.attempt for job in workshop.store.jobs(experiment_id) if job.kind is JobKind.PLAN] == [1]


def test_a_batch_that_was_recorded_before_the_store_was_full_is_not_trained_twice(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One job comes through, and one of its runs is stored before the rest is written: the batches stay as they are."""
    monkeypatch.setattr("worker.planning.JOBS_PER_CALL", 1)
    monkeypatch.setattr("core.planning.batches.MOST_SMALL_LANES", 4)
    data = {"kind": "sparse_regression", "samples": 5, "dimension": 12}
    sweep = spec(scales=FORTY, step_size=(1e-4, 2e-4), max_steps=64, data=data)
    computed = [run for run in undisturbed(sweep) if run is not None]
    write, calls = workshop.store.add_jobs, itertools.count()

    def refuse_the_second(claim: Claim, jobs: Sequence[NewJob]) -> None:
        if next(calls) == 1:
            first = workshop.claim(workshop.training_jobs(claim.job.experiment_id)[0].id)
            index = first.job.payload["indices"][0]
            workshop.store.commit_runs(first, [FinishedRun(index=index, run=computed[index])])
            workshop.store.release(first)
            raise StoreFull("full")
        write(claim, jobs)

    monkeypatch.setattr(workshop.store, "add_jobs", refuse_the_second)
    experiment_id = workshop.done(sweep)
    assert len(workshop.training_jobs(experiment_id)) > 1
    assert workshop.planned_indices(experiment_id) == list(range(40))
    assert workshop.runs(experiment_id) == computed


def test_an_experiment_that_is_planned_anew_has_jobs_of_its_own(workshop: Workshop) -> None:
    """Where a result is missing, that one alone is trained again."""
    experiment_id, job = workshop.plan(spec())
    workshop.perform(job.id)
    missing = Grid(spec()).run(2).key
    del workshop.store._runs[missing]
    assert workshop.runs(experiment_id)[2] is None
    assert workshop.experiment(experiment_id).status is ExperimentStatus.FAILED
    workshop.store.retry(experiment_id)
    workshop.work_off()
    (again,) = workshop.training_jobs(experiment_id)
    assert again.id != job.id
    assert again.payload["indices"] == [2]
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, 6, 5)
    assert workshop.runs(experiment_id) == undisturbed(spec())
