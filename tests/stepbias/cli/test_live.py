"""What `stepbias watch` shows."""

import io
import re

import pytest

from stepbias import Experiment
from stepbias.cli import live
from tests.stepbias.client.stub import FakeClock, experiment


def _record(status: str, done: int, **changes: object) -> Experiment:
    document = experiment(status, outcomes={"diverged": 1, "converged": done - 1}, progress=done / 20, **changes)
    document["counts"]["runs"] |= {"total": 20, "done": done}
    return Experiment.from_document(document)


def test_the_table_has_outcomes_speed_and_place() -> None:
    """The most frequent outcome first; where it waits, if it does."""
    queue = {"position": 3, "experiments_ahead": 2, "seconds_ahead": 12.5}
    lines = live.watched_lines(_record("running", 10, queue=queue), speed=30.0)
    assert lines[1].startswith("[" + "#" * 15 + "." * 15 + "]  50%  running: 10 of 20 runs")
    assert lines[2:4] == ["30 runs a minute", "waits in place 3, behind 2 others and about 12.5 s of work"]
    assert [line.split() for line in lines[4:]] == [["outcome", "runs"], ["converged", "9"], ["diverged", "1"]]


def test_the_table_renews_itself_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes up as many lines as it has written, and no line is wider than the terminal."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setenv("COLUMNS", "40")
    clock = FakeClock()
    show = live.LiveTable(clock.now)
    show(_record("running", 10))
    height = written.getvalue().count("\n")
    clock.sleep(60.0)
    show(_record("running", 16))
    second = written.getvalue().partition(f"\x1b[{height}A\x1b[J")[2]
    assert "6 runs a minute" in second
    assert all(len(line) < 40 for line in re.split(r"\n", second))


def test_a_pipe_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal is moved about in a file."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    with live.shown() as show:
        show(_record("running", 10))
    assert written.getvalue().startswith(" 50%  running: 10 of 20 runs")
    assert "\x1b" not in written.getvalue()
