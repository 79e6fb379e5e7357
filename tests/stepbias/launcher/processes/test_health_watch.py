"""When a life is given up, and when not: the watch looks as often as it is told to."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stepbias.launcher.processes.health_watch import PROBE_INTERVAL, HealthWatch
from stepbias.launcher.processes.managed import ManagedProcess, ProcessLife, Undecided
from tests.stepbias.launcher.household import eventually

Answers = list[str | Exception | None]

ILL = "it is ill"


class Patient:
    """A real process that answers its probe as it is told to: once each, then the last for ever."""

    def __init__(self, directory: Path, *, ready_timeout: float = 1e6, patience: float = 2 * PROBE_INTERVAL) -> None:
        self.answers: Answers = [None]
        spec = ManagedProcess(
            name="patient",
            argv=[sys.executable, "-c", "import time; time.sleep(1000)"],
            env=os.environ,
            missing=self._answer,
            ready_timeout=ready_timeout,
            patience=patience,
        )
        self.life = ProcessLife.start(spec, logs=directory)

    def _answer(self, pid: int) -> str | None:
        assert pid == self.life.pid
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Callable[..., Patient]]:
    """Starts patients, and ends them."""
    started: list[Patient] = []

    def start(**seconds: float) -> Patient:
        started.append(Patient(tmp_path, **seconds))
        return started[-1]

    yield start
    for each in started:
        each.life.sweep()


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([None, ILL, ILL, ILL], ILL),
        ([None, "it was ill", "it was ill", ILL], ILL),
        ([None, ILL, ILL], None),
        ([None, ILL, ILL, None, ILL, ILL], None),
        ([None, ILL, ILL, Undecided("the store is away"), ILL, ILL], None),
        ([None, ILL, ILL, RuntimeError("ours"), ILL, ILL], None),
        ([None, *[Undecided("the store is away")] * 9], None),
        ([ILL] * 9, None),
        ([Undecided("the store is away"), *[ILL] * 9], None),
    ],
)
def test_a_life_is_given_up_when_it_fails_for_its_patience(
    patient: Callable[..., Patient], answers: Answers, verdict: str | None
) -> None:
    """Without a break, after it was ready; with the last reason. Here two probes may fail, and a third may not."""
    sick = patient()
    sick.answers = answers
    watch = HealthWatch(sick.life)
    for _ in list(answers):
        watch.look()
    assert watch.verdict() == verdict


def test_a_life_that_is_never_ready_has_its_time_and_its_patience(patient: Callable[..., Patient]) -> None:
    """A restarted process may need as long as at first, and no longer."""
    sick = patient(ready_timeout=0.0)
    sick.answers = [ILL]
    watch = HealthWatch(sick.life)
    for _ in range(3):
        assert watch.verdict() is None
        watch.look()
    assert watch.verdict() == ILL


def test_what_was_ready_when_it_was_waited_for_may_be_blamed(patient: Callable[..., Patient]) -> None:
    """Even where the watch itself has not yet seen it so."""
    sick = patient()
    assert sick.life.missing() is None
    sick.answers = [ILL]
    watch = HealthWatch(sick.life)
    for _ in range(3):
        watch.look()
    assert watch.verdict() == ILL


def test_an_error_of_ours_is_told_once_and_ends_nothing(
    patient: Callable[..., Patient], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The thread goes on, and finds out what it is there to find out."""
    monkeypatch.setattr("stepbias.launcher.processes.health_watch.PROBE_INTERVAL", 0.01)
    sick = patient(patience=0.02)
    sick.answers = [RuntimeError("ours"), RuntimeError("ours"), None, ILL]
    with HealthWatch(sick.life) as watch:
        assert eventually(lambda: watch.verdict() == ILL)
    complaints = capsys.readouterr().err
    assert complaints.startswith("stepbias: it cannot be told whether patient works: RuntimeError('ours')\nTraceback")
    assert complaints.count("Traceback") == 1
