"""How far something has come: a bar on a terminal and in a notebook, now and then a line on stderr elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from importlib import import_module
from typing import Any, Final, Protocol

Report = Callable[[float, str], None]
"""Takes the fraction that is done, and a sentence about it."""

LINE_SECONDS: Final = 5.0
"""Shortest time between two lines where there is no terminal: a log is read later, and by the page."""


BAR_STEPS: Final = 1000
"""Of which a bar on a terminal tells no two apart."""


@contextmanager
def progress_report() -> Iterator[Report]:
    """Something to report progress to, until the block ends."""
    if (display := _notebook()) is not None:
        yield NotebookBar(display)
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        lines = ProgressLines(lambda line: print(line, file=sys.stderr), now=time.monotonic)  # noqa: T201 - what it is for
        try:
            yield lines
        finally:
            lines.close()


def _notebook() -> Any | None:
    """What shows things in the notebook that this program runs in; None where it runs in none."""
    # Debuggers and test runners import the kernel's package where nothing shows what it is given.
    ipython = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    return import_module("IPython.display").display


class NotebookBar:
    """Progress as a bar under the cell, in the words of HTML itself."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self._shown = display(_Html(bar_html(0.0, "")), display_id=True)

    def __call__(self, fraction: float, text: str) -> None:
        """Take a report, and show it."""
        self._shown.update(_Html(bar_html(fraction, text)))


class _Html(str):
    """HTML that a notebook shows as such."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return self


def bar_html(fraction: float, text: str) -> str:
    """A bar with a text beside it, which may hold anything."""
    label = escape(f"{fraction:.0%}  {text}")
    return f'<progress value="{fraction:.4f}" max="1" aria-label="{label}"></progress> {label}'


@contextmanager
def _bar() -> Iterator[Report]:
    import click  # noqa: PLC0415 - the client is imported without it

    with click.progressbar(
        length=BAR_STEPS, file=sys.stderr, item_show_func=lambda text: str(text or ""), show_eta=False
    ) as progress:

        def show(fraction: float, text: str) -> None:
            progress.update(round(fraction * BAR_STEPS) - progress.pos, text)

        yield show


class ProgressLines:
    """Progress as lines of text: the first report, one per `LINE_SECONDS`, and the last."""

    def __init__(self, write: Callable[[str], None], *, now: Callable[[], float]) -> None:
        self._write = write
        self._now = now
        self._due = now()
        self._unwritten: str | None = None

    def __call__(self, fraction: float, text: str) -> None:
        """Take a report, and write it if it is time."""
        self._unwritten = f"{fraction:4.0%}  {text}"
        if self._now() >= self._due:
            self.close()

    def close(self) -> None:
        """Write the latest report unless it stands there already."""
        if self._unwritten is not None:
            self._write(self._unwritten)
        self._unwritten = None
        self._due = self._now() + LINE_SECONDS


class ExperimentStatus(Protocol):
    """What the records of an experiment, the client's and the store's, both say of its course."""

    @property
    def status(self) -> str: ...  # noqa: D102 - these are the fields of the records
    @property
    def runs_total(self) -> int: ...  # noqa: D102
    @property
    def runs_done(self) -> int: ...  # noqa: D102
    @property
    def runs_reused(self) -> int: ...  # noqa: D102
    @property
    def eta_seconds(self) -> float | None: ...  # noqa: D102


def status_line(experiment: ExperimentStatus) -> str:
    """Where an experiment stands, for people."""
    text = f"{experiment.status}: {experiment.runs_done} of {runs(experiment.runs_total)}"
    if experiment.runs_reused:
        text += f" ({experiment.runs_reused} known already)"
    if experiment.eta_seconds is not None:
        text += f", {duration(experiment.eta_seconds)} left"
    return text


def outcome_counts(outcomes: Mapping[str, int]) -> str:
    """How runs ended, most frequent first."""
    ordered = sorted(outcomes.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {outcome}" for outcome, count in ordered if count) or "none yet"


def runs(count: int) -> str:
    """So many runs, in words."""
    return f"{count} run{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """A time span with as much precision as anybody reads."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
