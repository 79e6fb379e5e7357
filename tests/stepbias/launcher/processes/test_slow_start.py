"""A start that takes long: what works on it is waited for."""

from collections.abc import Callable, Iterator
from itertools import count, repeat
from typing import Any

import pytest

from stepbias.launcher.processes.managed import MOST_EXTENSIONS, wait_until_ready
from stepbias.launcher.startup_error import StartupError


class _Starting:
    """Stands in for a life, of which only the CPU time and the last words are asked."""

    def __init__(self, used: Iterator[float]) -> None:
        self._used = used
        self.spec: Any = None

    @property
    def cpu_seconds(self) -> float:
        return next(self._used)

    def refuse_end(self) -> None:
        """It lives."""

    def last_words(self) -> str:
        return "its words"


def _named(name: str, used: Iterator[float]) -> Any:
    life = _Starting(used)
    life.spec = type("spec", (), {"name": name})
    return life


def _ready_after(probes: int) -> Callable[[], str | None]:
    left = iter(range(probes))
    return lambda: None if next(left, None) is None else "it reads"


def _wait(missing: Callable[[], str | None], *lives: Any, name: str = "it") -> None:
    wait_until_ready(missing, name=name, timeout=-1.0, lives=lives, pause=lambda _seconds: None)


def test_what_is_late_but_works_on_its_start_is_waited_for() -> None:
    """On a slow machine, where its time is over at the first look."""
    _wait(_ready_after(5), _named("it", count(2.0)))


@pytest.mark.parametrize("used", [0.0, 0.9, 30.0])
def test_what_is_late_and_does_nothing_is_refused(used: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it did before: work that was counted once does not count again."""
    monkeypatch.setattr("stepbias.launcher.processes.managed.SLOW_START_SECONDS", 0.0)
    with pytest.raises(StartupError, match=r"it was not ready after -1 s: it reads; its words$"):
        _wait(_ready_after(5), _named("it", repeat(used)))


def test_the_work_of_others_is_no_excuse() -> None:
    """A worker that trains keeps its processor busy while the API does not start."""
    with pytest.raises(StartupError):
        _wait(_ready_after(5), _named("it", repeat(0.0)), _named("worker", count(2.0)))
    _wait(_ready_after(5), _named("it", repeat(0.0)), _named("worker", count(2.0)), name="the service")


def test_what_never_is_ready_is_refused_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless loop uses its processor as well."""
    monkeypatch.setattr("stepbias.launcher.processes.managed.SLOW_START_SECONDS", 0.0)
    _wait(_ready_after(MOST_EXTENSIONS), _named("it", count(2.0, 2.0)))
    with pytest.raises(StartupError):
        _wait(_ready_after(MOST_EXTENSIONS + 1), _named("it", count(2.0, 2.0)))
