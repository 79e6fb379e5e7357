"""The life of a process tied to the life of the process that made it.

A parent killed by SIGKILL runs no exit handler, so only the kernel, or the child itself, can end what it leaves behind.
"""

import ctypes
import os
import signal
import sys
import threading
import time

KERNEL_ENDS_ORPHANS = sys.platform == "linux"
"""Whether the kernel itself kills a tied process at the moment its parent dies; elsewhere the tie is best effort."""

WATCH_INTERVAL = 0.5
"""Seconds between two looks at the parent where the kernel offers no such signal."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# Looked up at import: between fork and exec, where the request is made, loading a library could deadlock.
_PRCTL = ctypes.CDLL(None, use_errno=True).prctl if KERNEL_ENDS_ORPHANS else None


def request_death_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies; does nothing where `KERNEL_ENDS_ORPHANS` is false.

    The request survives exec and is not inherited by fork. The kernel's "parent" is the thread that forked: a process
    started from a thread that ends is killed with that thread, so start tied processes from the main thread.

    Args:
        parent: process id of the parent, read before the fork. A parent that died between the fork and the request
            would send nothing; the caller is then killed here.

    Raises:
        OSError: the kernel refused the request.
    """
    if KERNEL_ENDS_ORPHANS:
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def tie_to_parent(parent: int | None = None) -> None:
    """End this process, by SIGKILL, when its parent dies; to be called by the child as the first thing it does.

    On Linux by `request_death_with_parent`. On other systems a daemon thread looks every `WATCH_INTERVAL` seconds
    whether the parent has changed: best effort, since a call that keeps the interpreter lock delays it.

    Args:
        parent: process id of the parent where it is known from before the fork; this alone closes the window in which
            the parent dies before the call. Without it the parent at the time of the call is taken.
    """
    expected = os.getppid() if parent is None else parent
    if KERNEL_ENDS_ORPHANS:
        request_death_with_parent(expected)
    else:
        threading.Thread(target=_die_with, args=(expected,), name="lifeline", daemon=True).start()


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, instead of the system's first process; Linux only.

    The adopter can then reap at once what it kills. The first process of a container or small machine may reap late or
    never, and until then the dead still count as members of their process group.

    Raises:
        OSError: the kernel refused the request.
    """
    if KERNEL_ENDS_ORPHANS:
        _control(_PR_SET_CHILD_SUBREAPER, 1)


def _control(option: int, value: int) -> None:
    unused = ctypes.c_ulong(0)
    if _PRCTL is not None and _PRCTL(option, ctypes.c_ulong(value), unused, unused, unused) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL)
    os.kill(os.getpid(), signal.SIGKILL)
