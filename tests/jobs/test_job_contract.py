"""What both stores promise about jobs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from jobs.errors import LeaseLost, NotPlanned
from jobs.ports import Store
from jobs.records import Claim, JobKind, NewJob, Queue
from jobs.states import ExperimentStatus, JobState
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, figure_request, finished_runs, train_job


def test_of_many_claims_each_gets_another_job(laboratory: Laboratory) -> None:
    """Eight threads claim twenty jobs: each job is had once."""
    experiment = laboratory.planned(batches=20)
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda _: laboratory.store.claim(Queue.BATCH, worker="w"), range(160)))
    had = [claim.job.id for claim in claims if claim]
    assert sorted(had) == sorted(f"{experiment.id}.{number}" for number in range(20))


def test_a_claim_tells_what_to_do(laboratory: Laboratory) -> None:
    """The payload arrives as it was given."""
    experiment = laboratory.planned(batches=1)
    job = laboratory.claim(f"{experiment.id}.0").job
    expected = train_job(experiment, 0)
    assert (job.queue, job.payload, job.work) == (expected.queue, expected.payload, expected.work)
    assert job.kind is JobKind.TRAIN
    assert (job.experiment_id, job.state, job.attempt) == (experiment.id, JobState.RUNNING, 1)
    assert laboratory.store.job(job.id) == job


def test_where_nothing_waits_nothing_is_claimed(laboratory: Laboratory) -> None:
    """Whoever rings twice has somebody look in vain."""
    claim = laboratory.claim(f"{laboratory.planned(batches=1).id}.0")
    assert [laboratory.store.claim(queue, worker="w") for queue in Queue] == [None, None]
    assert laboratory.store.job("nothing") is None
    assert laboratory.store.checkpoint(replace(claim.job, id="nothing")) is None
    assert laboratory.store.checkpoint(replace(claim.job, experiment_id="nothing")) is None


WRITES: dict[str, Callable[[Store, Claim], object]] = {
    "heartbeat": lambda store, claim: store.heartbeat(claim, fraction=0.9),
    "save_checkpoint": lambda store, claim: store.save_checkpoint(claim, b"late"),
    "add_jobs": lambda store, claim: store.add_jobs(claim, [NewJob(id="late", queue=Queue.BATCH, payload={})]),
    "set_run_keys": lambda store, claim: store.set_run_keys(claim, 0, [digest("late")]),
    "commit_runs": lambda store, claim: store.commit_runs(claim, finished_runs(["late"])),
    "complete": lambda store, claim: store.complete(claim),
    "complete with runs": lambda store, claim: store.complete(claim, finished_runs(["late"])),
    "fail": lambda store, claim: store.fail(claim, "late"),
    "fail for good": lambda store, claim: store.fail(claim, "late", is_hopeless=True),
    "release": lambda store, claim: store.release(claim),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("now", ["queued", "running", "succeeded"])
def test_an_outdated_token_writes_nothing(laboratory: Laboratory, write: str, now: str) -> None:
    """Whether the job is queued again, somebody else's, or done."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    outdated = laboratory.claim(f"{experiment.id}.0")
    laboratory.lose(outdated)
    if now != "queued":
        current = laboratory.claim(outdated.job.id)
        assert current.token > outdated.token
        if now == "succeeded":
            store.complete(current)
    before = laboratory.snapshot(experiment)
    with pytest.raises(LeaseLost):
        WRITES[write](store, outdated)
    assert laboratory.snapshot(experiment) == before
    assert store.run(experiment.id, 0) is None
    assert store.checkpoint(outdated.job) is None
    assert store.job("late") is None


def test_a_run_committed_twice_is_counted_once(laboratory: Laboratory) -> None:
    """And keeps its first result, also where another experiment commits it."""
    store = laboratory.store
    experiments = [laboratory.submit("a spec", name=name, runs=2) for name in ("one", "other")]
    for experiment in experiments:
        plan = laboratory.claim_plan(experiment)
        store.set_run_keys(plan, 0, [digest("a"), digest("b")])
        store.add_jobs(plan, [train_job(experiment, 0)])
        store.complete(plan)
    one, other = experiments
    first, second = laboratory.claim(f"{one.id}.0"), laboratory.claim(f"{other.id}.0")
    assert store.commit_runs(first, finished_runs(["a", "b"], outcome="diverged")) == 2
    assert store.commit_runs(first, finished_runs(["a", "b"])) == 0
    assert store.commit_runs(second, finished_runs(["b"], 1)) == 1
    assert store.experiment(one.id).outcomes == {"diverged": 2}
    assert store.experiment(other.id).outcomes == {"diverged": 1}
    run = store.run(other.id, 1)
    assert run is not None
    assert run.outcome == "diverged"


