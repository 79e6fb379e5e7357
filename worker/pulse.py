"""The pulse of a job: heartbeats while it is worked on, and the moment it must be put down."""

import threading
from types import TracebackType
from typing import Self

from jobs.errors import LeaseLost, StoreUnavailable
from jobs.records import Claim
from worker.context import WorkerContext

STALL_SECONDS = 1800.0
"""A job that shows no sign of life for so long is stuck: its heartbeats end, and its lease goes to somebody else."""


class PutDown(Exception):
    """The job is to be handed back now: its experiment is being cancelled, or the worker is shutting down."""


class Pulse:
    """Beats from a thread of its own, so that a long linear programme keeps its lease; the job looks in with `check`.

    The thread only keeps alive what shows signs of life: each `check` is one.
    """

    def __init__(self, context: WorkerContext, claim: Claim) -> None:
        self._context = context
        self._claim = claim
        self._fraction = 0.0
        self._last_sign = context.clock()
        self._over = threading.Event()
        self._lost = False
        self._cancelled = False
        self._thread = threading.Thread(target=self._beat_until_over, name=f"pulse of {claim.job.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def check(self, fraction: float) -> None:
        """A sign of life from the job, with the fraction of it that is done.

        Raises:
            LeaseLost: somebody else has the job now.
            PutDown: the experiment is being cancelled, or this worker shuts down.
        """
        self._fraction = fraction
        self._last_sign = self._context.clock()
        if self._lost:
            raise LeaseLost("the lease ran out while the job was worked on")
        if self._cancelled or self._context.stopping.is_set():
            raise PutDown

    def _beat_until_over(self) -> None:
        while not self._over.wait(self._context.settings.heartbeat_seconds):
            if self._context.clock() - self._last_sign > STALL_SECONDS:
                return
            try:
                self._cancelled |= not self._context.store.heartbeat(self._claim, fraction=self._fraction)
            except LeaseLost:
                self._lost = True
                return
            except StoreUnavailable:
                # The store may be restarting; if it stays away longer than the lease, the next beat says so.
                continue
