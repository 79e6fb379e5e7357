"""The pulse: what it keeps alive, what it lets go, and what it tells the job."""

from collections.abc import Iterator

import pytest

from jobs.errors import LeaseLost, StoreUnavailable
from jobs.records import Claim, plan_job_id
from tests.stepbias.launcher.processes import eventually
from tests.worker.workshop import MovableClock, SetAfter, Workshop, spec
from worker.pulse import STALL_SECONDS, Pulse, PutDown


class SilentStore(Workshop):
    """A workshop whose store does not answer heartbeats for a while."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self._failures = failures
        self._beat = self.store.heartbeat
        self.store.heartbeat = self._heartbeat  # type: ignore[method-assign]  # the one call that fails

    def _heartbeat(self, claim: Claim, *, fraction: float) -> bool:
        self._failures -= 1
        if self._failures >= 0:
            raise StoreUnavailable("away")
        return self._beat(claim, fraction=fraction)


@pytest.fixture
def workshop() -> Workshop:
    """Where the claims come from."""
    return Workshop()


def claimed(workshop: Workshop) -> Claim:
    """A claim of some job."""
    claim = workshop.store.claim(plan_job_id(workshop.submit(spec())), worker="worker")
    assert claim is not None
    return claim


@pytest.fixture
def claim(workshop: Workshop) -> Claim:
    """A claim of some job."""
    return claimed(workshop)


def beats(workshop: Workshop, count: int = 3) -> bool:
    """Whether the heart beats so many times more."""
    before = workshop.store.beats
    return eventually(lambda: workshop.store.beats >= before + count)


def test_a_job_that_shows_no_sign_keeps_its_lease_for_a_while(workshop: Workshop, claim: Claim) -> None:
    """A linear programme of a minute is in order."""
    clock = MovableClock()
    with Pulse(workshop.context(clock=clock), claim):
        assert beats(workshop)
        clock.move(STALL_SECONDS - 1)
        assert beats(workshop)


def test_a_stuck_job_is_no_longer_kept_alive(workshop: Workshop, claim: Claim) -> None:
    """Its heart stops, so that its lease runs out."""
    clock = MovableClock()
    with Pulse(workshop.context(clock=clock), claim) as pulse:
        assert beats(workshop)
        clock.move(STALL_SECONDS + 1)
        assert eventually(lambda: not pulse._thread.is_alive())
        workshop.lose_leases()
    assert workshop.store.claim(claim.job.id, worker="the next") is not None


def test_a_sign_of_life_starts_the_patience_afresh(workshop: Workshop, claim: Claim) -> None:
    """What counts is the time since the last one."""
    clock = MovableClock()
    with Pulse(workshop.context(clock=clock), claim) as pulse:
        for _ in range(3):
            clock.move(STALL_SECONDS - 1)
            pulse.check(0.5)
        assert beats(workshop)


def test_the_fraction_is_reported(workshop: Workshop) -> None:
    """With the next heartbeat, as part of the experiment's progress."""
    experiment_id, job = workshop.plan(spec())
    claim = workshop.store.claim(job.id, worker="worker")
    assert claim is not None
    with Pulse(workshop.context(), claim) as pulse:
        pulse.check(0.25)
        assert eventually(lambda: workshop.experiment(experiment_id).progress == 0.25)


def test_a_cancelled_job_is_put_down(workshop: Workshop, claim: Claim) -> None:
    """At the first look after a heartbeat, and at every later one."""
    with Pulse(workshop.context(), claim) as pulse:
        pulse.check(0.1)
        workshop.store.cancel(claim.job.experiment_id)
        assert beats(workshop)
        for _ in range(2):
            with pytest.raises(PutDown):
                pulse.check(0.2)


def test_a_job_is_put_down_when_its_worker_shuts_down(workshop: Workshop, claim: Claim) -> None:
    """Without waiting for a heartbeat."""
    with Pulse(workshop.context(stopping=SetAfter(1)), claim) as pulse:
        pulse.check(0.1)
        with pytest.raises(PutDown):
            pulse.check(0.2)


def test_a_lost_lease_is_told_to_the_job(workshop: Workshop, claim: Claim) -> None:
    """Also where its experiment was cancelled besides: the job is somebody else's to hand back."""
    with Pulse(workshop.context(), claim) as pulse:
        workshop.lose_leases()
        assert eventually(lambda: not pulse._thread.is_alive())
        workshop.store.cancel(claim.job.experiment_id)
        with pytest.raises(LeaseLost):
            pulse.check(0.2)


def test_a_store_that_is_away_for_a_while_costs_nothing() -> None:
    """It may be restarting."""
    workshop = SilentStore(failures=5)
    claim = claimed(workshop)
    with Pulse(workshop.context(), claim) as pulse:
        assert beats(workshop)
        pulse.check(0.5)


def test_the_heart_stops_with_the_job(workshop: Workshop, claim: Claim) -> None:
    """However it ends."""

    def fail() -> Iterator[None]:
        with Pulse(workshop.context(), claim) as pulse:
            assert beats(workshop)
            yield
            raise ValueError(pulse)

    with pytest.raises(ValueError, match="Pulse") as caught:
        list(fail())
    pulse = caught.value.args[0]
    assert not pulse._thread.is_alive()
