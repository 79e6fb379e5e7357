"""Messages in memory."""

import threading
from collections import deque
from collections.abc import Iterable

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import Sender
from jobs.records import Message, Queue


class MemorySender(Sender):
    """Messages in the order they were sent, until somebody receives them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[Queue, deque[Message]] = {queue: deque() for queue in Queue}

    @override
    def send(self, messages: Iterable[Message]) -> None:
        with self._lock:
            for message in messages:
                self._queues[message.queue].append(message)

    @override
    def waiting(self, queue: Queue) -> int:
        return len(self._queues[queue])

    def receive(self) -> Message | None:
        """The oldest message of the first queue that has any, interactive before batch; None if all are empty."""
        with self._lock:
            return next((waiting.popleft() for waiting in self._queues.values() if waiting), None)