def test_stored_runs_are_read_back_bit_by_bit(laboratory: Laboratory) -> None:
    """By index; None where nothing is stored, nothing beyond the last run."""
    store = laboratory.store
    experiment = laboratory.planned()
    labels = laboratory.labels("a spec")
    laboratory.claim(f"{experiment.id}.0")
    store.commit_runs(laboratory.claim(f"{experiment.id}.1"), finished_runs(labels[2:], 2))
    expected = [None, None, *(each.run.summary for each in finished_runs(labels[2:]))]
    assert list(store.summaries(experiment.id, 0, 4)) == expected
    assert list(store.summaries(experiment.id, 1, 3)) == expected[1:3]
    assert list(store.summaries(experiment.id, 2, 99)) == expected[2:]
    assert list(store.summaries(experiment.id, 4, 9)) == []
    assert store.run(experiment.id, 3) == finished_runs(labels[3:])[0].run
    assert store.run(experiment.id, 0) is None
    assert store.run(experiment.id, 99) is None


def test_the_first_missing_run_is_told(laboratory: Laboratory) -> None:
    """Not the one behind the last that is stored: runs end in any order. Where none is missing it is their number."""
    store = laboratory.store
    experiment = laboratory.planned(batches=5)
    claims = [laboratory.claim(train_job(experiment, number).id) for number in range(5)]
    labels = laboratory.labels("a spec", 5)
    found = []
    for number in (1, 0, 2, 4, 3):
        store.commit_runs(claims[number], finished_runs(labels[2 * number : 2 * number + 2], start=2 * number))
        found.append(store.first_missing(experiment.id))
    assert found == [0, 4, 6, 6, 10]


def test_run_keys_may_come_in_any_order_of_chunks(laboratory: Laboratory) -> None:
    """What is not planned yet has no run."""
    store = laboratory.store
    laboratory.train(laboratory.planned(batches=1), 0)
    experiment = laboratory.submit("another", runs=5)
    plan = laboratory.claim_plan(experiment)
    labels = laboratory.labels("a spec", 1)
    assert list(store.set_run_keys(plan, 3, [digest(labels[0]), digest("missing")])) == [4]
    assert [summary is not None for summary in store.summaries(experiment.id, 0, 5)] == [False] * 3 + [True, False]
    assert list(store.set_run_keys(plan, 0, [digest(labels[1])])) == []
    assert store.experiment(experiment.id).runs_reused == 2


def test_a_run_key_is_a_digest(laboratory: Laboratory) -> None:
    """Anything else is refused before anything is written."""
    plan = laboratory.claim_plan(laboratory.submit())
    for key in ("", "abc", "g" * 64, "ab" * 31):
        with pytest.raises(ValueError, match="hex"):
            laboratory.store.set_run_keys(plan, 0, [key])


def test_jobs_recorded_twice_are_recorded_once(laboratory: Laboratory) -> None:
    """They stay as they are, even where one of them has been claimed meanwhile."""
    store = laboratory.store
    experiment = laboratory.submit()
    plan = laboratory.claim_plan(experiment)
    store.add_jobs(plan, [train_job(experiment, 0)])
    laboratory.claim(f"{experiment.id}.0")
    store.add_jobs(plan, [train_job(experiment, 0, work=5.0), train_job(experiment, 1)])
    assert [(job.id.rsplit(".")[-1], job.state, job.work) for job in store.jobs(experiment.id)] == [
        ("plan", JobState.RUNNING, 1.0),
        ("0", JobState.RUNNING, 100.0),
        ("1", JobState.QUEUED, 100.0),
    ]


