"""Fixtures of the tests that start real processes."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stepbias.launcher.household import Household


@pytest.fixture
def household(tmp_path: Path) -> Household:
    """A program with its descendants, which writes to `tmp_path`."""
    if sys.platform != "linux":
        pytest.skip("descendants are found through /proc")
    return Household(tmp_path)


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """All signals are heard here, however the tests were started, and again after a service that was stopped here."""
    at_first = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGCHLD: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in at_first.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
