"""Where the kernel does not end orphans: a process that kills a group when the process that started it is gone.

Run by path and isolated (`python -I orphan_watch.py GROUP`), hence the standard library only. Standard input is a pipe
whose other end the starter alone holds: a byte means that the group has ended and this watch is over; the end of the
file without one means that the starter died.
"""

import contextlib
import os
import signal
import sys


def watch(group: int) -> None:
    """Wait for the starter's word or its death; on its death send SIGKILL to the whole process group."""
    if sys.stdin.buffer.read(1) == b"":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    watch(int(sys.argv[1]))