def test_a_lost_worker_gives_its_job_back(laboratory: Laboratory) -> None:
    """After the lease, not before; the checkpoint is kept for the next worker."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    store.save_checkpoint(claim, b"old")
    store.save_checkpoint(claim, b"\x00state")
    (lost,) = laboratory.lose(claim)
    assert (lost.job_id, lost.experiment_id) == (claim.job.id, experiment.id)
    assert (lost.attempt, lost.losses, lost.state) == (1, 1, JobState.QUEUED)
    job = store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.losses, job.failures, job.error) == (JobState.QUEUED, 1, 0, None)
    again = laboratory.claim(claim.job.id)
    assert (again.job.attempt, store.checkpoint(claim.job)) == (2, b"\x00state")
    store.complete(again)
    assert store.checkpoint(claim.job) is None


def test_a_claim_of_which_nobody_was_heard_is_no_loss(laboratory: Laboratory) -> None:
    """Its answer was lost on the way: nobody had the job, however often that happens."""
    experiment = laboratory.planned(batches=1)
    for _ in range(2 * SETTINGS.max_attempts):
        (lost,) = laboratory.lose(laboratory.claim(f"{experiment.id}.0"), is_heard=False)
        assert (lost.losses, lost.state) == (0, JobState.QUEUED)
    (lost,) = laboratory.lose(laboratory.claim(f"{experiment.id}.0"))
    assert (lost.losses, lost.state) == (1, JobState.QUEUED)
    # That somebody was heard of the claim before says nothing of this one.
    (lost,) = laboratory.lose(laboratory.claim(f"{experiment.id}.0"), is_heard=False)
    assert (lost.losses, lost.state) == (1, JobState.QUEUED)


def test_a_heartbeat_renews_the_lease(laboratory: Laboratory) -> None:
    """A worker that reports in time is not lost, however long it takes in all."""
    experiment = laboratory.planned()
    silent, diligent = (laboratory.claim(f"{experiment.id}.{number}") for number in (0, 1))
    while laboratory.state(silent.job.id) is JobState.RUNNING:
        laboratory.wait(SETTINGS.lease_seconds / 10)
        laboratory.store.heartbeat(diligent, fraction=0.5)
        laboratory.store.tidy("janitor", period=1.0, last=None, elapsed=0.0)
    assert laboratory.state(diligent.job.id) is JobState.RUNNING


def test_a_job_whose_workers_disappear_dies(laboratory: Laboratory) -> None:
    """After the last attempt, with a reason."""
    experiment = laboratory.planned(batches=1)
    job_id = f"{experiment.id}.0"
    lost = [each for _ in range(SETTINGS.max_attempts) for each in laboratory.lose(laboratory.claim(job_id))]
    assert [each.state for each in lost] == [JobState.QUEUED, JobState.QUEUED, JobState.DEAD]
    job = laboratory.store.job(job_id)
    assert job is not None
    assert (job.state, job.losses, job.failures) == (JobState.DEAD, 3, 0)
    assert job.error == "its worker disappeared 3 times (killed, out of memory, or cut off from the store)"
    now = laboratory.store.experiment(experiment.id)
    assert (now.status, now.error) == (ExperimentStatus.FAILED, job.error)
    assert laboratory.store.claim(Queue.BATCH, worker="w") is None


def test_a_job_that_moves_on_between_losses_never_dies_of_them(laboratory: Laboratory) -> None:
    """Each checkpoint forgives the workers lost before it: long work survives any number of restarts."""
    store = laboratory.store
    job_id = f"{laboratory.planned().id}.0"
    for _ in range(2 * SETTINGS.max_attempts):
        claim = laboratory.claim(job_id)
        store.save_checkpoint(claim, b"further on")
        laboratory.lose(claim)
    job = store.job(job_id)
    assert job is not None
    assert (job.state, job.losses, job.attempt) == (JobState.QUEUED, 1, 2 * SETTINGS.max_attempts)


def test_errors_and_losses_are_counted_together_and_recorded_apart(laboratory: Laboratory) -> None:
    """Two errors and a loss are three attempts."""
    experiment = laboratory.planned(batches=1)
    job_id = f"{experiment.id}.0"
    laboratory.store.fail(laboratory.claim(job_id), "one")
    laboratory.store.fail(laboratory.claim(job_id), "two")
    laboratory.lose(laboratory.claim(job_id))
    job = laboratory.store.job(job_id)
    assert job is not None
    assert (job.state, job.losses, job.failures, job.attempt) == (JobState.DEAD, 1, 2, 3)
    assert job.error is not None
    assert "disappeared once" in job.error
    assert job.error.endswith("it failed 2 times: two")


def test_the_error_of_a_failed_attempt_is_told(laboratory: Laboratory) -> None:
    """While attempts are left, and after the last."""
    experiment = laboratory.planned(batches=1)
    job_id = f"{experiment.id}.0"
    found = []
    for number in range(3):
        laboratory.store.fail(laboratory.claim(job_id), f"error {number}")
        job = laboratory.store.job(job_id)
        assert job is not None
        found.append((job.state, job.failures, job.losses, job.error))
    assert found == [
        (JobState.QUEUED, 1, 0, "error 0"),
        (JobState.QUEUED, 2, 0, "error 1"),
        (JobState.DEAD, 3, 0, "error 2"),
    ]


def test_a_hopeless_error_is_not_tried_again(laboratory: Laboratory) -> None:
    """The next attempt would meet it too; a retry by a person is another matter."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    store.fail(laboratory.claim(f"{experiment.id}.0"), "no memory", is_hopeless=True)
    (_, job) = store.jobs(experiment.id)
    assert (job.state, job.attempt, job.failures, job.error) == (JobState.DEAD, 1, 1, "no memory")
    assert store.experiment(experiment.id).error == "no memory"
    store.retry(experiment.id)
    laboratory.train(experiment, 0)
    assert store.experiment(experiment.id).status is ExperimentStatus.SUCCEEDED


