"""The janitor: finds work that was lost and announces it again. One of all workers does this at a time."""

import logging
import threading
from typing import Final

from jobs.errors import StoreUnavailable
from jobs.records import Queue
from worker.context import WorkerContext

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 2.0
"""A message this young may still be between the broker and a worker."""


class Janitor:
    """Beats for the worker and, where it holds the lock, tidies up, every `janitor_seconds`, from its own thread."""

    def __init__(self, context: WorkerContext, queues: tuple[Queue, ...]) -> None:
        self._context = context
        self._queues = queues
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._over.set()
        self._thread.join()

    def tidy_up(self) -> None:
        """One round: expired leases come back, and jobs whose message seems lost are announced again."""
        store, sender = self._context.store, self._context.sender
        sender.send(store.expire_leases())
        for queue in Queue:
            # As many messages as jobs are enough, whichever they name: more would only pile up. Those that name jobs
            # which are gone are used up by and by, and then what they hid is missing.
            missing = store.queued(queue) - sender.waiting(queue)
            if missing > 0:
                sender.send(store.unannounced(queue, older_than=GRACE_SECONDS, limit=missing))

    def beat(self) -> None:
        """Tell the store that this worker lives."""
        seconds = 5 * self._context.settings.janitor_seconds
        self._context.store.beat(self._context.name, queues=self._queues, seconds=seconds)

    def _run(self) -> None:
        period = self._context.settings.janitor_seconds
        while not self._over.wait(period):
            try:
                self.beat()
                if self._context.store.try_lock("janitor", seconds=period):
                    self.tidy_up()
            except StoreUnavailable as error:
                log.warning("the store does not answer the janitor: %s", error)
            except Exception:
                log.exception("the janitor stumbled, and goes on")
