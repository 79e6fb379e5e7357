"""Progress for people."""

import sys
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from stepbias.progress import (
    LINE_SECONDS,
    NotebookBar,
    ProgressLines,
    duration,
    outcome_counts,
    progress_report,
    status_line,
)
from tests.stepbias.client.stub import FakeClock


def test_lines_come_seldom_and_the_last_always() -> None:
    """The first report, then one every few seconds, and how it ended."""
    clock, lines = FakeClock(), list[str]()
    report = ProgressLines(lines.append, now=clock.now)
    for step in range(101):
        report(step / 100, f"step {step}")
        clock.sleep(0.1)
    report.close()
    report.close()
    steps = [int(line.split()[-1]) for line in lines]
    assert steps[0] == 0
    assert steps[-1] == 100
    assert all(later - earlier >= 10 * LINE_SECONDS for earlier, later in pairwise(steps[:-1]))
    assert lines[0] == "  0%  step 0"
    assert lines[-1] == "100%  step 100"


def test_nothing_is_repeated() -> None:
    """What stands there already is not written again at the end."""
    lines = list[str]()
    report = ProgressLines(lines.append, now=FakeClock().now)
    report(0.5, "half")
    report.close()
    assert lines == [" 50%  half"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599.0, "59 min 59 s"), (7260.0, "2 h 1 min")],
)
def test_durations_are_as_precise_as_anybody_reads(seconds: float, text: str) -> None:
    """Seconds, then minutes and seconds, then hours and minutes."""
    assert duration(seconds) == text


def test_standing_says_what_is_known() -> None:
    """Runs known already and time left only where there are any."""
    record = SimpleNamespace(status="running", runs_total=20, runs_done=5, runs_reused=2, eta_seconds=75.0)
    assert status_line(record) == "running: 5 of 20 runs (2 known already), 1 min 15 s left"
    done = SimpleNamespace(status="succeeded", runs_total=1, runs_done=1, runs_reused=0, eta_seconds=None)
    assert status_line(done) == "succeeded: 1 of 1 run"


def test_outcomes_are_counted_most_frequent_first() -> None:
    """Equal counts in alphabetical order."""
    assert outcome_counts({"b": 1, "a": 1, "c": 5, "d": 0}) == "5 c, 1 a, 1 b"
    assert outcome_counts({}) == "none yet"


class Shown:
    """What a notebook gives for what it shows."""

    def __init__(self) -> None:
        self.now: list[str] = []

    def __call__(self, shown: Any, *, display_id: bool) -> "Shown":
        """Show it, to be changed later."""
        assert display_id
        self.update(shown)
        return self

    def update(self, shown: Any) -> None:
        """Show this in its place."""
        self.now.append(shown._repr_html_())


def test_in_a_notebook_progress_is_a_bar_that_changes() -> None:
    """And a name that looks like HTML stays text."""
    shown = Shown()
    NotebookBar(shown)(0.25, "running: <b>")
    assert shown.now[-1].startswith('<progress value="0.2500" max="1"')
    assert "<b>" not in shown.now[-1]
    assert "25%  running: &lt;b&gt;" in shown.now[-1]
    assert len(shown.now) == 2


@pytest.mark.parametrize(
    ("shell", "is_shown"), [(SimpleNamespace(kernel=1), True), (SimpleNamespace(), False), (None, False)]
)
def test_a_bar_is_shown_where_a_kernel_shows_it(
    shell: Any, *, is_shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That its package was imported is not enough: debuggers do that; and IPython in a terminal has none."""
    shown: list[Any] = []
    display = ModuleType("IPython.display")
    update = SimpleNamespace(update=shown.append)
    display.display = lambda bar, **_: shown.append(bar) or update  # type: ignore[attr-defined]
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    for module in (ipython, display, ModuleType("ipykernel")):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with progress_report() as report:
        report(0.5, "half")
    assert bool(shown) == is_shown
    assert ("50%  half" in capsys.readouterr().err) != is_shown
