"""How much memory a process of a worker may take: it fails at the request that is too much, and nobody is killed."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
"""Where a container says how much it may have; "max" where nobody has said."""

OF_ITS_OWN: Final = 0.9
"""Of a container's memory, what its pool may have: the rest is for the processes that look after the pool."""


def limit_memory(most: int | None, *, processes: int) -> None:
    """Let this process have so many bytes of data; unset, its share of what the container or the machine has.

    A request beyond raises MemoryError, which ends one attempt with its reason. Without a limit the kernel would end
    some process of its choice. Linux only; elsewhere there is no such limit.

    Args:
        most: bytes.
        processes: of this worker, which are to share the memory.
    """
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on every system

        wanted = most or share_of_memory(processes)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def share_of_memory(processes: int) -> int:
    """Bytes for each process of a pool.

    A container that may have less than the machine is this worker's own. A machine is shared with workers that nobody
    knows of here: there may be one for each core, and a server.
    """
    physical = machine_memory()
    with suppress(OSError, ValueError):
        if (container := int(CGROUP_LIMIT.read_text(encoding="ascii"))) < physical:
            return int(OF_ITS_OWN * container) // processes
    return physical // (max(processes, os.cpu_count() or 1) + 1)


def machine_memory() -> int:
    """Bytes that this machine has, whatever a container may take of them."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
