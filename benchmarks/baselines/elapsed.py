"""How long something took, by the clock and by the processor."""

import time
from collections.abc import Callable
from typing import NamedTuple


class Elapsed(NamedTuple):
    """Seconds on the clock, and seconds that this process computed, all threads together."""

    wall: float
    cpu: float


def elapsed(work: Callable[[], object]) -> Elapsed:
    """Do the work and say how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Elapsed(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)
