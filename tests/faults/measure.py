"""When work goes on: the progress of all that is unfinished, read from the store itself, beside the clients."""

import bisect
import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Self

from jobs.errors import JobsError
from jobs.redis_store import RedisStore
from tests.faults.ledger import Ledger

PERIOD: Final = 0.2
MOST_WATCHED: Final = 40


class Watch:
    """Notes the moments at which a run or a job was done anywhere, in a thread of its own.

    Attributes:
        progress: these moments, on the ledger's clock.
        longest_standstill: the most seconds for which there was something to do, nothing was done, and no fault held.
    """

    def __init__(self, store: RedisStore, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._known: dict[str, int] = {}
        self._holding = threading.Event()
        self._over = threading.Event()
        self.progress: list[float] = []
        self.longest_standstill = 0.0
        self._alive_at = ledger.now()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """A fault lasts for the block: standstill does not count."""
        self._holding.set()
        try:
            yield
        finally:
            self._alive_at = self._ledger.now()
            self._holding.clear()

    def standstill(self) -> float:
        """Seconds for which there has been something to do, and nothing done."""
        return self._ledger.now() - self._alive_at

    def await_progress(self, since: float, patience: float) -> float | None:
        """The seconds from then to the next progress; None where there is none in time."""
        while self._ledger.now() < since + patience:
            if (moment := first_after(since, self.progress)) is not None:
                return moment - since
            self._over.wait(PERIOD / 2)
        return None

    def _run(self) -> None:
        while not self._over.wait(PERIOD):
            watched = [entry.id for entry in self._ledger.unfinished()[:MOST_WATCHED]]
            grown = sum(self._has_grown(each) for each in watched)
            now = self._ledger.now()
            if grown:
                self.progress.append(now)
            if grown or not watched or self._holding.is_set():
                self._alive_at = now
            else:
                self.longest_standstill = max(self.longest_standstill, self.standstill())

    def _has_grown(self, experiment_id: str) -> bool:
        try:
            found = self._store.experiment(experiment_id)
        except JobsError:
            return False
        done = found.runs_done + found.jobs_done
        has_grown = done > self._known.get(experiment_id, 0)
        self._known[experiment_id] = max(done, self._known.get(experiment_id, 0))
        return has_grown


def first_after(since: float, moments: Sequence[float]) -> float | None:
    """The first of the moments, which are in order, after one."""
    place = bisect.bisect_right(moments, since)
    return moments[place] if place < len(moments) else None


def percentile(numbers: Iterable[float], percent: float) -> float:
    """The smallest number that so many per cent do not exceed; NaN of none."""
    ordered = sorted(numbers)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)] if ordered else math.nan


def upper_bound(trials: int) -> float:
    """Nothing happened in so many independent trials: with 95 % confidence its probability is at most this.

    1 − 0.05^(1/n), the exact bound of Clopper and Pearson at no success.
    """
    return 1.0 - 0.05 ** (1.0 / trials) if trials else 1.0
