"""The heartbeats: what they keep alive, what they end, and what they tell the job."""

import threading
from collections.abc import Callable, Iterator

import pytest

from jobs.errors import LeaseLost, StoreFull, StoreUnavailable
from jobs.records import Claim
from jobs.states import JobState
from tests.stepbias.launcher.household import eventually
from tests.worker.workshop import MovableClock, SetAfter, Workshop, spec
from worker.heartbeat import NOTICE_SECONDS, STOP_SECONDS, Heartbeat, Interrupted

STALL_SECONDS = 60.0


class SilentStore(Workshop):
    """A workshop whose store does not answer heartbeats for a while."""

    def __init__(self, failures: int, error: Exception) -> None:
        super().__init__()
        self._failures = failures
        self._error = error
        self._beat = self.store.heartbeat
        self.store.heartbeat = self._heartbeat  # type: ignore[method-assign]  # the one call that fails

    def _heartbeat(self, claim: Claim, *, fraction: float) -> bool:
        self._failures -= 1
        # The first is that of the beginning.
        if 0 <= self._failures < 5:
            raise self._error
        return self._beat(claim, fraction=fraction)


@pytest.fixture
def workshop() -> Workshop:
    """Where the claims come from."""
    return Workshop()


def claimed(workshop: Workshop) -> Claim:
    """A claim of some job."""
    return workshop.claim(f"{workshop.submit(spec())}.plan")


@pytest.fixture
def claim(workshop: Workshop) -> Claim:
    """A claim of some job."""
    return claimed(workshop)


def heartbeat(workshop: Workshop, claim: Claim, clock: Callable[[], float] | None = None) -> Heartbeat:
    """The heartbeats of the claim, of a worker of this clock."""
    return Heartbeat(workshop.context(clock=clock), claim, stall_seconds=STALL_SECONDS)


def beats(workshop: Workshop, count: int = 3) -> bool:
    """Whether the heart beats so many times more."""
    before = workshop.store.beats
    return eventually(lambda: workshop.store.beats >= before + count)


def test_the_store_hears_of_a_claim_before_anything_is_done(workshop: Workshop, claim: Claim) -> None:
    """A worker that is killed at once has had it."""
    with heartbeat(workshop, claim):
        assert workshop.store.beats >= 1
    assert [each.losses for each in workshop.lose_leases()] == [1]


def test_a_job_that_shows_no_sign_keeps_its_lease_for_a_while(workshop: Workshop, claim: Claim) -> None:
    """A linear programme of some seconds is in order."""
    clock = MovableClock()
    with heartbeat(workshop, claim, clock):
        assert beats(workshop)
        clock.move(STALL_SECONDS - 1)
        assert beats(workshop)
    assert workshop.ends == []


def test_a_job_that_stalls_has_failed_and_its_process_is_ended(workshop: Workshop, claim: Claim) -> None:
    """Nothing else stops what does not look up; the reason is on record."""
    clock = MovableClock()
    with heartbeat(workshop, claim, clock) as stalled:
        clock.move(STALL_SECONDS + 1)
        assert eventually(lambda: bool(workshop.ends))
        assert eventually(lambda: not stalled._thread.is_alive())
    (reason,) = workshop.ends
    assert "no sign of life for 61 s" in reason
    assert claim.job.id in reason
    job = workshop.store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.failures, job.losses) == (JobState.QUEUED, 1, 0)
    assert job.error is not None
    assert "no sign of life for 61 s" in job.error


def test_a_sign_of_life_starts_the_patience_afresh(workshop: Workshop, claim: Claim) -> None:
    """What counts is the time since the last one."""
    clock = MovableClock()
    with heartbeat(workshop, claim, clock) as alive:
        for _ in range(3):
            clock.move(STALL_SECONDS - 1)
            alive.check(0.5)
        assert beats(workshop)
    assert workshop.ends == []


def test_the_fraction_is_reported(workshop: Workshop) -> None:
    """With the next heartbeat, as part of the experiment's progress."""
    experiment_id, job = workshop.plan(spec())
    with heartbeat(workshop, workshop.claim(job.id)) as alive:
        alive.check(0.25)
        assert eventually(lambda: workshop.experiment(experiment_id).progress == 0.25)


def test_a_job_is_interrupted_when_its_worker_shuts_down(workshop: Workshop, claim: Claim) -> None:
    """Without waiting for a heartbeat."""
    context = workshop.context(stopping=SetAfter(1))
    with Heartbeat(context, claim, stall_seconds=STALL_SECONDS) as alive:
        alive.check(0.1)
        with pytest.raises(Interrupted):
            alive.check(0.2)


