"""What a worker works with."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from jobs.ports import Sender, Store
from jobs.settings import Settings


class Flag(Protocol):
    """Something that is set once: an event of a thread, or of a process."""

    def is_set(self) -> bool:
        """Whether it has been set."""
        ...


@dataclass(frozen=True, kw_only=True)
class WorkerContext:
    """The ports and settings of one worker. `stopping` is set when the worker is asked to shut down softly."""

    store: Store
    sender: Sender
    settings: Settings
    name: str
    clock: Callable[[], float] = time.monotonic
    stopping: Flag = field(default_factory=threading.Event)
