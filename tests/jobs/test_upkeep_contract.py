"""What both stores promise to the janitors, and about documents."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobs.owned_store import owned
from jobs.records import LiveWorker, Ownership, Queue, Round
from jobs.states import JobState
from tests.jobs.laboratory import SETTINGS, Laboratory, figure_request, train_job


def tidy(laboratory: Laboratory, caller: str = "janitor", **known: Any) -> Round:
    """A round of a janitor that comes once in a thousand seconds."""
    return laboratory.store.tidy(caller, **{"period": 1000.0, "last": None, "elapsed": 0.0} | known)


def next_round(laboratory: Laboratory, *, away: float) -> Round:
    """Two rounds, so long apart that leases run out; in between, the store was away for so many seconds besides."""
    before = tidy(laboratory)
    laboratory.wait(2 * SETTINGS.lease_seconds)
    elapsed = tidy(laboratory, "who is told the time").at - before.at
    return tidy(laboratory, last=before.at - away, elapsed=elapsed)


def test_what_waits_is_told_by_queue(laboratory: Laboratory) -> None:
    """Experiments and jobs; what is claimed or cancelled does not wait."""
    store = laboratory.store

    def waiting() -> list[list[tuple[str, int, int]]]:
        found = (store.look_around(queue).waiting for queue in (Queue.INTERACTIVE, Queue.BATCH))
        return [[(each.numerics, each.experiments, each.jobs) for each in every] for every in found]

    experiment = laboratory.submit()
    version = experiment.numerics
    assert waiting() == [[(version, 1, 1)], []]
    plan = laboratory.claim_plan(experiment)
    store.add_jobs(plan, [train_job(experiment, number) for number in range(3)])
    assert waiting() == [[], [(version, 1, 3)]]
    laboratory.claim(train_job(experiment, 0).id)
    assert waiting() == [[], [(version, 1, 2)]]
    laboratory.planned("another", batches=4)
    assert waiting() == [[], [(version, 2, 6)]]
    store.cancel(experiment.id)
    assert waiting() == [[], [(version, 1, 4)]]


def test_it_is_told_for_how_long_nobody_has_taken_what_waits(laboratory: Laboratory) -> None:
    """Since it began to wait, or since the last claim; where nothing waits there is nothing to tell."""
    store = laboratory.store

    def untaken() -> float:
        (found,) = store.look_around(Queue.BATCH).waiting
        return found.untaken_seconds

    laboratory.wait(0.3)
    started = time.monotonic()
    experiment = laboratory.planned(batches=3)
    assert untaken() <= time.monotonic() - started + 0.01
    laboratory.wait(0.3)
    assert untaken() >= 0.3
    started = time.monotonic()
    first = laboratory.claim(f"{experiment.id}.0")
    assert untaken() <= time.monotonic() - started + 0.01
    laboratory.claim(f"{experiment.id}.1")
    laboratory.claim(f"{experiment.id}.2")
    laboratory.wait(0.3)
    started = time.monotonic()
    store.release(first)
    assert untaken() <= time.monotonic() - started + 0.01


@pytest.mark.parametrize("away", [-7200.0, 7200.0])
def test_for_how_long_nobody_takes_what_waits_is_no_matter_of_a_clock(laboratory: Laboratory, away: float) -> None:
    """After one is set back two hours would pass in which nobody hears that work waits."""
    laboratory.planned()
    laboratory.wait(2 * SETTINGS.lease_seconds)
    assert next_round(laboratory, away=away).jump == pytest.approx(away, abs=1.0)
    (found,) = laboratory.store.look_around(Queue.BATCH).waiting
    assert (found.untaken_seconds > 7000) if away < 0 else found.untaken_seconds == 0.0


def test_work_that_waits_is_counted_until_it_is_enough(laboratory: Laboratory) -> None:
    """Jobs of the version of who asks, of all owners and priorities; figures in the queue that people wait for."""
    store, other = laboratory.store, laboratory.of_version("another").store

    def waiting(most: int) -> list[int]:
        return [store.work_waiting(queue, most=most) for queue in (Queue.INTERACTIVE, Queue.BATCH)]

    assert waiting(9) == [0, 0]
    laboratory.planned("one", batches=3)
    laboratory.planned("another", batches=4)
    assert [waiting(most) for most in (0, 2, 5, 9)] == [[0, 0], [0, 2], [0, 5], [0, 7]]
    laboratory.submit("a third")
    owned(store, Ownership(owner="ada")).request_figure(figure_request(), seconds=10.0)
    store.request_figure(figure_request("figure:f"), seconds=10.0)
    assert [waiting(most) for most in (1, 2, 9)] == [[1, 1], [2, 2], [3, 7]]
    assert [other.work_waiting(queue, most=9) for queue in Queue] == [0, 0]


def test_a_worker_lives_as_long_as_it_registers(
    laboratory: Laboratory, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """For the queues that it serves, with what it said last."""
    store = laboratory.store
    one, two = LiveWorker(name="one", numerics="1", idle=2, processes=4), LiveWorker(name="two", numerics="2", idle=0)
    store.register(one, queues=Queue, seconds=50.0)
    store.register(replace(one, idle=1), queues=Queue, seconds=50.0)
    store.register(two, queues=[Queue.BATCH], seconds=0.1)
    assert set(store.look_around(Queue.BATCH).workers) == {replace(one, idle=1), two}
    assert store.look_around(Queue.INTERACTIVE).workers == (replace(one, idle=1),)
    laboratory.wait(0.1)
    eventually(lambda: store.look_around(Queue.BATCH).workers == (replace(one, idle=1),))


def test_one_of_all_callers_is_the_janitor(
    laboratory: Laboratory, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """Until it has not come for three periods; nothing happens in the rounds of the others."""
    claim = laboratory.claim(f"{laboratory.planned(batches=1).id}.0")
    assert tidy(laboratory, "first", period=0.1).is_janitor
    laboratory.wait(SETTINGS.lease_seconds)
    second = tidy(laboratory, "second", period=0.1)
    assert (second.is_janitor, second.lost) == (False, ())
    assert laboratory.state(claim.job.id) is JobState.RUNNING
    assert tidy(laboratory, "first", period=0.1).is_janitor
    laboratory.wait(0.3)
    eventually(lambda: tidy(laboratory, "second").is_janitor)
    assert not tidy(laboratory, "first").is_janitor


@pytest.mark.parametrize("away", [30.0, 7200.0])
def test_time_in_which_nobody_could_renew_a_lease_does_not_count_against_it(
    laboratory: Laboratory, away: float
) -> None:
    """The store was away, or its clock was set forward: to the janitor less time has passed than to the store."""
    claim = laboratory.claim(f"{laboratory.planned(batches=1).id}.0")
    found = next_round(laboratory, away=away)
    assert found.jump == pytest.approx(away, abs=0.9)
    assert found.lost == ()
    laboratory.store.heartbeat(claim, fraction=0.5)


def test_a_worker_that_is_slow_itself_gains_no_time(laboratory: Laboratory) -> None:
    """What passed for the janitor as for the store is no outage."""
    claim = laboratory.claim(f"{laboratory.planned(batches=1).id}.0")
    found = next_round(laboratory, away=0.0)
    assert found.jump == 0.0
    assert [each.job_id for each in found.lost] == [claim.job.id]


def test_documents_are_kept_for_good_or_for_a_time(
    laboratory: Laboratory, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """Bit by bit; the first one put is the one that is there."""
    store = laboratory.store
    assert store.document("analysis") is None
    store.put_document("analysis", b"\x00\xff")
    store.put_document("analysis", b"made again")
    store.put_document("figure", b"png", seconds=0.1)
    assert store.document("analysis") == b"\x00\xff"
    laboratory.wait(0.1)
    eventually(lambda: store.document("figure") is None)
    assert store.document("analysis") == b"\x00\xff"


def test_a_store_that_is_there_answers(laboratory: Laboratory) -> None:
    """The readiness of the service rests on it."""
    assert laboratory.store.ping()


def test_who_has_just_become_the_janitor_ends_nothing(laboratory: Laboratory) -> None:
    """It cannot know for how long the store was away; in its next round it knows."""
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    laboratory.store.heartbeat(claim, fraction=0.1)
    laboratory.wait(2 * SETTINGS.lease_seconds)
    first = laboratory.store.tidy("new", period=1000.0, last=None, elapsed=0.0)
    assert (first.is_janitor, first.lost) == (True, ())
    assert [each.losses for each in laboratory.store.tidy("new", period=1000.0, last=None, elapsed=0.0).lost] == [1]


def test_a_jump_is_made_up_for_once(laboratory: Laboratory) -> None:
    """However often the round is asked for, because its answer was lost: the lease would else end at once."""
    experiment = laboratory.planned(batches=1)
    laboratory.store.tidy("w", period=1000.0, last=None, elapsed=0.0)
    claim = laboratory.claim(f"{experiment.id}.0")
    laboratory.store.heartbeat(claim, fraction=0.1)
    last = laboratory.store.tidy("w", period=1000.0, last=None, elapsed=0.0).at + 7200.0
    rounds = [laboratory.store.tidy("w", period=1000.0, last=last, elapsed=0.0) for _ in range(2)]
    assert rounds[0].jump < -7000
    assert rounds[1].jump == 0
