"""The janitor: what was lost comes back, and one of all workers sees to it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from jobs.errors import StoreUnavailable
from jobs.records import Message, Queue, plan_job_id
from jobs.settings import Settings
from jobs.states import ExperimentStatus, JobState
from tests.stepbias.launcher.processes import eventually
from tests.worker.workshop import Workshop, spec
from worker.janitor import GRACE_SECONDS, Janitor

BOTH = (Queue.INTERACTIVE, Queue.BATCH)


@pytest.fixture
def workshop() -> Workshop:
    """A workshop whose janitor comes a thousand times a second, where it is started."""
    return Workshop(Settings(janitor_seconds=0.001, lease_seconds=10.0, max_attempts=3))


def janitor(workshop: Workshop) -> Janitor:
    """One that serves both queues."""
    return Janitor(workshop.context(), BOTH)


@contextmanager
def at_work(*janitors: Janitor) -> Iterator[None]:
    """Janitors that go round by themselves until the end of the block."""
    for each in janitors:
        each.start()
    try:
        yield
    finally:
        for each in janitors:
            each.stop()


def test_a_lost_message_is_sent_again(workshop: Workshop) -> None:
    """Once it is older than a message can be under way, and then not at once again."""
    experiment_id = workshop.submit(spec())
    assert workshop.take_messages() == [plan_job_id(experiment_id)]
    janitor(workshop).tidy_up()
    assert workshop.take_messages() == []
    workshop.clock.move(GRACE_SECONDS)
    janitor(workshop).tidy_up()
    assert workshop.take_messages() == [plan_job_id(experiment_id)]
    janitor(workshop).tidy_up()
    assert workshop.take_messages() == []


def test_there_are_never_more_messages_than_jobs_that_wait(workshop: Workshop) -> None:
    """However long the queue stands: as many as were lost are sent again, the oldest first."""
    lost = workshop.submit(spec(), name="lost")
    workshop.take_messages()
    waiting = workshop.submit(spec(), name="waiting")
    for _ in range(20):
        workshop.clock.move(100 * GRACE_SECONDS)
        janitor(workshop).tidy_up()
    assert workshop.take_messages() == [plan_job_id(each) for each in (waiting, lost)]


def test_a_job_whose_lease_ran_out_comes_back(workshop: Workshop) -> None:
    """Its worker was killed; after the third, the job is dead and its experiment says why."""
    experiment_id = workshop.submit(spec())
    for losses in (1, 2, 3):
        workshop.take_messages()
        assert workshop.store.claim(plan_job_id(experiment_id), worker="killed") is not None
        janitor(workshop).tidy_up()
        assert workshop.store.jobs(experiment_id)[0].state is JobState.RUNNING
        workshop.clock.move(workshop.settings.lease_seconds)
        janitor(workshop).tidy_up()
        assert workshop.store.jobs(experiment_id)[0].losses == losses
        assert workshop.take_messages() == ([plan_job_id(experiment_id)] if losses < 3 else [])
    record = workshop.experiment(experiment_id)
    assert record.status is ExperimentStatus.FAILED
    assert record.error is not None
    assert "its worker disappeared 3 times" in record.error


def test_an_experiment_whose_every_message_is_lost_is_finished(workshop: Workshop) -> None:
    """By the janitor's messages alone."""
    experiment_id = workshop.submit(spec())
    workshop.take_messages()
    for _ in range(2):
        workshop.clock.move(GRACE_SECONDS)
        janitor(workshop).tidy_up()
        for job_id in workshop.take_messages():
            workshop.sender, lost = type(workshop.sender)(), workshop.sender
            workshop.perform(job_id)
            workshop.sender = lost
    assert workshop.experiment(experiment_id).outcomes == {"converged": 6}


def test_a_worker_is_known_to_live(workshop: Workshop) -> None:
    """On the queues it serves, for as long as its janitor comes by."""
    Janitor(workshop.context(), (Queue.BATCH,)).beat()
    assert [len(workshop.store.live_workers(queue)) for queue in BOTH] == [0, 1]
    workshop.clock.move(5 * workshop.settings.janitor_seconds)
    assert [len(workshop.store.live_workers(queue)) for queue in BOTH] == [0, 0]


def counted(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, int]]:
    """Counts the heartbeats and the rounds of all janitors."""
    counts = {"beats": 0, "rounds": 0}
    beat, expire = workshop.store.beat, workshop.store.expire_leases

    def counting_beat(worker: str, *, queues: Sequence[Queue], seconds: float) -> None:
        counts["beats"] += 1
        beat(worker, queues=queues, seconds=seconds)

    def counting_expire() -> Sequence[Message]:
        counts["rounds"] += 1
        return expire()

    monkeypatch.setattr(workshop.store, "beat", counting_beat)
    monkeypatch.setattr(workshop.store, "expire_leases", counting_expire)
    return lambda: (counts["beats"], counts["rounds"])


def test_only_the_janitor_with_the_lock_tidies_up(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody has it, others only beat; the store's clock stands nearly still here, so that it stays theirs."""
    counts = counted(workshop, monkeypatch)
    assert workshop.store.try_lock("janitor", seconds=1e6)
    with at_work(janitor(workshop), janitor(workshop)):
        assert eventually(lambda: counts()[0] >= 20)
        assert counts()[1] == 0
        workshop.clock.move(1e6)
        assert eventually(lambda: counts()[1] >= 1)


def test_a_round_of_one_janitor_is_no_round_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is kept for a whole period of the store's clock, not just for the moment of tidying up."""
    workshop = Workshop(Settings(janitor_seconds=0.05))
    counts = counted(workshop, monkeypatch)
    with at_work(*(janitor(workshop) for _ in range(4))):
        assert eventually(lambda: counts()[0] >= 12)
    assert counts()[1] == 1


def test_a_store_that_does_not_answer_is_asked_again(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a defect in one round end all further ones."""
    errors: list[Exception] = [StoreUnavailable("away"), StoreUnavailable("still away"), RuntimeError("a defect")]
    expire, came_back = workshop.store.expire_leases, threading.Event()

    def stumble() -> Sequence[Message]:
        workshop.clock.move(1)  # so that the lock is free for the next round
        if errors:
            raise errors.pop(0)
        came_back.set()
        return expire()

    monkeypatch.setattr(workshop.store, "expire_leases", stumble)
    with at_work(janitor(workshop)):
        assert came_back.wait(30)
