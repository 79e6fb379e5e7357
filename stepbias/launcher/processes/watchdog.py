"""One process of the service under watch: `stepbias serve … --watch`.

What restarts containers looks at exits alone. This process is the one it sees, and ends when its only child, which does
the work, does not work any more.
"""

from typing import Final

from stepbias.launcher.processes.complaint import complain
from stepbias.launcher.processes.health_watch import HealthWatch
from stepbias.launcher.processes.managed import ManagedProcess, ProcessLife
from stepbias.launcher.processes.stop_signals import StopSignals
from worker.lifeline import adopt_orphans

GIVEN_UP: Final = 70
"""The exit code where the child is killed because it does not work."""

_IDLE: Final = 1.0


def run_watched(spec: ManagedProcess) -> int:
    """Run the process until it ends, does not work any more, or a signal asks for its end. For the main thread.

    SIGINT, SIGTERM and SIGHUP are handed on as the stop signal of the process; a second one kills it.

    Returns:
        Its exit code, 128 + n where signal n ended it, 0 where that was the stop signal that was asked for; `GIVEN_UP`
        where it was killed for not working.

    Raises:
        StartupError: the program cannot be run.
    """
    adopt_orphans()
    with StopSignals() as signals:
        life = ProcessLife.start(spec, logs=None)
        if spec.fork_server is not None:
            # One life is all that there will be.
            spec.fork_server.end()
        try:
            with HealthWatch(life) as watch:
                while life.exit_code() is None and watch.verdict() is None and not signals.requested():
                    signals.wait(_IDLE)
            if signals.requested():
                return _stop(life, signals)
            if (code := life.exit_code()) is not None:
                return _as_shells_say(code)
            complain(f"{spec.name} does not work any more and is killed: {watch.verdict()}")
            return GIVEN_UP
        finally:
            life.sweep()


def _stop(life: ProcessLife, signals: StopSignals) -> int:
    life.ask_to_stop()
    life.await_stop(pause=signals.wait, is_urgent=signals.is_urgent)
    code = life.exit_code() or 0
    return 0 if code == -life.spec.stop_signal else _as_shells_say(code)


def _as_shells_say(code: int) -> int:
    return code if code >= 0 else 128 - code
