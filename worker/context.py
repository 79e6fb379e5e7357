"""What a worker works with."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jobs.ports import Sender, Store
from jobs.settings import Settings


@dataclass(frozen=True, kw_only=True)
class WorkerContext:
    """The ports and settings of one worker. `stopping` is set when the worker is asked to shut down softly."""

    store: Store
    sender: Sender
    settings: Settings
    name: str
    clock: Callable[[], float] = time.monotonic
    stopping: threading.Event = field(default_factory=threading.Event)
