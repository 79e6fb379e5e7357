"""Child processes that cannot outlive their parent, not even a parent killed by SIGKILL.

On Linux the kernel kills the child at the moment its parent dies. Elsewhere the tie is best effort: a small process
per child, `orphan_watch`, notices the death of the parent by the end of a pipe and kills the child's process group; it
fails where that watch is itself killed first.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from stepbias.launcher.processes import orphan_watch
from worker.lifeline import KERNEL_ENDS_ORPHANS, request_death_with_parent

_GROUP_PATIENCE = 5.0


class Child(Protocol):
    """What is used of `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None:
        """None while it lives, then its exit code, −n when signal n ended it."""

    def wait(self) -> int:
        """Return at its end, with its exit code."""

    def send_signal(self, number: int, /) -> None:
        """Signal it; nothing where it has ended."""


class TetheredProcess:
    """A child in a session, and so a process group, of its own: Ctrl-C in the terminal reaches the parent alone."""

    def __init__(self, child: Child, watch: subprocess.Popen[bytes] | None) -> None:
        self._child = child
        self._watch = watch
        self._swept = False
        self.pid = child.pid

    def exit_code(self) -> int | None:
        """None while the child lives, then its exit code, −n when signal n ended it."""
        return self._child.poll()

    def send(self, number: signal.Signals) -> None:
        """Signal the child alone, which knows how to end its own children; nothing where it has ended."""
        self._child.send_signal(number)

    def sweep(self) -> None:
        """Kill and reap the child and whatever is left of its process group, and return when they are gone."""
        # Once only: later the group's number may be another's. Called soon after the child's end it is still ours,
        # for the kernel would have to give out every other process id first.
        if self._swept:
            return
        deadline = time.monotonic() + _GROUP_PATIENCE
        while _kill_group(self.pid) and time.monotonic() < deadline:
            if self._child.poll() is not None:
                _reap_adopted(self.pid)
            time.sleep(0.005)
        self._child.wait()
        self._end_watch()
        self._swept = True

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.communicate(b"!")
            self._watch = None


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    output: BinaryIO,
    directory: Path | None = None,
    inherited: Sequence[int] = (),
) -> TetheredProcess:
    """Start a child tied to this process, with nothing on its standard input.

    Args:
        argv: the program and its arguments.
        env: the whole environment.
        output: takes standard output and standard error; the child has its own copy of the descriptor.
        directory: to run in; the current one if None.
        inherited: further descriptors that the child keeps open.

    Raises:
        RuntimeError: not called from the main thread. The kernel ties the child to the thread that forks it.
        OSError: the program cannot be run.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a tethered process would die with the thread that starts it; start it from the main thread")
    child = subprocess.Popen(  # noqa: S603 - the caller's own argv, no shell
        argv,
        env=dict(env),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=inherited,
        start_new_session=True,
        # Safe here: the callee only makes two system calls and holds no lock; no posix_spawn can set this signal.
        preexec_fn=partial(request_death_with_parent, os.getpid()),  # noqa: PLW1509 - argued above
    )
    return TetheredProcess(child, None if KERNEL_ENDS_ORPHANS else _watch_over(child.pid))


def _watch_over(group: int) -> subprocess.Popen[bytes]:
    """Start the process that kills the group when this one dies."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-I", orphan_watch.__file__, str(group)], stdin=subprocess.PIPE, start_new_session=True
    )


def _kill_group(group: int) -> bool:
    """Send SIGKILL to the group; False when it has no member left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS, where nothing but zombies is left
        return False
    return True


def _reap_adopted(group: int) -> None:
    """Reap members of the group whose parent is this process since their own died, as `adopt_orphans` arranges."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
