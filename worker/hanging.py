"""The end of a process that hangs over what nobody holds a lease of."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from worker.context import WorkerContext


@contextmanager
def ended_if_it_hangs(context: WorkerContext, what: str) -> Iterator[None]:
    """End this process where the block takes longer than a job may give no sign of life."""
    reason = f"{what}: it is not made in the time of a stall"
    timer = threading.Timer(context.settings.stall_seconds, context.end_process, args=[reason])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
