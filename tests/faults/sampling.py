"""What a service takes: the server's memory and keys, and the memory and open files of every process."""

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from jobs.connection import vendor_errors
from jobs.errors import StoreUnavailable
from tests.faults.besieged_service import BesiegedService, Part

PARTS: Final = (
    Part.SERVER,
    Part.API,
    Part.BATCH_WORKER,
    Part.BATCH_CHILD,
    Part.INTERACTIVE_WORKER,
    Part.INTERACTIVE_CHILD,
)

Name = tuple[str, int, str]
"""A part, its process (0 for what is no process's) and what was measured."""

_MEGABYTE: Final = 1e6


class Samples:
    """Series of one service by name; a process that was started again has others."""

    def __init__(self, service: BesiegedService, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self.series: Mapping[Name, list[tuple[float, float]]] = defaultdict(list)

    def take(self) -> None:
        """Sample everything that there is at this moment."""
        now = self._clock()
        for name, value in (*self._of_the_server(), *self._of_processes()):
            self.series[name].append((now, value))

    def after(self, seconds: float) -> Mapping[Name, Sequence[tuple[float, float]]]:
        """The series without their first seconds, those that last longer."""
        kept = {
            name: [each for each in found if each[0] >= found[0][0] + seconds] for name, found in self.series.items()
        }
        return {name: found for name, found in kept.items() if found}

    def _of_the_server(self) -> Iterator[tuple[Name, float]]:
        with contextlib.suppress(StoreUnavailable), self._service.server() as server, vendor_errors():
            memory = float(server.info("memory")["used_memory"])
            yield ("store", 0, "used memory, MB"), memory / _MEGABYTE
            yield ("store", 0, "keys"), float(server.dbsize())

    def _of_processes(self) -> Iterator[tuple[Name, float]]:
        found = [(part, pid) for part in PARTS for pid in self._service.members(part)]
        found += [(Part.SUPERVISOR, pid) for pid in self._service.processes(Part.SUPERVISOR)]
        for part, pid in found:
            with contextlib.suppress(OSError):
                memory, files = resident_bytes(pid) / _MEGABYTE, open_files(pid)
                yield (part, pid, "memory, MB"), memory
                yield (part, pid, "open files"), float(files)


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in RAM.

    Raises:
        OSError: there is no such process any more.
    """
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    """How many descriptors it has open.

    Raises:
        OSError: there is no such process any more.
    """
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
