"""How much memory a process of a worker may take: it fails at the request that is too much, and nobody is killed."""

import os
import sys


def limit_memory(most: int | None, *, processes: int) -> None:
    """Let this process have so many bytes of data, or the machine's memory divided by the number of processes.

    A request beyond raises MemoryError, which ends one job with its reason. Without a limit the kernel would end some
    process of its choice. Linux only; elsewhere there is no such limit.
    """
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on every system

        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        wanted = most or physical // max(processes, 1)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))