def test_a_job_that_does_not_look_up_is_given_back_as_its_worker_shuts_down(workshop: Workshop, claim: Claim) -> None:
    """As in a long linear programme: who stops a worker three times in a row has not lost three of them."""
    clock, stopping = MovableClock(), threading.Event()
    context = workshop.context(stopping=stopping, clock=clock)
    with Heartbeat(context, claim, stall_seconds=STALL_SECONDS) as busy:
        stopping.set()
        assert beats(workshop)
        clock.move(STOP_SECONDS + 1)
        assert eventually(lambda: bool(workshop.ends))
        assert eventually(lambda: not busy._thread.is_alive())
    (reason,) = workshop.ends
    assert "the worker stops" in reason
    job = workshop.store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.attempt, job.failures, job.losses) == (JobState.QUEUED, 0, 0, 0)


def lost(alive: Heartbeat) -> bool:
    """Whether the job is told that its lease is gone."""
    try:
        alive.check(0.2)
    except LeaseLost:
        return True
    return False


@pytest.mark.parametrize("reason", ["lease", "cancel"])
def test_a_job_that_is_not_its_workers_any_more_is_told_so(workshop: Workshop, claim: Claim, reason: str) -> None:
    """At the first look after a heartbeat, and at every later one."""
    with heartbeat(workshop, claim, MovableClock()) as alive:
        alive.check(0.1)
        if reason == "lease":
            workshop.lose_leases()
        else:
            workshop.store.cancel(claim.job.experiment_id)
        assert eventually(lambda: lost(alive))
        assert lost(alive)
    assert workshop.ends == []


def test_a_job_that_does_not_hear_that_its_lease_is_lost_is_ended(workshop: Workshop, claim: Claim) -> None:
    """After the time of many checks; nothing is said of it in the store, where it is somebody else's."""
    clock = MovableClock()
    with heartbeat(workshop, claim, clock) as deaf:
        workshop.lose_leases()
        assert eventually(lambda: deaf._lost_at is not None)
        clock.move(NOTICE_SECONDS - 1)
        assert beats_no_more(workshop)
        assert workshop.ends == []
        clock.move(2.0)
        assert eventually(lambda: bool(workshop.ends))
    assert "has lost its lease and does not stop" in workshop.ends[0]
    job = workshop.store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.failures) == (JobState.QUEUED, 0)


def beats_no_more(workshop: Workshop) -> bool:
    """Whether no heartbeat comes for some time of them."""
    before = workshop.store.beats
    threading.Event().wait(0.02)
    return workshop.store.beats == before


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a defect")])
def test_a_store_that_is_away_for_a_while_costs_nothing(error: Exception) -> None:
    """It may be restarting; nor does a defect in one heartbeat end all further ones."""
    workshop = SilentStore(6, error)
    claim = claimed(workshop)
    with heartbeat(workshop, claim) as alive:
        assert beats(workshop)
        alive.check(0.5)


def test_a_write_waits_while_the_store_is_full(workshop: Workshop, claim: Claim) -> None:
    """It is made again, with a pause in between, and the job does not stall meanwhile."""
    clock = MovableClock()
    tries: list[float] = []

    def write() -> str:
        tries.append(clock())
        clock.move(STALL_SECONDS - 1)
        if len(tries) < 4:
            raise StoreFull("full")
        return "written"

    with heartbeat(workshop, claim, clock) as alive:
        assert alive.once_there_is_room(write) == "written"
        assert beats(workshop)
    assert len(tries) == 4
    assert workshop.ends == []


def test_a_job_that_waits_for_room_can_be_interrupted(workshop: Workshop, claim: Claim) -> None:
    """A worker that shuts down does not wait for somebody to make room."""

    def write() -> None:
        raise StoreFull("full")

    context = workshop.context(stopping=SetAfter(3))
    with Heartbeat(context, claim, stall_seconds=STALL_SECONDS) as alive, pytest.raises(Interrupted):
        alive.once_there_is_room(write)


def test_the_heart_stops_with_the_job(workshop: Workshop, claim: Claim) -> None:
    """However it ends."""

    def fail() -> Iterator[None]:
        with heartbeat(workshop, claim) as alive:
            assert beats(workshop)
            yield
            raise ValueError(alive)

    with pytest.raises(ValueError, match="Heartbeat") as caught:
        list(fail())
    assert not caught.value.args[0]._thread.is_alive()
