"""The ledger: what clients were told, which is what the service is held to."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.load import Drawn


@dataclass(kw_only=True, slots=True)
class Entry:
    """An experiment that the service has accepted; times are seconds of this process's monotonic clock.

    Attributes:
        id: as answered.
        drawn: what was asked for.
        accepted_at: when it was first accepted.
        is_cancelled: the client has asked for that.
        failures: its errors, each followed by a retry of the client's.
        status: the last that was heard.
        finished_at: when it was heard that it is finished.
    """

    id: str
    drawn: Drawn
    accepted_at: float
    is_cancelled: bool = False
    failures: list[str] = field(default_factory=list)
    status: str = "accepted"
    finished_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """A submission that was answered 202 or 200: when it was first sent, when the answer came."""

    sent_at: float
    answered_at: float
    code: int


class Ledger:
    """Of all clients; each line of the file is there before the client goes on."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a", buffering=1)
        self._clock = clock
        self.entries: dict[str, Entry] = {}
        self.acceptances: list[Acceptance] = []
        self.refusals: Counter[str] = Counter()
        self.doubled: list[str] = []

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def now(self) -> float:
        """Seconds of the clock of all entries."""
        return self._clock()

    def accept(self, drawn: Drawn, answer: Any, *, code: int, sent_at: float) -> Entry:
        """Note an accepted submission; the experiment's entry, which may be an old one."""
        acceptance = Acceptance(sent_at=sent_at, answered_at=self.now(), code=code)
        self._note(id=answer["id"], code=code, **asdict(drawn))
        with self._lock:
            self.acceptances.append(acceptance)
            new = Entry(id=answer["id"], drawn=drawn, accepted_at=acceptance.answered_at)
            return self.entries.setdefault(answer["id"], new)

    def cancel(self, entry: Entry) -> None:
        """Note that the client wants this one cancelled."""
        self._note(id=entry.id, wish="cancel")
        entry.is_cancelled = True

    def fail(self, entry: Entry, error: str) -> None:
        """Note that it has failed, and that the client is about to have it retried."""
        self._note(id=entry.id, wish="retry", error=error)
        entry.failures.append(error)

    def refuse(self, reason: str) -> None:
        """Count an answer that a client did not want, or that did not come."""
        with self._lock:
            self.refusals[reason] += 1

    def find_doubled(self, sentence: str) -> None:
        """Note that the service has taken one experiment for two."""
        with self._lock:
            self.doubled.append(sentence)

    def _note(self, **fields: Any) -> None:
        line = json.dumps({"at": round(self.now(), 3), **fields}) + "\n"
        with self._lock:
            self._file.write(line)

    def unfinished(self) -> list[Entry]:
        """Experiments of which nobody has heard that they are finished, in the order of their acceptance."""
        with self._lock:
            return [entry for entry in self.entries.values() if entry.finished_at is None]
