"""Experiments of so little work that the job that plans them trains them."""

import itertools
import json

import pytest

from core.results.result import NUMBERS, decode_summary
from jobs.records import JobKind, Queue
from jobs.states import ExperimentStatus, JobState
from tests.worker.workshop import ALONE, Killed, SetAfter, Workshop, killed_at, spec
from worker.context import TINY_SECONDS

TINY = spec(scales=(0.1, 0.3), step_size=(0.02, 0.05), recording=ALONE)


@pytest.fixture
def workshop() -> Workshop:
    """A store and a worker at it."""
    return Workshop()


def test_a_tiny_experiment_is_done_when_it_is_planned_with_the_bits_of_any_other(workshop: Workshop) -> None:
    """No job is recorded beside its plan."""
    experiment_id = workshop.submit(TINY)
    workshop.perform(f"{experiment_id}.plan", workshop.context(tiny_seconds=TINY_SECONDS))
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, 4, 0)
    assert [job.kind for job in workshop.store.jobs(experiment_id)] == [JobKind.PLAN]
    other = Workshop()
    assert workshop.runs(experiment_id) == other.runs(other.done(TINY))


def test_a_run_of_plain_descent_stores_no_column_that_it_does_not_have(workshop: Workshop) -> None:
    """What is null, such as what others have of minibatches, cycles or the lasso, is no part of what is stored."""
    experiment_id = workshop.done(TINY)
    for run in workshop.runs(experiment_id):
        assert run is not None
        known = {name for name, value in decode_summary(run.summary).items() if value is not None}
        assert not known & {"mean_square_stable_step", "cycle_period", "lasso_distance", "duality_gap"}
        mask = int.from_bytes(run.summary[5 : 5 + run.summary[4]], "little")
        stored = {name for place, name in enumerate(NUMBERS) if mask >> place & 1}
        texts = json.loads(run.summary[5 + run.summary[4] + 8 * len(stored) :])
        assert stored | set(texts) == known - {"kicks"}
        assert None not in texts.values()


def test_what_is_predicted_to_take_longer_has_jobs_of_its_own(workshop: Workshop) -> None:
    """The limit is of predicted work."""
    experiment_id = workshop.submit(spec(scales=[0.001 * number for number in range(1, 41)]))
    workshop.perform(f"{experiment_id}.plan", workshop.context(tiny_seconds=TINY_SECONDS))
    assert workshop.training_jobs(experiment_id)
    assert not workshop.store.commits


@pytest.mark.parametrize("event", ["after_commit", "before_completing"])
def test_a_tiny_experiment_whose_worker_is_killed_is_done_by_the_next(workshop: Workshop, event: str) -> None:
    """What was stored is counted once, as computed and not as found."""
    setattr(workshop.store, event, killed_at(1))
    experiment_id = workshop.submit(TINY)
    with pytest.raises(Killed):
        workshop.perform(f"{experiment_id}.plan", workshop.context(tiny_seconds=TINY_SECONDS))
    setattr(workshop.store, event, lambda: None)
    workshop.lose_leases()
    workshop.work_off(workshop.context(tiny_seconds=TINY_SECONDS))
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, 4, 0)
    assert sorted(workshop.store.commits) == [0, 1, 2, 3]


def test_what_takes_longer_than_a_turn_after_all_goes_on_in_jobs_of_its_own(workshop: Workshop) -> None:
    """Others wait to be planned: nothing is trained for longer than the turn of a plan lasts."""
    seconds = itertools.count(step=0.3)
    context = workshop.context(tiny_seconds=TINY_SECONDS, clock=lambda: next(seconds))
    experiment_id = workshop.submit(TINY)
    workshop.perform(f"{experiment_id}.plan", context)
    (job,) = workshop.training_jobs(experiment_id)
    assert sorted([*workshop.store.commits, *job.payload["indices"]]) == [0, 1, 2, 3]
    workshop.work_off()
    other = Workshop()
    assert workshop.runs(experiment_id) == other.runs(other.done(TINY))


@pytest.mark.parametrize("looks", [1, 2, 3, 5])
def test_a_worker_that_shuts_down_gives_a_tiny_experiment_back(workshop: Workshop, looks: int) -> None:
    """It counts as no attempt."""
    experiment_id = workshop.submit(TINY)
    claim = workshop.store.job(f"{experiment_id}.plan")
    assert claim is not None
    workshop.perform(claim.id, workshop.context(tiny_seconds=TINY_SECONDS, stopping=SetAfter(looks)))
    again = workshop.store.claim(Queue.INTERACTIVE, worker="another")
    assert again is not None
    assert again.job.attempt == 1
    workshop.store.release(again)
    workshop.work_off(workshop.context(tiny_seconds=TINY_SECONDS))
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED


def test_what_fails_in_training_does_not_fail_the_plan_for_good(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt leaves it to jobs of its own, which have their attempts and their reasons."""

    def fail(*_: object) -> None:
        raise ValueError("whatever")

    monkeypatch.setattr("core.experiment.run_batch.RunBatch.advance", fail)
    experiment_id = workshop.submit(TINY)
    for _ in range(2):
        workshop.perform(f"{experiment_id}.plan", workshop.context(tiny_seconds=TINY_SECONDS))
    plan = workshop.store.job(f"{experiment_id}.plan")
    assert plan is not None
    assert (plan.state, plan.failures) == (JobState.SUCCEEDED, 1)
    assert workshop.training_jobs(experiment_id)
