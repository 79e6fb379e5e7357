"""How an experiment goes on: a table on a terminal, which renews itself; lines where a program or a file reads."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from stepbias import Experiment
from stepbias.cli.output import remark, table_lines
from stepbias.progress import progress_report, status_line

Show = Callable[[Experiment], None]
"""Takes what was last heard of an experiment."""

BAR: Final = 30
SETTLED_SECONDS: Final = 1.0
"""Before, a speed is none."""


@contextmanager
def shown() -> Iterator[Show]:
    """Something to show an experiment with, until the block ends."""
    if sys.stderr.isatty():
        yield LiveTable(time.monotonic)
        return
    with progress_report() as report:
        yield lambda now: report(now.progress, status_line(now))


class LiveTable:
    """A table on stderr, in the place of the one before."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: tuple[float, int] | None = None
        self._height = 0

    def __call__(self, experiment: Experiment) -> None:
        """Show how it stands."""
        width = shutil.get_terminal_size().columns - 1
        lines = [line[:width] for line in watched_lines(experiment, self._speed(experiment))]
        # Up to where the table began, and nothing from there on.
        sys.stderr.write(f"\x1b[{self._height}A\x1b[J" if self._height else "")
        remark("\n".join(lines))
        self._height = len(lines)

    def _speed(self, experiment: Experiment) -> float | None:
        """Runs a minute since the first answer; None at first."""
        now = self._now()
        self._since = self._since or (now, experiment.runs_done)
        seconds, done = now - self._since[0], experiment.runs_done - self._since[1]
        return 60 * done / seconds if seconds >= SETTLED_SECONDS else None


def watched_lines(experiment: Experiment, speed: float | None) -> list[str]:
    """What there is to see of an experiment: where it stands, how fast, where it waits, and how its runs ended."""
    done = round(BAR * experiment.progress)
    lines = [
        f"{experiment.id}  {experiment.name}",
        f"[{'#' * done}{'.' * (BAR - done)}] {experiment.progress:4.0%}  {status_line(experiment)}",
    ]
    if speed is not None and not experiment.is_finished:
        lines.append(f"{speed:.3g} runs a minute")
    return [*lines, *waiting_lines(experiment), *_outcomes(experiment)]


def waiting_lines(experiment: Experiment) -> list[str]:
    """Where it waits for its next turn."""
    if not experiment.queue:
        return []
    ahead, seconds = experiment.queue["experiments_ahead"], experiment.queue["seconds_ahead"]
    place = experiment.queue["position"]
    return [f"waits in place {place}, behind {ahead} others and about {seconds:g} s of work"]


def _outcomes(experiment: Experiment) -> list[str]:
    counts = sorted(experiment.outcomes.items(), key=lambda each: (-each[1], each[0]))
    rows = [(name, f"{count:>6}") for name, count in counts if count]
    return table_lines(("outcome", "  runs"), rows) if rows else []
