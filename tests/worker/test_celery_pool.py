"""The pool of a worker whose size is changed while it lives: by Celery's autoscaler, or by whoever may give orders."""

import os
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from worker.celery_pool import MOST_GROWN, CeleryPool


@pytest.fixture
def processes() -> Iterator[list[int]]:
    """Three children that live."""
    started = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    yield [each.pid for each in started]
    for each in started:
        each.kill()
        each.wait()


def _worker(processes: list[int], *, most: int | None = None) -> Any:
    """What is asked of Celery's worker: `most` is that of an autoscaler."""
    there = SimpleNamespace(_pool=[SimpleNamespace(pid=pid) for pid in processes], _processes=len(processes))
    return SimpleNamespace(
        concurrency=1,
        max_concurrency=most,
        autoscaler=None if most is None else SimpleNamespace(max_concurrency=most),
        pool=SimpleNamespace(_pool=there),
        consumer=SimpleNamespace(connection=object()),
    )


def test_a_pool_that_was_grown_by_hand_has_its_new_processes(processes: list[int]) -> None:
    """`pool_grow` says nothing of the concurrency that the worker was started with; each has a row of its own."""
    worker = _worker(processes[:1])
    pool = CeleryPool(worker)
    assert (pool.idle(), pool.processes()) == (1, 1)
    grown = _worker(processes)
    worker.pool = grown.pool
    assert (pool.idle(), pool.processes()) == (3, 3)
    for index, pid in enumerate(processes):
        row = pool._table.row(index)
        _as_process(row, pid)
        assert pool.at_work() == index + 1
    assert pool.idle() == 0
    worker.pool = _worker(processes[:2]).pool
    assert (pool.idle(), pool.at_work(), pool.processes()) == (0, 2, 2)


def _as_process(row: Any, pid: int) -> None:
    """As that process writes it."""
    real = os.getpid
    try:
        os.getpid = lambda: pid
        row.begin()
    finally:
        os.getpid = real


def test_a_pool_that_scales_itself_may_be_given_another_range(processes: list[int]) -> None:
    """What it would grow by is idle, as `autoscale` has it now."""
    worker = _worker(processes[:1], most=2)
    pool = CeleryPool(worker)
    assert pool.idle() == 2
    worker.autoscaler.max_concurrency = 5
    assert (pool.idle(), pool.processes()) == (5, 5)


def test_rows_are_there_for_more_than_a_machine_has_cores() -> None:
    """They are made before the processes, and none is ever shared by two that live."""
    assert (os.cpu_count() or 1) < MOST_GROWN
