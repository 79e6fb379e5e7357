"""What both stores promise where processes of two numerics versions share them, as while a deployment is renewed."""

import pytest

from jobs.errors import LeaseLost
from jobs.records import Experiment, JobKind, Queue
from jobs.states import ExperimentStatus
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, finished_runs


@pytest.fixture
def old(laboratory: Laboratory) -> Laboratory:
    """The store as processes of the old version have it."""
    return laboratory.of_version("1")


@pytest.fixture
def new(laboratory: Laboratory) -> Laboratory:
    """The same store as processes of the new version have it."""
    return laboratory.of_version("2")


def test_an_experiment_is_of_the_version_it_was_submitted_to(old: Laboratory, new: Laboratory) -> None:
    """The same spec under another version is another experiment; each version finds its own again."""
    first, second = old.submit(), new.submit()
    assert (first.numerics, second.numerics) == ("1", "2")
    assert (old.submit().id, new.submit().id) == (first.id, second.id)
    assert first.id != second.id


def test_neither_version_claims_what_is_of_the_other(old: Laboratory, new: Laboratory) -> None:
    """Not even a plan."""
    ours, theirs = old.planned(batches=1), new.submit()
    assert new.store.claim(Queue.BATCH, worker="w") is None
    assert old.store.claim(Queue.INTERACTIVE, worker="w") is None
    waiting = {queue: [(each.numerics, each.jobs) for each in new.store.look_around(queue).waiting] for queue in Queue}
    assert waiting == {Queue.INTERACTIVE: [("2", 1)], Queue.BATCH: [("1", 1)]}
    assert new.claim_plan(theirs).job.experiment_id == theirs.id
    assert old.claim(f"{ours.id}.0").job.experiment_id == ours.id


def test_results_of_an_old_version_are_read_by_the_new_one(old: Laboratory, new: Laboratory) -> None:
    """They are what they were."""
    experiment = old.planned(batches=1)
    old.train(experiment, 0)
    assert new.store.experiment(experiment.id) == old.store.experiment(experiment.id)
    expected = [each.run for each in finished_runs(old.labels("a spec", 1))]
    assert list(new.store.summaries(experiment.id, 0, 2)) == [run.summary for run in expected]
    assert [new.store.run(experiment.id, index) for index in (0, 1)] == expected


def _anew(old: Laboratory, new: Laboratory) -> Experiment:
    """An experiment that is half done when the new version plans it anew."""
    experiment = old.planned(batches=2)
    old.train(experiment, 0)
    assert new.store.plan_anew("1", most=10) == [experiment.id]
    return new.store.experiment(experiment.id)


def test_what_is_planned_anew_begins_from_its_beginning(old: Laboratory, new: Laboratory) -> None:
    """For the new version, with nothing counted of before; the old one has nothing to do with it any more."""
    experiment = _anew(old, new)
    assert (experiment.numerics, experiment.status) == ("2", ExperimentStatus.PLANNING)
    assert (experiment.runs_done, experiment.outcomes, experiment.progress) == (0, {}, 0.0)
    (plan,) = new.store.jobs(experiment.id)
    assert plan.kind is JobKind.PLAN
    assert list(new.store.summaries(experiment.id, 0, 4)) == [None] * 4
    assert [old.store.claim(queue, worker="w") for queue in Queue] == [None, None]
    claim = new.claim(plan.id)
    new.store.set_run_keys(claim, 0, [digest(f"new {number}") for number in range(4)])
    new.store.complete(claim)
    assert new.store.experiment(experiment.id).status is ExperimentStatus.FAILED
    assert not new.store.plan_anew("1", most=10)


def test_what_is_planned_anew_answers_for_its_spec(old: Laboratory, new: Laboratory) -> None:
    """In the version that it is of now, and in no other."""
    experiment = _anew(old, new)
    assert new.submit().id == experiment.id
    assert old.submit().id != experiment.id


def test_claims_of_before_are_worth_nothing(old: Laboratory, new: Laboratory) -> None:
    """A worker of the old version may still be training; nor is its job taken for lost."""
    experiment = old.planned(batches=1)
    late = old.claim(f"{experiment.id}.0")
    old.store.save_checkpoint(late, b"state")
    new.store.plan_anew("1", most=10)
    for write in (
        lambda: old.store.heartbeat(late, fraction=0.5),
        lambda: old.store.commit_runs(late, finished_runs(old.labels("a spec", 1))),
        lambda: old.store.release(late),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert old.store.checkpoint(late.job) is None
    assert old.store.job(late.job.id) is None
    old.wait(2 * SETTINGS.lease_seconds)
    assert not new.store.tidy("janitor", period=1.0, last=None, elapsed=0.0).lost
    assert new.store.experiment(experiment.id).jobs_total == 1


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_only_what_is_unfinished_is_planned_anew(old: Laboratory, new: Laboratory, status: str) -> None:
    """What is finished stays readable as it is."""
    experiment = old.planned(batches=1)
    if status == "succeeded":
        old.train(experiment, 0)
    elif status == "failed":
        old.kill(f"{experiment.id}.0")
    else:
        old.claim(f"{experiment.id}.0")
        old.store.cancel(experiment.id)
    assert old.store.experiment(experiment.id).status == status
    assert not new.store.plan_anew("1", most=10)
    assert not new.store.plan_anew("3", most=10)
    assert new.store.experiment(experiment.id).numerics == "1"


def test_many_are_planned_anew_a_few_at_a_time(old: Laboratory, new: Laboratory) -> None:
    """Until none is left."""
    made = {old.submit(name=str(number)).id for number in range(5)}
    rounds = [new.store.plan_anew("1", most=2) for _ in range(4)]
    assert [len(each) for each in rounds] == [2, 2, 1, 0]
    assert {each for found in rounds for each in found} == made


def test_a_failed_experiment_of_an_old_version_is_retried_by_its_own(old: Laboratory, new: Laboratory) -> None:
    """Its dead jobs wait for workers of that version; results that are missing are computed by the new one."""
    dead, missing = old.planned("dead", name="dead", batches=1), old.planned("missing", name="missing", batches=1)
    old.store.fail(old.claim(f"{dead.id}.0"), "boom", is_hopeless=True)
    old.store.complete(old.claim(f"{missing.id}.0"))
    assert new.store.retry(dead.id).numerics == "1"
    assert new.store.retry(missing.id).numerics == "2"
    assert old.claim(f"{dead.id}.0").job.attempt == 1
