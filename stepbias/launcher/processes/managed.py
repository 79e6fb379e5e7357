"""A process that is started, waited for, watched and stopped: what it is, and one life of it."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from stepbias.launcher.processes.fork_server import Birth, ForkedChild, ForkServer
from stepbias.launcher.processes.output import InheritedLog, ProcessLog
from stepbias.launcher.processes.tether import TetheredProcess, spawn
from stepbias.launcher.startup_error import StartupError

Probe = Callable[[], str | None]
"""What is still missing, as a clause for people ("it does not answer"), or None when ready; returns within seconds."""

Pause = Callable[[float], None]
"""Waits for so many seconds, or less when something happened meanwhile."""

ProcessProbe = Callable[[int], str | None]
"""As `Probe`, of the process with this id; raises `Undecided` where nothing can be said of it now."""

READINESS_INTERVAL = 0.05
"""Seconds between two probes."""

START_SECONDS: Final = 120.0
"""Time to be ready for the first time: seconds on an idle machine, a minute on one that trains on every core."""

SLOW_START_SECONDS: Final = 30.0
"""By so much the time is extended, again and again, for what is late but has worked on its start meanwhile."""

SLOW_START_WORK: Final = 1.0
"""Seconds of CPU time that count as work on the start: what only waits, or beats its heart, uses less."""

MOST_EXTENSIONS: Final = 16
"""What starts for ten minutes never will."""


class Undecided(Exception):
    """Whether a process works cannot be told now, for a reason that is not its fault; the message is the reason."""


def ready_once_started(_pid: int) -> str | None:
    """The probe of a process that has no way, or no need, to say that it works."""
    return None


def unexplained(_tail: str) -> str | None:
    """What is known about the end of a process that has no usual reason to end."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ManagedProcess:
    """What to run and how to know it.

    Attributes:
        name: names its log, and the process in messages.
        argv: program and arguments; they show in process lists, so they hold no secrets.
        env: the whole environment.
        missing: probe of whether it is ready, and of whether it works later on.
        ready_timeout: seconds that each life may take to be ready for the first time.
        patience: seconds for which a life that was ready may fail the probe before it is given up.
        diagnosis: the reason for its end, where the last lines of its log, or the machine, tell one.
        stop_signal: asks it to end.
        stop_timeout: seconds after which SIGKILL to its process group follows.
        directory: to run in; the current one if None.
        command: the arguments, where the program is `stepbias`.
        fork_server: of which the command is forked, as long as it can be, instead of being run as a program.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    missing: ProcessProbe = ready_once_started
    ready_timeout: float = START_SECONDS
    patience: float = 10.0
    diagnosis: Callable[[str], str | None] = unexplained
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0
    directory: Path | None = None
    command: Sequence[str] = ()
    fork_server: ForkServer | None = None


class ProcessLife:
    """One life of a managed process, from its start until nothing of its process group is left."""

    def __init__(self, spec: ManagedProcess, tethered: TetheredProcess, log: ProcessLog | InheritedLog) -> None:
        self.spec = spec
        self.log = log
        self.pid = tethered.pid
        self.was_ready = False
        self._tethered = tethered
        self._born = time.monotonic()
        self._stop_deadline = self._born

    @classmethod
    def start(cls, spec: ManagedProcess, *, logs: Path | None, inherited: Sequence[int] = ()) -> Self:
        """Start the process, its output going to `<logs>/<name>.log`, or to where this process complains.

        Raises:
            StartupError: the program cannot be run.
        """
        log = InheritedLog() if logs is None else ProcessLog(logs, spec.name)
        try:
            with log.open() as output:
                tethered = _forked(spec, output, inherited) or spawn(
                    spec.argv, env=spec.env, output=output, directory=spec.directory, inherited=inherited
                )
        except OSError as error:
            where = error.filename or spec.argv[0]
            raise StartupError(f"cannot run {spec.name} ({where}): {error.strerror}") from error
        return cls(spec, tethered, log)

    @property
    def age(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._born

    @property
    def cpu_seconds(self) -> float:
        """CPU time that the process itself has used; 0 where the system does not say, or it is gone."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def missing(self) -> str | None:
        """What it lacks to work; once that was nothing, `was_ready` is true.

        Raises:
            Undecided: it cannot be told now.
        """
        lack = self.spec.missing(self.pid)
        self.was_ready |= lack is None
        return lack

    def exit_code(self) -> int | None:
        """None while it lives, then its exit code, −n when signal n ended it."""
        return self._tethered.exit_code()

    def end(self) -> str | None:
        """How it ended ("exit code 1", "signal 9 (Killed)"), and why where that is known; None while it lives."""
        code = self.exit_code()
        if code is None:
            return None
        how = f"exit code {code}" if code >= 0 else f"signal {-code} ({signal.strsignal(-code)})"
        reason = self.spec.diagnosis(self.log.tail())
        return how if reason is None else f"{how}: {reason}"

    def ask_to_stop(self) -> None:
        """Send the stop signal, from which the stop timeout counts."""
        self._stop_deadline = time.monotonic() + self.spec.stop_timeout
        self._tethered.send(self.spec.stop_signal)

    def await_stop(self, *, pause: Pause = time.sleep, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """Return when nothing of it is left; its group is killed at the deadline, or when it becomes urgent."""
        while self.end() is None and time.monotonic() < self._stop_deadline and not is_urgent():
            pause(READINESS_INTERVAL)
        self._tethered.sweep()

    def sweep(self) -> None:
        """Kill at once whatever is left of it and of its process group."""
        self._tethered.sweep()

    def refuse_end(self) -> None:
        """Raise if it has ended.

        Raises:
            StartupError: with how it ended and the last lines of its log.
        """
        if (end := self.end()) is not None:
            raise StartupError(f"{self.spec.name} ended at its start with {end}; {self.last_words()}")

    def last_words(self) -> str:
        """The end of its log, and where that is."""
        tail = self.log.tail()
        return f"the end of {self.log.path}:\n{tail}" if tail else f"it wrote nothing to {self.log.path}"


def _forked(spec: ManagedProcess, output: BinaryIO, inherited: Sequence[int]) -> TetheredProcess | None:
    if spec.fork_server is None:
        return None
    directory = None if spec.directory is None else str(spec.directory)
    birth = Birth(arguments=spec.command, env=spec.env, directory=directory)
    pid = spec.fork_server.fork(birth, output=output, inherited=inherited)
    return None if pid is None else TetheredProcess(ForkedChild(pid), None)


def wait_until_ready(
    missing: Probe,
    *,
    name: str,
    timeout: float,
    lives: Sequence[ProcessLife],
    pause: Pause = time.sleep,
) -> None:
    """Return when nothing is missing any more and none of the processes has ended.

    Args:
        missing: the probe.
        name: of what is waited for: of one of the processes, or of all together.
        timeout: seconds until it is late, after which only its work on its start is waited for.
        lives: all of the processes.
        pause: waits between two probes.

    Raises:
        StartupError: one of the processes ended meanwhile, or something was still missing when the time was over.
    """
    awaited = [life for life in lives if life.spec.name == name] or lives
    time_limit = _TimeLimit(timeout, awaited)
    while True:
        obstacle = _obstacle(missing)
        # Probed first: where a probe is answered by something else, a process that failed to start still counts.
        for life in lives:
            life.refuse_end()
        if obstacle is None:
            return
        if time_limit.is_over():
            words = "; ".join(life.last_words() for life in awaited)
            raise StartupError(f"{name} was not ready after {time_limit.seconds:g} s: {obstacle}; {words}")
        pause(READINESS_INTERVAL)


def _obstacle(missing: Probe) -> str | None:
    try:
        return missing()
    except Undecided as reason:
        return str(reason)


class _TimeLimit:
    """The time for a start; longer on a machine so slow that the processes are late although they work on it."""

    def __init__(self, seconds: float, lives: Sequence[ProcessLife]) -> None:
        self._lives = lives
        self._start = time.monotonic()
        self.seconds = seconds
        self._extensions = MOST_EXTENSIONS
        self._work = 0.0

    def is_over(self) -> bool:
        """Whether it is over, after extensions."""
        if time.monotonic() - self._start <= self.seconds:
            return False
        work = sum(life.cpu_seconds for life in self._lives)
        if work - self._work < SLOW_START_WORK or not self._extensions:
            return True
        self._work, self._extensions = work, self._extensions - 1
        self.seconds += SLOW_START_SECONDS
        return False
