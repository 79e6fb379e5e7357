"""Several processes kept running together: started by stages, restarted when they die, stopped in reverse order."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from stepbias.launcher.processes.complaint import complain
from stepbias.launcher.processes.health_watch import HealthWatch
from stepbias.launcher.processes.managed import START_SECONDS, ManagedProcess, Probe, ProcessLife, wait_until_ready
from stepbias.launcher.processes.stop_signals import StopSignals
from stepbias.launcher.startup_error import StartupError
from worker.lifeline import adopt_orphans

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
GOOD_LIFE = 10.0

_IDLE = 1.0


def restart_delay(*, previous: float | None, lived: float) -> float:
    """Seconds to wait before a restart: 0.2, doubled at each restart up to 5, and 0.2 again after 10 s of life.

    Args:
        previous: the delay before the life that has just ended; None for the first life.
        lived: seconds which that life lasted.
    """
    if previous is None or lived >= GOOD_LIFE:
        return FIRST_DELAY
    return min(LONGEST_DELAY, 2 * previous)


@dataclass(kw_only=True, slots=True)
class _Post:
    """A managed process with its present life, or, where that has ended, the time of the next."""

    spec: ManagedProcess
    life: ProcessLife
    watch: HealthWatch
    delay: float | None = None
    due: float | None = None

    def failure(self) -> str | None:
        """How the life has ended, or why it is of no use any more; None while it works."""
        if (end := self.life.end()) is not None:
            return f"ended with {end}"
        if (lack := self.watch.verdict()) is not None:
            return f"does not work any more and is killed: {lack}"
        return None


class _StopRequested(Exception):
    """A stop signal arrived while the processes were being started."""


class Supervisor:
    """Runs in the main thread, which alone starts processes, for as long as the service lives.

    Args:
        stages: what each needs stands in an earlier stage. Those of one stage start together and stop together.
        logs: directory of their logs.
        inherited: descriptors that all of them keep open.
        missing: probe of the whole, asked once all have been started.
        ready_timeout: seconds granted to it.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[ManagedProcess]],
        *,
        logs: Path,
        inherited: Sequence[int] = (),
        missing: Probe = lambda: None,
        ready_timeout: float = START_SECONDS,
    ) -> None:
        self._stages = tuple(stages)
        self._logs = logs
        self._inherited = tuple(inherited)
        self._missing = missing
        self._ready_timeout = ready_timeout
        self._posts: list[list[_Post]] = []

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start all, call `on_ready` once, and return on SIGINT, SIGTERM or SIGHUP when no process is left.

        A second signal, a second or more after the first, kills what has not stopped by then.

        Raises:
            StartupError: one of them ended before all were ready, or was not ready in time; all are stopped by then.
        """
        adopt_orphans()
        with StopSignals() as signals:
            try:
                with contextlib.suppress(_StopRequested):
                    self._start_all(signals)
                    on_ready()
                while not signals.requested():
                    self._mourn()
                    self._restart()
                    signals.wait(self._until_next_restart())
            finally:
                self._stop_all(signals)

    def _start_all(self, signals: StopSignals) -> None:
        def pause(seconds: float) -> None:
            signals.wait(seconds)
            if signals.requested():
                raise _StopRequested

        for stage in self._stages:
            self._posts.append([])
            for spec in stage:
                life, watch = self._begin(spec)
                self._posts[-1].append(_Post(spec=spec, life=life, watch=watch))
            for post in self._posts[-1]:
                self._wait(post.life.missing, name=post.spec.name, timeout=post.spec.ready_timeout, pause=pause)
        self._wait(self._missing, name="the service", timeout=self._ready_timeout, pause=pause)
        pause(0)

    def _wait(self, missing: Probe, *, name: str, timeout: float, pause: Callable[[float], None]) -> None:
        lives = [post.life for post in chain(*self._posts)]
        wait_until_ready(missing, name=name, timeout=timeout, lives=lives, pause=pause)

    def _begin(self, spec: ManagedProcess) -> tuple[ProcessLife, HealthWatch]:
        life = ProcessLife.start(spec, logs=self._logs, inherited=self._inherited)
        return life, HealthWatch(life).start()

    def _mourn(self) -> None:
        """Note who has died or is of no use, clear what they leave behind, and set the time of the restart."""
        for post in chain(*self._posts):
            if post.due is None and (failure := post.failure()) is not None:
                post.watch.end()
                # The group goes with its leader: two generations of one worker or server must not run side by side.
                post.life.sweep()
                self._postpone(post, f"{failure} (log: {post.life.log.path})")

    def _restart(self) -> None:
        for post in chain(*self._posts):
            if post.due is not None and post.due <= time.monotonic():
                try:
                    post.life, post.watch = self._begin(post.spec)
                except StartupError as error:
                    self._postpone(post, f"cannot be started: {error}")
                else:
                    post.due = None

    def _postpone(self, post: _Post, reason: str) -> None:
        post.delay = restart_delay(previous=post.delay, lived=post.life.age if post.due is None else 0.0)
        post.due = time.monotonic() + post.delay
        complain(f"{post.spec.name} {reason}; starting it again in {post.delay:g} s")

    def _until_next_restart(self) -> float:
        # The end of a child wakes the wait; the idle second only bounds what a lost wake-up could cost.
        now = time.monotonic()
        return min((max(0.0, post.due - now) for post in chain(*self._posts) if post.due is not None), default=_IDLE)

    def _stop_all(self, signals: StopSignals) -> None:
        for post in chain(*self._posts):
            post.watch.end()
        # A stack of exits rather than a loop: it goes backwards, and where one step fails the others are still taken.
        with contextlib.ExitStack() as steps:
            for stage in self._posts:
                for post in stage:
                    steps.callback(post.life.await_stop, pause=signals.wait, is_urgent=signals.is_urgent)
                for post in stage:
                    steps.callback(post.life.ask_to_stop)
        self._posts.clear()
