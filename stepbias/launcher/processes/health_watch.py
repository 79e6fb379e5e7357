"""Asks a living process again and again whether it works: one that is stopped, or hangs, shows no end to anybody."""

import time
import traceback
from math import ceil
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from stepbias.launcher.processes.complaint import complain
from stepbias.launcher.processes.managed import ProcessLife, Undecided

PROBE_INTERVAL: Final = 2.0
"""Seconds between two probes: a few milliseconds of CPU time each."""


class HealthWatch:
    """Watches one life of a process from a thread of its own, until the end of the block or `end`.

    A life is given up when it has failed every probe for the patience of its process. It is not blamed before it was
    ready once, or has had the time for that; nor for what cannot be told, such as whether a worker works while the
    store is away. Failures are counted, not timed: a machine that slept shows one of them, however long it slept.
    """

    def __init__(self, life: ProcessLife) -> None:
        self._life = life
        self._tolerated = ceil(life.spec.patience / PROBE_INTERVAL)
        self._failures = 0
        self._verdict: str | None = None
        self._stumbled: str | None = None
        self._over = Event()
        self._thread = Thread(target=self._watch, name=f"watch of {life.spec.name}", daemon=True)

    def start(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def end(self) -> None:
        """Ask nothing more; the answer to a question that has been asked is of no interest."""
        self._over.set()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def verdict(self) -> str | None:
        """Why the life is given up, as a clause; None while it is not."""
        return self._verdict

    def look(self) -> None:
        """Ask once, and judge."""
        try:
            lack = self._life.missing()
        except Undecided:
            self._failures = 0
        except Exception as error:  # noqa: BLE001 - reported; the watch must outlive it
            self._failures = 0
            self._report(error)
        else:
            self._judge(lack)

    def _judge(self, lack: str | None) -> None:
        may_be_blamed = self._life.was_ready or self._life.age > self._life.spec.ready_timeout
        self._failures = self._failures + 1 if lack is not None and may_be_blamed else 0
        if self._failures > self._tolerated:
            self._verdict = lack

    def _watch(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = time.monotonic() + PROBE_INTERVAL
            self.look()

    def _report(self, error: Exception) -> None:
        """An error of ours, once for as long as it is the same: the watch goes on."""
        if repr(error) != self._stumbled and not self._over.is_set():
            self._stumbled = repr(error)
            trace = "".join(traceback.format_exception(error))
            complain(f"it cannot be told whether {self._life.spec.name} works: {error!r}\n{trace}")
