"""`stepbias demo`: a reduced Figure 1 through the real service, started for the purpose and stopped afterwards."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from stepbias import Client, ExperimentHandle
from stepbias.cli.command import INTERRUPTED
from stepbias.cli.experiment_files import documents, figures, save
from stepbias.cli.failure import explained
from stepbias.cli.output import remark, remark_unread, tell_json, tell_table
from stepbias.launcher.commands.headline import Headline, headlines
from stepbias.launcher.service import RunningService, run_service, usable_cores
from stepbias.launcher.startup_error import StartupError
from stepbias.progress import duration, progress_report, status_line

_FIGURES = {"figure-1.png": "risk", "figure-1.svg": "risk"}


def demo(*, out: Path, workers: int | None, state_dir: Path | None, as_json: bool = False) -> int:
    """Start the service, compute, save and print, stop the service.

    Returns:
        0 if the experiment succeeded and its files are written; 130 after Ctrl-C.
    """
    remark_unread()
    demonstration = Demonstration(out)
    with explained(StartupError), _directory(state_dir) as directory, _sigterm_unheard():
        remark("Starting the service: server, API and workers")
        try:
            run_service(
                host="127.0.0.1",
                port=0,
                workers=workers or usable_cores(),
                state_dir=directory,
                on_ready=demonstration.start,
            )
        finally:
            demonstration.end()
        return demonstration.report(as_json=as_json)


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="stepbias-demo-") as name:
        yield Path(name)


@contextmanager
def _sigterm_unheard() -> Iterator[None]:
    """Outside of `run_service`, which hears it: the demonstration's own signal may come when the service has stopped.

    A handler that does nothing, since an ignored signal would stay ignored in the children.
    """
    previous = signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class Demonstration:
    """The user's side of the demo, in a thread of its own: the main thread supervises the service."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._thread: Thread | None = None
        self._clock = _EndableClock()
        self._error: BaseException | None = None
        self._numbers: list[Headline] | None = None
        self._started_at = time.monotonic()

    def start(self, service: RunningService) -> None:
        """Begin, now that the service is ready; the service is told to stop when this is over."""
        self._thread = Thread(target=self._run, args=(service,), name="demo")
        self._thread.start()

    def end(self) -> None:
        """Return when the thread is over; it waits for nothing any more."""
        self._clock.end()
        if self._thread is not None:
            self._thread.join()

    def report(self, *, as_json: bool = False) -> int:
        """Print what came of it; the exit code.

        Raises:
            Exception: whatever ended the demonstration early.
        """
        if self._numbers is not None:
            _print(self._numbers, as_json=as_json)
            return 0
        if self._error is None or isinstance(self._error, _Ended):
            return INTERRUPTED
        raise self._error

    def _run(self, service: RunningService) -> None:
        try:
            remark(f"Ready at {service.url}")
            with Client(service.url, clock=self._clock) as client:
                self._numbers = self._show(client)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread, once the service is stopped
            self._error = error
        finally:
            # The same signal that a person would send: there is one way to stop the service.
            os.kill(os.getpid(), signal.SIGTERM)

    def _show(self, client: Client) -> list[Headline]:
        handle = client.submit(client.preset("figure-1", size="demo"))
        remark(f"Experiment {handle.id}: {handle.experiment.name}")
        submitted_at = time.monotonic()
        with progress_report() as report:
            handle.wait(on_progress=lambda now: report(now.progress, status_line(now)))
        computed_in = time.monotonic() - submitted_at
        save({**documents(handle), **figures(handle, _FIGURES)}, self._out)
        note = f"{duration(time.monotonic() - self._started_at)} with the start and the drawing"
        return [*_numbers(handle), Headline(name="wall time", value=duration(computed_in), note=note)]


def _numbers(handle: ExperimentHandle) -> list[Headline]:
    summaries = [run["summary"] for run in handle.runs() if run["summary"] is not None]
    analyses = [entry["analysis"] for entry in handle.analysis() if entry["analysis"] is not None]
    return list(headlines(summaries, analyses))


def _print(numbers: list[Headline], *, as_json: bool) -> None:
    if as_json:
        tell_json([asdict(headline) for headline in numbers])
    else:
        tell_table(("number", "value", "note"), ((each.name, each.value, each.note) for each in numbers))


class _Ended(BaseException):
    """The service is being stopped: nothing is worth waiting for any more. Not to be caught as an ordinary error."""


class _EndableClock:
    """A clock whose sleeps end early, with `_Ended`, when there is nothing left to wait for."""

    def __init__(self) -> None:
        self._ended = Event()

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep, unless it is over."""
        if self._ended.wait(seconds):
            raise _Ended

    def end(self) -> None:
        """It is over."""
        self._ended.set()
