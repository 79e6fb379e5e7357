"""What both stores promise to the janitor, and about documents."""

from collections.abc import Callable

from jobs.records import Queue
from tests.jobs.laboratory import Laboratory, train_job


def test_queued_jobs_are_announced_again_when_their_message_is_old(laboratory: Laboratory) -> None:
    """Once: from then on their message is new. Each queue has its own."""
    store = laboratory.store
    experiment = laboratory.planned(batches=3)
    laboratory.claim(f"{experiment.id}.0")
    assert not store.unannounced(Queue.BATCH, older_than=1000.0)
    laboratory.wait(0.05)
    again = store.unannounced(Queue.BATCH, older_than=0.04)
    assert {message.job_id for message in again} == {f"{experiment.id}.1", f"{experiment.id}.2"}
    assert {message.queue for message in again} == {Queue.BATCH}
    assert not store.unannounced(Queue.BATCH, older_than=10.0)
    assert not store.unannounced(Queue.INTERACTIVE, older_than=-1.0)


def test_jobs_that_wait_are_counted_by_queue(laboratory: Laboratory) -> None:
    """Announced or not; a claimed one no longer waits."""
    store = laboratory.store
    experiment = laboratory.submit()
    assert (store.queued(Queue.INTERACTIVE), store.queued(Queue.BATCH)) == (1, 0)
    plan = laboratory.claim_plan(experiment)
    store.add_jobs(plan, [train_job(experiment, number) for number in range(3)])
    assert (store.queued(Queue.INTERACTIVE), store.queued(Queue.BATCH)) == (0, 3)
    laboratory.claim(train_job(experiment, 0).id)
    assert store.queued(Queue.BATCH) == 2
    store.cancel(experiment.id)
    assert store.queued(Queue.BATCH) == 0


def test_the_oldest_messages_are_sent_again_first(laboratory: Laboratory) -> None:
    """As many as are asked for; the others come next."""
    store = laboratory.store
    experiment = laboratory.submit()
    plan = laboratory.claim_plan(experiment)
    for number in (2, 0, 1):
        store.add_jobs(plan, [train_job(experiment, number)])
        laboratory.wait(0.001)
    first = store.unannounced(Queue.BATCH, older_than=0.0, limit=2)
    laboratory.wait(0.001)
    second = store.unannounced(Queue.BATCH, older_than=0.0, limit=1)
    order = [message.job_id.rsplit(".")[-1] for message in (*first, *second)]
    assert order == ["2", "0", "1"]


def test_a_lock_is_had_by_one_until_its_time_is_over(
    laboratory: Laboratory, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """Other names are other locks."""
    store = laboratory.store
    assert store.try_lock("janitor", seconds=0.2)
    assert not store.try_lock("janitor", seconds=0.2)
    assert store.try_lock("another", seconds=0.2)
    laboratory.wait(0.2)
    eventually(lambda: store.try_lock("janitor", seconds=1000.0))
    assert not store.try_lock("janitor", seconds=0.2)


def test_a_worker_lives_as_long_as_it_beats(
    laboratory: Laboratory, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """For the queues that it serves."""
    store = laboratory.store
    store.beat("one", queues=Queue, seconds=1000.0)
    store.beat("one", queues=Queue, seconds=1000.0)
    store.beat("two", queues=[Queue.BATCH], seconds=0.1)
    assert sorted(store.live_workers(Queue.BATCH)) == ["one", "two"]
    assert store.live_workers(Queue.INTERACTIVE) == ["one"]
    laboratory.wait(0.1)
    eventually(lambda: store.live_workers(Queue.BATCH) == ["one"])


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