def test_releasing_costs_no_attempt(laboratory: Laboratory) -> None:
    """Workers may be restarted as often as one likes; the progress of the attempt is not counted meanwhile."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    job_id = f"{experiment.id}.0"
    for _ in range(2 * SETTINGS.max_attempts):
        claim = laboratory.claim(job_id)
        assert claim.job.attempt == 1
        store.heartbeat(claim, fraction=0.5)
        store.save_checkpoint(claim, b"state")
        store.release(claim)
    job = store.job(job_id)
    assert job is not None
    assert (job.state, job.attempt, job.failures, job.losses) == (JobState.QUEUED, 0, 0, 0)
    assert store.checkpoint(job) == b"state"
    assert store.experiment(experiment.id).progress == pytest.approx(0.0)


@pytest.mark.parametrize("call", ["complete", "fail", "release"])
def test_an_attempt_ends_once(laboratory: Laboratory, call: str) -> None:
    """Its first reply may have been lost: the same call again changes nothing, nor does another."""
    store = laboratory.store
    experiment = laboratory.planned()
    claim = laboratory.claim(f"{experiment.id}.0")
    WRITES[call](store, claim)
    before = laboratory.snapshot(experiment)
    for again in ("complete", "fail", "release"):
        with pytest.raises(LeaseLost):
            WRITES[again](store, claim)
    assert laboratory.snapshot(experiment) == before


def test_a_checkpoint_goes_with_a_cancelled_job(laboratory: Laboratory) -> None:
    """Nobody will ever go on from it."""
    store = laboratory.store
    experiment = laboratory.planned()
    released, running = (laboratory.claim(f"{experiment.id}.{number}") for number in (0, 1))
    for claim in (released, running):
        store.save_checkpoint(claim, b"state")
    store.release(released)
    store.cancel(experiment.id)
    assert store.checkpoint(released.job) is None
    assert store.checkpoint(running.job) is None


def test_a_run_that_was_not_planned_is_not_stored(laboratory: Laboratory) -> None:
    """Nor is anything that comes with it: planner and worker disagree about what the run is."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    sound = finished_runs(laboratory.labels("a spec", 1)[:1])
    before = laboratory.snapshot(experiment)
    for strange in (finished_runs(["strange"], 1), finished_runs(["a spec 0"], 1), finished_runs(["beyond"], 7)):
        with pytest.raises(NotPlanned, match=f"run {strange[0].index} "):
            store.commit_runs(claim, [*sound, *strange])
        with pytest.raises(NotPlanned, match=f"run {strange[0].index} "):
            store.complete(claim, [*sound, *strange])
    assert laboratory.snapshot(experiment) == before
    assert store.run(experiment.id, 0) is None
    assert store.commit_runs(claim, sound) == 1


def test_a_job_is_completed_with_its_last_runs(laboratory: Laboratory) -> None:
    """Those that were stored before are not counted again, and the experiment has ended by that."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    runs = finished_runs(laboratory.labels("a spec", 1))
    store.commit_runs(claim, runs[:1])
    store.complete(claim, runs)
    ended = store.experiment(experiment.id)
    assert (ended.status, ended.runs_done, ended.outcomes) == (ExperimentStatus.SUCCEEDED, 2, {"converged": 2})
    assert ended.finished_at is not None
    assert [store.run(experiment.id, index) for index in range(2)] == [each.run for each in runs]


def test_figures_are_asked_for_once_and_had_in_order(laboratory: Laboratory) -> None:
    """Each by one worker; a wish that was granted lately is not made again before its time."""
    store = laboratory.store
    first, second = figure_request("figure:1"), figure_request("figure:2")
    assert store.next_figure() is None
    assert [store.request_figure(each, seconds=1000.0) for each in (first, second, first)] == [True, True, False]
    assert [store.next_figure() for _ in range(3)] == [first, second, None]
    assert not store.request_figure(first, seconds=1000.0)
    assert store.next_figure() is None


def test_a_figure_that_did_not_come_is_asked_for_again(
    laboratory: Laboratory, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """Its worker may have died over it."""
    store = laboratory.store
    assert store.request_figure(figure_request(), seconds=0.05)
    assert store.next_figure() is not None
    laboratory.wait(0.05)
    eventually(lambda: store.request_figure(figure_request(), seconds=0.05))
    assert store.next_figure() == figure_request()


def test_figures_are_no_jobs(laboratory: Laboratory) -> None:
    """No claim is had to one, and no experiment counts it."""
    store = laboratory.store
    store.request_figure(figure_request(), seconds=1000.0)
    assert [store.claim(queue, worker="w") for queue in Queue] == [None, None]
    assert not any(store.look_around(queue).waiting for queue in Queue)
