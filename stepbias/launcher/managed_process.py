"""A process that is started, waited for, watched and stopped: what it is, and one life of it."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stepbias.launcher.process_log import ProcessLog
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.tether import TetheredProcess, spawn

Probe = Callable[[], str | None]
"""What is still missing, as a clause for people ("it does not answer"), or None when ready; returns within seconds."""

Pause = Callable[[float], None]
"""Waits for so many seconds, or less when something happened meanwhile."""

READINESS_INTERVAL = 0.05
"""Seconds between two probes."""


def ready_once_started() -> str | None:
    """The probe of a process that has no way, or no need, to say that it is ready."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ManagedProcess:
    """What to run and how to know it.

    Attributes:
        name: names its log, and the process in messages.
        argv: program and arguments; they show in process lists, so they hold no secrets.
        env: the whole environment.
        missing: probe of readiness.
        ready_timeout: seconds that it may take to be ready for the first time.
        stop_signal: asks it to end.
        stop_timeout: seconds after which SIGKILL to its process group follows.
        directory: to run in; the current one if None.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    missing: Probe = ready_once_started
    ready_timeout: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0
    directory: Path | None = None


class ProcessLife:
    """One life of a managed process, from its start until nothing of its process group is left."""

    def __init__(self, spec: ManagedProcess, tethered: TetheredProcess, log: ProcessLog) -> None:
        self.spec = spec
        self.log = log
        self.pid = tethered.pid
        self._tethered = tethered
        self._born = time.monotonic()
        self._stop_deadline = self._born

    @classmethod
    def start(cls, spec: ManagedProcess, *, logs: Path, inherited: Sequence[int] = ()) -> Self:
        """Start the process, its output going to `<logs>/<name>.log`.

        Raises:
            StartupError: the program cannot be run.
        """
        log = ProcessLog(logs, spec.name)
        try:
            with log.open() as output:
                tethered = spawn(spec.argv, env=spec.env, output=output, directory=spec.directory, inherited=inherited)
        except OSError as error:
            raise StartupError(f"cannot run {spec.name} ({spec.argv[0]}): {error.strerror}") from error
        return cls(spec, tethered, log)

    @property
    def age(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._born

    def end(self) -> str | None:
        """How it ended ("exit code 1", "signal 9 (Killed)"), or None while it lives."""
        code = self._tethered.exit_code()
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"signal {-code} ({signal.strsignal(-code)})"

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
            raise StartupError(f"{self.spec.name} ended at its start with {end}; {self._last_words()}")

    def _last_words(self) -> str:
        tail = self.log.tail()
        return f"the end of {self.log.path}:\n{tail}" if tail else f"it wrote nothing to {self.log.path}"


def wait_until_ready(
    missing: Probe, *, name: str, timeout: float, lives: Sequence[ProcessLife], pause: Pause = time.sleep
) -> None:
    """Return when nothing is missing any more and none of the processes has ended.

    Raises:
        StartupError: one of them ended meanwhile, or something was still missing after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        obstacle = missing()
        # Probed first: where a probe is answered by something else, a process that failed to start still counts.
        for life in lives:
            life.refuse_end()
        if obstacle is None:
            return
        if time.monotonic() > deadline:
            raise StartupError(f"{name} was not ready after {timeout:g} s: {obstacle}")
        pause(READINESS_INTERVAL)
