"""How much memory a process of a worker may take: it fails at the request that is too much, and nobody is killed."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
"""Where a container says how much it may have; "max" where nobody has said."""


def limit_memory(most: int | None, *, processes: int) -> None:
    """Let this process have so many bytes of data; unset, its share of what the machine or the container has.

    A request beyond raises MemoryError, which ends one attempt with its reason. Without a limit the kernel would end
    some process of its choice. Linux only; elsewhere there is no such limit.

    Args:
        most: bytes.
        processes: how many are to share the memory.
    """
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on every system

        wanted = most or available_memory() // max(processes, 1)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def available_memory() -> int:
    """Bytes that the machine has, or the container if it may have less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        return min(physical, int(CGROUP_LIMIT.read_text()))
    return physical
