"""What both stores promise about jobs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.errors import LeaseLost
from jobs.ports import Store
from jobs.records import Claim, Queue
from jobs.states import ExperimentStatus, JobState
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, figure_job, finished_runs, train_job


def test_one_of_many_claims_gets_the_job(laboratory: Laboratory) -> None:
    """Eight threads claim twenty jobs: each job is had once."""
    experiment = laboratory.planned(batches=20)
    wanted = [f"{experiment.id}.{number}" for number in range(20)] * 8
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda job_id: laboratory.store.claim(job_id, worker="w"), wanted))
    had = [claim.job.id for claim in claims if claim]
    assert sorted(had) == sorted(set(wanted))


def test_a_claim_tells_what_to_do(laboratory: Laboratory) -> None:
    """The payload arrives as it was given."""
    experiment = laboratory.planned(batches=1)
    job = laboratory.claim(f"{experiment.id}.0").job
    expected = train_job(experiment, 0)
    assert (job.kind, job.queue, job.payload, job.work) == (
        expected.kind,
        expected.queue,
        expected.payload,
        expected.work,
    )
    assert (job.experiment_id, job.state, job.attempt) == (experiment.id, JobState.RUNNING, 1)
    assert laboratory.store.job(job.id) == job


def test_there_is_no_claim_to_an_unknown_job(laboratory: Laboratory) -> None:
    """A message may outlive its job."""
    assert laboratory.store.claim("nothing", worker="w") is None
    assert laboratory.store.job("nothing") is None
    assert laboratory.store.checkpoint("nothing") is None


WRITES: dict[str, Callable[[Store, Claim], object]] = {
    "heartbeat": lambda store, claim: store.heartbeat(claim, fraction=0.9),
    "save_checkpoint": lambda store, claim: store.save_checkpoint(claim, b"late"),
    "add_jobs": lambda store, claim: store.add_jobs(claim, [figure_job("late")]),
    "set_run_keys": lambda store, claim: store.set_run_keys(claim, 0, [digest("late")]),
    "commit_runs": lambda store, claim: store.commit_runs(claim, finished_runs(["late"])),
    "complete": lambda store, claim: store.complete(claim),
    "fail": lambda store, claim: store.fail(claim, "late"),
    "hand_back": lambda store, claim: store.hand_back(claim),
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
    assert store.checkpoint(outdated.job.id) is None
    assert store.job("late") is None


def test_a_run_committed_twice_is_counted_once(laboratory: Laboratory) -> None:
    """And keeps its first result, also where another experiment commits it."""
    store = laboratory.store
    one, other = laboratory.planned("one", batches=1), laboratory.planned("other", batches=1)
    first, second = laboratory.claim(f"{one.id}.0"), laboratory.claim(f"{other.id}.0")
    assert store.commit_runs(first, finished_runs(["one 0", "one 1"], outcome="diverged")) == 2
    assert store.commit_runs(first, finished_runs(["one 0", "one 1"])) == 0
    assert store.commit_runs(second, finished_runs(["one 0"], 1)) == 1
    assert store.experiment(one.id).outcomes == {"diverged": 2}
    assert store.experiment(other.id).outcomes == {"diverged": 1}
    run = store.run(one.id, 0)
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
    (message,) = laboratory.lose(claim)
    assert (message.job_id, message.queue) == (claim.job.id, Queue.BATCH)
    job = store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.losses, job.failures, job.error) == (JobState.QUEUED, 1, 0, None)
    again = laboratory.claim(claim.job.id)
    assert (again.job.attempt, store.checkpoint(claim.job.id)) == (2, b"\x00state")
    store.complete(again)
    assert store.checkpoint(claim.job.id) is None


def test_a_heartbeat_renews_the_lease(laboratory: Laboratory) -> None:
    """A worker that reports in time is not lost, however long it takes in all."""
    experiment = laboratory.planned()
    silent, diligent = (laboratory.claim(f"{experiment.id}.{number}") for number in (0, 1))
    while laboratory.state(silent.job.id) is JobState.RUNNING:
        laboratory.wait(SETTINGS.lease_seconds / 10)
        laboratory.store.heartbeat(diligent, fraction=0.5)
        laboratory.store.expire_leases()
    assert laboratory.state(diligent.job.id) is JobState.RUNNING


def test_a_job_whose_workers_disappear_dies(laboratory: Laboratory) -> None:
    """After the last attempt, with a reason; nothing is sent for it any more."""
    experiment = laboratory.planned(batches=1)
    job_id = f"{experiment.id}.0"
    sent = [laboratory.lose(laboratory.claim(job_id)) for _ in range(SETTINGS.max_attempts)]
    assert [len(messages) for messages in sent] == [1, 1, 0]
    job = laboratory.store.job(job_id)
    assert job is not None
    assert (job.state, job.losses, job.failures) == (JobState.DEAD, 3, 0)
    assert job.error == "its worker disappeared 3 times (killed, out of memory, or cut off from the store)"
    now = laboratory.store.experiment(experiment.id)
    assert (now.status, now.error) == (ExperimentStatus.FAILED, job.error)
    assert laboratory.store.claim(job_id, worker="w") is None


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
    assert laboratory.store.fail(laboratory.claim(job_id), "one") is not None
    assert laboratory.store.fail(laboratory.claim(job_id), "two") is not None
    laboratory.lose(laboratory.claim(job_id))
    job = laboratory.store.job(job_id)
    assert job is not None
    assert (job.state, job.losses, job.failures, job.attempt) == (JobState.DEAD, 1, 2, 3)
    assert job.error is not None
    assert "disappeared once" in job.error
    assert job.error.endswith("it failed 2 times: two")


def test_the_error_of_a_failed_attempt_is_told(laboratory: Laboratory) -> None:
    """With the message to send while attempts are left, and none after the last."""
    experiment = laboratory.planned(batches=1)
    job_id = f"{experiment.id}.0"
    messages = [laboratory.store.fail(laboratory.claim(job_id), f"error {number}") for number in range(3)]
    assert [message is not None for message in messages] == [True, True, False]
    job = laboratory.store.job(job_id)
    assert job is not None
    assert (job.state, job.failures, job.losses, job.error) == (JobState.DEAD, 3, 0, "error 2")


def test_handing_back_costs_no_attempt(laboratory: Laboratory) -> None:
    """Workers may be restarted as often as one likes; the progress of the attempt is not counted meanwhile."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    job_id = f"{experiment.id}.0"
    for _ in range(2 * SETTINGS.max_attempts):
        claim = laboratory.claim(job_id)
        store.heartbeat(claim, fraction=0.5)
        store.save_checkpoint(claim, b"state")
        message = store.hand_back(claim)
        assert message is not None
        assert message.job_id == job_id
    job = store.job(job_id)
    assert job is not None
    assert (job.state, job.failures, job.losses) == (JobState.QUEUED, 0, 0)
    assert store.checkpoint(job_id) == b"state"
    assert store.experiment(experiment.id).progress == pytest.approx(0.0)


