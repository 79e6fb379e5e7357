"""What a worker works with."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol

from core.experiment.known_problems import KnownProblems
from jobs.ports import Store
from jobs.records import Claim, Queue
from jobs.settings import Settings
from worker.present_work import Watch

log = logging.getLogger(__name__)


TINY_SECONDS: Final = 0.05
"""A job of its own costs the workers and the store about as much."""


class Flag(Protocol):
    """Something that is set once: an event of a thread, or of a process."""

    def is_set(self) -> bool:
        """Whether it has been set."""
        ...


def end_process(reason: str) -> None:
    """End this process at once, whatever its other threads do; the worker starts another in its place."""
    log.error("this process ends itself: %s", reason)
    logging.shutdown()
    os._exit(70)


def ring_for_nobody(queue: Queue, times: int) -> None:
    """Where nobody listens, or all look by themselves."""


@dataclass(frozen=True, kw_only=True)
class WorkerContext:
    """The store and settings of one worker. `stopping` is set when the worker is asked to shut down softly.

    `ring` wakes so many of a queue's workers, as `jobs.ports.Doorbell.ring`, which may be lost. `watch` is told of
    every attempt.

    An experiment of less than `tiny_seconds` of predicted work is trained by the first attempt of its plan. What is
    known of the `problems` that were worked on last is kept for the jobs to come.
    """

    store: Store
    settings: Settings
    name: str
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    ring: Callable[[Queue, int], None] = ring_for_nobody
    watch: Watch = nullcontext
    tiny_seconds: float = TINY_SECONDS
    problems: KnownProblems = field(default_factory=KnownProblems)
    stopping: Flag = field(default_factory=threading.Event)
    end_process: Callable[[str], None] = end_process

    @staticmethod
    def naming(claim: Claim) -> str:
        """What the log calls an attempt."""
        job = claim.job
        return f"experiment {job.experiment_id}, job {job.id}, attempt {job.attempt}"
