"""The heartbeats of a job while it is worked on, and the moment at which it must be interrupted."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self, TypeVar

from jobs.errors import LeaseLost, StoreFull, StoreUnavailable
from jobs.records import Claim
from worker.context import WorkerContext

log = logging.getLogger(__name__)

NOTICE_SECONDS: Final = 10.0
"""How long a job that has lost its lease may go on before its process is ended: the time of many checks."""

STOP_SECONDS: Final = 5.0
"""A worker that stops waits so long for a job to look up; soon after, its processes are killed."""

LONG_SILENCE: Final = 10.0
"""So many times as long as a batch an analysis may give no sign of life: a linear programme is solved or not."""

_Answer = TypeVar("_Answer")


class Interrupted(Exception):
    """The job is to be given back now: the worker is shutting down."""


class Heartbeat:
    """Beats from a thread of its own, so that a long linear programme keeps its lease; the job looks in with `check`.

    The thread only keeps alive what shows signs of life: each `check` is one. What shows none for `stall_seconds` has
    failed, and what does not see that its lease is gone is in nobody's interest: in both cases the process is ended.
    """

    def __init__(self, context: WorkerContext, claim: Claim, *, stall_seconds: float) -> None:
        self._context = context
        self._claim = claim
        self._stall_seconds = stall_seconds
        self._fraction = 0.0
        self._last_sign = context.clock()
        self._over = threading.Event()
        self._lost_at: float | None = None
        self._stops_at: float | None = None
        self._thread = threading.Thread(target=self._beat_until_over, name=f"heart of {claim.job.id}", daemon=True)

    def __enter__(self) -> Self:
        # At once: a claim of which the store never hears is one whose answer was lost.
        self._beat()
        try:
            self._thread.start()
        except RuntimeError as error:
            # There is no room for another stack. Whatever was tried in this process would fail as fast.
            raise MemoryError(str(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def being_patient(self) -> Iterator[None]:
        """Inside, silence may last `LONG_SILENCE` times as long."""
        usual = self._stall_seconds
        self._stall_seconds = LONG_SILENCE * usual
        try:
            yield
        finally:
            self._last_sign = self._context.clock()
            self._stall_seconds = usual

    def check(self, fraction: float) -> None:
        """A sign of life from the job, with the fraction of it that is done.

        Raises:
            LeaseLost: the job is not this worker's any more: the lease ran out, or the experiment was cancelled.
            Interrupted: this worker shuts down.
        """
        self._fraction = fraction
        self._last_sign = self._context.clock()
        if self._lost_at is not None:
            raise LeaseLost("its lease ran out, or its experiment was cancelled, while it was worked on")
        if self._context.stopping.is_set():
            raise Interrupted

    def once_there_is_room(self, write: Callable[[], _Answer]) -> _Answer:
        """The answer to a write, made again for as long as the store is full: a full store is no lost worker.

        Raises:
            LeaseLost, Interrupted: as `check`, in the meantime.
        """
        while True:
            try:
                return write()
            except StoreFull as reason:
                log.warning("%s waits: %s", self._context.naming(self._claim), reason)
                self.check(self._fraction)
                self._context.pause(self._context.settings.janitor_seconds)

    def _beat_until_over(self) -> None:
        while not self._over.wait(self._context.settings.heartbeat_seconds):
            try:
                self._look_after_it()
            except StoreUnavailable:
                # The store may be restarting; if it stays away longer than the lease, the next beat says so.
                continue
            except Exception:
                log.exception("a heartbeat of %s stumbled, and goes on", self._context.naming(self._claim))

    def _look_after_it(self) -> None:
        now = self._context.clock()
        silent = now - self._last_sign
        if self._lost_at is not None:
            if now - self._lost_at > NOTICE_SECONDS:
                self._end("it has lost its lease and does not stop")
        elif self._is_to_stop(now):
            # A worker that was asked to stop is not a lost one, however often that happens within one linear programme.
            with suppress(LeaseLost):
                self._context.store.release(self._claim)
            self._end("the worker stops, and it does not look up")
        elif silent > self._stall_seconds:
            reason = f"it has shown no sign of life for {silent:.0f} s"
            with suppress(LeaseLost):
                self._context.store.fail(self._claim, reason)
            self._end(reason)
        else:
            self._beat()

    def _is_to_stop(self, now: float) -> bool:
        """Whether the worker has been stopping for long enough."""
        if self._context.stopping.is_set() and self._stops_at is None:
            self._stops_at = now
        return self._stops_at is not None and now - self._stops_at > STOP_SECONDS

    def _beat(self) -> None:
        try:
            self._context.store.heartbeat(self._claim, fraction=self._fraction)
        except LeaseLost:
            self._lost_at = self._context.clock()

    def _end(self, reason: str) -> None:
        self._over.set()
        self._context.end_process(f"{self._context.naming(self._claim)}: {reason}")
