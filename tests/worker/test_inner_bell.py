"""The bell inside a worker, and the table of what its processes do."""

import multiprocessing
import os

import pytest

from jobs.records import Queue
from worker.inner_bell import MOST_WAITING, InnerBell
from worker.pool_table import PoolTable

FORK = multiprocessing.get_context("fork")


def test_a_ring_is_heard_once_and_in_its_queue() -> None:
    """By whoever comes first."""
    bell = InnerBell()
    assert bell.hear() is None
    bell.ring(Queue.BATCH, 2)
    bell.ring(Queue.INTERACTIVE, 1)
    bell.wait()
    assert [bell.hear() for _ in range(4)] == [Queue.BATCH, Queue.BATCH, Queue.INTERACTIVE, None]


def test_nobody_who_rings_ever_waits() -> None:
    """However many rings nobody hears."""
    bell = InnerBell()
    for _ in range(1000):
        bell.ring(Queue.BATCH, 10 * MOST_WAITING)
    assert bell.hear() is Queue.BATCH


def test_a_ring_is_heard_in_another_process() -> None:
    """Which was forked after the bell was made, and before it was rung."""
    bell = InnerBell()

    def listen() -> None:
        bell.wait()
        os._exit(0 if bell.hear() is Queue.BATCH else 1)

    child = FORK.Process(target=listen)
    child.start()
    bell.ring(Queue.BATCH, 1)
    child.join(30)
    assert child.exitcode == 0
    assert bell.hear() is None


def test_the_table_counts_those_that_live_and_work() -> None:
    """A row of a process that is gone is nobody's; what was begun stays counted."""
    table = PoolTable(3)
    here = os.getpid()
    row = table.row(1)
    assert (table.busy({here}), table.begun()) == (0, 0)
    row.begin()
    assert (table.busy({here}), table.busy(set()), table.begun()) == (1, 0, 1)
    row.end()
    assert (table.busy({here}), table.begun()) == (0, 1)
    successor = table.row(1)
    successor.begin()
    assert (table.busy({here}), table.begun()) == (1, 2)


def test_the_table_shows_what_is_said_until_it_is_over() -> None:
    """Of processes that live."""
    table = PoolTable(2)
    row = table.row(0)
    row.begin()
    assert list(table.texts({os.getpid()})) == []
    row.say({"name": "stepbias.train"})
    assert list(table.texts({os.getpid()})) == [{"name": "stepbias.train", "pid": os.getpid()}]
    assert list(table.texts({1})) == []
    assert table.busy({os.getpid()}) == 1
    row.say({"name": "x" * 10_000})
    assert list(table.texts({os.getpid()})) == [{"name": "stepbias.train", "pid": os.getpid()}], "too long to be shown"
    row.say_nothing()
    assert list(table.texts({os.getpid()})) == []


def test_a_process_that_is_killed_leaves_its_row_to_its_successor() -> None:
    """Nothing is locked."""
    table = PoolTable(1)

    def work() -> None:
        table.row(0).begin()
        os._exit(9)

    child = FORK.Process(target=work)
    child.start()
    child.join(30)
    assert child.exitcode == 9
    assert child.pid is not None
    assert table.busy({child.pid}) == 1
    table.row(0)
    assert (table.busy({child.pid, os.getpid()}), table.begun()) == (0, 1)


@pytest.mark.parametrize("index", [0, 7, 8, 1000])
def test_no_number_of_a_process_is_out_of_the_table(index: int) -> None:
    """It would be the end of the process."""
    table = PoolTable(8)
    table.row(index).begin()
    assert table.begun() == 1
