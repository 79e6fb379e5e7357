"""A client that submits, looks, cancels and retries for as long as the campaign lasts, and believes what it is told."""

import itertools
import threading
from collections.abc import Iterator
from typing import Any, Final

import httpx2

from tests.faults.ledger import Entry, Ledger
from tests.faults.load import Drawn, Wish

FINAL: Final = {"succeeded", "cancelled"}
TIMEOUT: Final = 5.0
MOST_RETRIES: Final = 10

_PAUSE: Final = 0.1
_BREATH: Final = 0.06


class LoadClient:
    """One client in a thread of its own.

    Args:
        url: of the service.
        wishes: what to submit, one after the other.
        ledger: of all clients.
        period: seconds between two submissions.
        most: no more experiments than this are under way at a time.
    """

    def __init__(
        self, url: str, wishes: Iterator[tuple[Wish, Drawn]], ledger: Ledger, *, period: float, most: int = 25
    ) -> None:
        self._http = httpx2.Client(base_url=url, timeout=TIMEOUT, trust_env=False)
        self._wishes = wishes
        self._ledger = ledger
        self._period = period
        self._most = most
        self._mine: dict[str, Entry] = {}
        self._latest: dict[Drawn, Entry] = {}
        self._turn = itertools.count()
        self._is_over = threading.Event()
        self._gives_up = threading.Event()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="client", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Submit nothing more."""
        self._is_over.set()

    def is_busy(self) -> bool:
        """Whether something it submitted is not finished, or it goes on submitting."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Look after nothing any more, whatever is unfinished."""
        self._gives_up.set()
        self._thread.join()
        self._http.close()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - shown in the verdict
            self.error = error

    def _work(self) -> None:
        due = self._ledger.now()
        while not self._gives_up.is_set() and not (self._is_over.is_set() and not self._mine):
            if not self._is_over.is_set() and self._ledger.now() >= due and len(self._mine) < self._most:
                due = max(due + self._period, self._ledger.now())
                self._fulfil(*next(self._wishes))
            elif self._mine:
                self._look(list(self._mine.values())[next(self._turn) % len(self._mine)])
            self._gives_up.wait(_BREATH)

    def _fulfil(self, wish: Wish, drawn: Drawn) -> None:
        entry = self._submit(drawn)
        if entry is None:
            return
        before = self._latest.get(drawn)
        if before is not None and before is not entry and not before.is_cancelled:
            self._ledger.find_doubled(f"{drawn.name} is both {before.id} and {entry.id}")
        self._latest[drawn] = self._mine[entry.id] = entry
        if wish is Wish.CANCELLED:
            self._ledger.cancel(entry)
            self._until_done("POST", f"/v1/experiments/{entry.id}/cancel")

    def _submit(self, drawn: Drawn) -> Entry | None:
        sent_at = self._ledger.now()
        answer = self._until_done("POST", "/v1/experiments", drawn.document())
        if answer is None:
            return None
        return self._ledger.accept(drawn, answer.json(), code=answer.status_code, sent_at=sent_at)

    def _look(self, entry: Entry) -> None:
        answer = self._send("GET", f"/v1/experiments/{entry.id}")
        if answer is None:
            return
        document = answer.json()
        entry.status = document["status"]
        if entry.status == "failed" and len(entry.failures) < MOST_RETRIES:
            self._ledger.fail(entry, document["error"])
            self._until_done("POST", f"/v1/experiments/{entry.id}/retry")
        elif entry.status in {*FINAL, "failed"}:
            entry.finished_at = entry.finished_at or self._ledger.now()
            del self._mine[entry.id]

    def _until_done(self, method: str, path: str, document: Any = None) -> httpx2.Response | None:
        """The answer to a request that is sent until it is granted; None where the client gives up."""
        while not self._gives_up.is_set():
            answer = self._send(method, path, document)
            if answer is not None:
                return answer
            self._gives_up.wait(_PAUSE)
        return None

    def _send(self, method: str, path: str, document: Any = None) -> httpx2.Response | None:
        """The answer, if it is what was wished for; anything else is counted."""
        what = f"{method} {path.rsplit('/', 1)[-1]}" if method == "POST" else method
        try:
            answer = self._http.request(method, path, json=document)
        except httpx2.TransportError as error:
            self._ledger.refuse(f"{what}: {type(error).__name__}")
            return None
        # A retry whose first answer was lost is no longer wanted.
        if answer.is_success or (path.endswith("/retry") and answer.status_code == httpx2.codes.CONFLICT):
            return answer
        self._ledger.refuse(f"{what}: {answer.status_code}")
        return None