@pytest.mark.parametrize("call", ["complete", "fail", "hand_back"])
def test_the_call_that_ended_an_attempt_may_come_again(laboratory: Laboratory, call: str) -> None:
    """Its first reply may have been lost: the second changes nothing and answers the same."""
    store = laboratory.store
    experiment = laboratory.planned()
    claim = laboratory.claim(f"{experiment.id}.0")
    first = WRITES[call](store, claim)
    before = laboratory.snapshot(experiment)
    assert WRITES[call](store, claim) == first
    assert laboratory.snapshot(experiment) == before
    for other in {"complete", "fail", "hand_back"} - {call}:
        with pytest.raises(LeaseLost):
            WRITES[other](store, claim)


def test_a_checkpoint_goes_with_a_cancelled_job(laboratory: Laboratory) -> None:
    """Nobody will ever go on from it."""
    store = laboratory.store
    experiment = laboratory.planned()
    handed_back, running = (laboratory.claim(f"{experiment.id}.{number}") for number in (0, 1))
    for claim in (handed_back, running):
        store.save_checkpoint(claim, b"state")
    store.hand_back(handed_back)
    store.cancel(experiment.id)
    store.hand_back(running)
    assert store.checkpoint(handed_back.job.id) is None
    assert store.checkpoint(running.job.id) is None


def test_a_figure_is_no_part_of_its_experiments_count(laboratory: Laboratory) -> None:
    """It is asked for once while it waits, and drawn though the experiment is cancelled."""
    store = laboratory.store
    experiment = laboratory.planned()
    store.cancel(experiment.id)
    before = store.experiment(experiment.id)
    message = store.request(figure_job(), experiment_id=experiment.id)
    assert message is not None
    assert (message.job_id, message.queue) == ("figure", Queue.INTERACTIVE)
    assert store.request(figure_job(), experiment_id=experiment.id) is None
    claim = laboratory.claim("figure")
    assert claim.job.experiment_id == experiment.id
    assert store.heartbeat(claim, fraction=0.5)
    assert store.request(figure_job(), experiment_id=experiment.id) is None
    store.complete(claim)
    assert store.experiment(experiment.id) == before
    assert len(store.jobs(experiment.id)) == 3


@pytest.mark.parametrize("ending", ["succeeded", "dead"])
def test_a_figure_asked_for_again_begins_a_new_life(laboratory: Laboratory, ending: str) -> None:
    """With fresh attempts, and out of reach for the workers of its former life."""
    store = laboratory.store
    store.request(figure_job(), experiment_id="e")
    old = laboratory.claim("figure")
    store.fail(old, "boom")
    if ending == "succeeded":
        old = laboratory.claim("figure")
        store.complete(old)
    else:
        for _ in range(2):
            store.fail(laboratory.claim("figure"), "boom")
    assert laboratory.state("figure") == ending
    assert store.request(figure_job(), experiment_id="e") is not None
    job = store.job("figure")
    assert job is not None
    assert (job.state, job.attempt, job.failures, job.error) == (JobState.QUEUED, 0, 0, None)
    laboratory.claim("figure")
    with pytest.raises(LeaseLost):
        store.complete(old)


def test_a_job_that_nobody_counts_cannot_store_runs(laboratory: Laboratory) -> None:
    """There is no grid in which they would have a place."""
    laboratory.store.request(figure_job(), experiment_id="e")
    claim = laboratory.claim("figure")
    for write in ("add_jobs", "set_run_keys", "commit_runs"):
        with pytest.raises(ValueError, match="no experiment's count"):
            WRITES[write](laboratory.store, claim)
