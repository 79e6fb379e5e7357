"""A process that has imported the service once, and of which API and workers are forked: they share what it has read.

Linux only. Elsewhere, once it has died, and while it does not answer, a process is run as a program of its own, which
works alike and takes more memory. It never has a thread, so that nothing is forked in the middle of what another thread
does. What is forked does nothing before the supervisor, who knows its id by then, has said that it may live; what is
born so late that a program was run in its place ends.
"""

import atexit
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from stepbias.launcher.processes.command_line import show_command_line
from worker.lean_memory import give_back_and_keep_still
from worker.lifeline import adopt_orphans, request_death_with_parent

ANSWER_SECONDS: Final = 2.0
"""A fork takes milliseconds. While the supervisor waits for one it looks after nobody else."""

_LONGEST_REQUEST: Final = 1 << 20
_MOST_DESCRIPTORS: Final = 16

Command = Callable[[Sequence[str]], int]
"""A command, by its arguments; returns the exit code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Birth:
    """What becomes of a forked process.

    Attributes:
        arguments: of the command that it is.
        env: the whole environment.
        directory: to run in; the current one if None.
    """

    arguments: Sequence[str]
    env: Mapping[str, str]
    directory: str | None


class ForkedChild:
    """A child as `subprocess.Popen` has it, which another process has forked for this one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """None while it lives, then its exit code, −n when signal n ended it."""
        if self._code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if found else None
        return self._code

    def wait(self) -> int:
        """Return at its end, with its exit code."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def send_signal(self, number: int, /) -> None:
        """Signal it; nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkServer:
    """The supervisor's end: what is forked through it is a child of the supervisor."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self._pid = pid
        self._line = line
        self._is_over = False
        self._is_late = False

    def fork(self, birth: Birth, *, output: BinaryIO, inherited: Sequence[int]) -> int | None:
        """The id of a new process, in a session of its own and tied to this one; None where there can be none."""
        if self._is_late:
            self._catch_up()
        if self._is_over or self._is_late:
            return None
        allowed, allowing = os.pipe()
        # Closed without a word, it tells whoever is born all the same to end.
        with os.fdopen(allowed, "rb") as waiting, os.fdopen(allowing, "wb", buffering=0) as word:
            descriptors = [output.fileno(), waiting.fileno(), *inherited]
            pid = self._answer([json.dumps(asdict(birth)).encode()], descriptors)
            if pid is not None:
                with suppress(OSError):  # it has been killed
                    word.write(b"!")
        return pid

    def _answer(self, request: Sequence[bytes], descriptors: Sequence[int]) -> int | None:
        try:
            socket.send_fds(self._line, request, descriptors)
            return self._read_answer()
        except TimeoutError:
            self._is_late = True
        except OSError:
            self.end()
        return None

    def _read_answer(self) -> int | None:
        answer = self._line.recv(64)
        if not answer:
            self.end()
        return int(answer or 0) or None

    def _catch_up(self) -> None:
        """Where the answer has come that nobody waited for any longer: it is in time again."""
        if select.select([self._line], [], [], 0)[0]:
            self._is_late = False
            with suppress(OSError):
                if (pid := self._read_answer()) is not None:
                    ForkedChild(pid).poll()

    def end(self) -> None:
        """End it; the forked live on."""
        if not self._is_over:
            self._is_over = True
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


@contextmanager
def forking(read_ahead: Callable[[], None], command: Command) -> Iterator[ForkServer | None]:
    """A fork server, until the block ends; None where it would not be safe. For the main thread, before any other.

    Args:
        read_ahead: imports what is to be shared, without starting a thread. Here, so that this process shares it too.
        command: what the forked run.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        yield None
        return
    adopt_orphans()
    read_ahead()
    give_back_and_keep_still()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    supervisor = os.getpid()
    pid = os.fork()
    if not pid:
        ours.close()
        _live(lambda: _Forking(theirs, supervisor, command).serve())
    theirs.close()
    ours.settimeout(ANSWER_SECONDS)
    with closing(ours):
        server = ForkServer(pid, ours)
        try:
            yield server
        finally:
            server.end()


class _Forking:
    """The work of the fork server, until the supervisor is gone."""

    def __init__(self, line: socket.socket, supervisor: int, command: Command) -> None:
        self._line = line
        self._supervisor = supervisor
        self._command = command

    def serve(self) -> int:
        request_death_with_parent(self._supervisor)
        os.setsid()
        _hear_signals_anew()
        self._close_others()
        show_command_line(["stepbias", "fork-server"])
        while True:
            request, descriptors, _, _ = socket.recv_fds(self._line, _LONGEST_REQUEST, _MOST_DESCRIPTORS)
            if not request:
                return 0
            self._line.send(str(self._fork(Birth(**json.loads(request)), descriptors)).encode())
            for descriptor in descriptors:
                os.close(descriptor)

    def _close_others(self) -> None:
        """Of the supervisor's locks and pipes nothing is to live on in what is forked."""
        for file in {int(each.name) for each in Path("/proc/self/fd").iterdir()} - {0, 1, 2, self._line.fileno()}:
            with suppress(OSError):  # that of the list itself, which is closed
                os.close(file)

    def _fork(self, birth: Birth, descriptors: Sequence[int]) -> int:
        """The id of a new child of the supervisor; 0 where the system has no room for one.

        By a process between, which ends at once: its children go to the supervisor, who adopts orphans.
        """
        told, telling = os.pipe()
        with os.fdopen(told, "rb") as answer:
            with os.fdopen(telling, "wb") as word, suppress(OSError):
                between = os.fork()
                if not between:
                    _live(lambda: self._fork_and_end(birth, descriptors, word))
                os.waitpid(between, 0)
            return int(answer.read() or 0)

    def _fork_and_end(self, birth: Birth, descriptors: Sequence[int], word: BinaryIO) -> int:
        between = os.getpid()
        pid = os.fork()
        if not pid:
            word.close()
            self._line.close()
            while os.getppid() == between:
                time.sleep(0.0005)
            request_death_with_parent(self._supervisor)
            output, allowed, *inherited = descriptors
            with os.fdopen(allowed, "rb") as permission:
                may_live = bool(permission.read(1))
            return self._be_born(birth, output, *inherited) if may_live else 0
        word.write(str(pid).encode())
        word.flush()
        os._exit(0)

    def _be_born(self, birth: Birth, output: int, *inherited: int) -> int:
        os.setsid()
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        _write_anew()
        for descriptor in inherited:
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - the library has it so
        os.environ.clear()
        os.environ.update(birth.env)
        if birth.directory is not None:
            os.chdir(birth.directory)
        show_command_line(["stepbias", *birth.arguments])
        return self._command(birth.arguments)


def _hear_signals_anew() -> None:
    """As a program does that was just started: what was ignored stays so, what was handled is not."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) and number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)


def _write_anew() -> None:
    """Through streams that ask what they write to: those from before know whether that had places to go to."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        before = getattr(sys, name)
        options = {"encoding": before.encoding, "errors": before.errors} if before is not None else {}
        setattr(sys, name, os.fdopen(number, "w", buffering=1, closefd=False, **options))


def _live(life: Callable[[], int]) -> NoReturn:
    """Live, and end as an interpreter does, without returning to what the process was forked of."""
    code = 1
    try:
        code = life()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001 - told as at the end of an interpreter
        sys.excepthook(type(error), error, error.__traceback__)
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing ends what it has forked
        atexit._run_exitfuncs()  # noqa: SLF001 - as above
        with suppress(AttributeError, OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        os._exit(code)
