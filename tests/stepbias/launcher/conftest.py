"""Fixtures of the tests that start real processes."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stepbias.launcher.processes import Household


@pytest.fixture
def household(tmp_path: Path) -> Household:
    """A program with its descendants, which writes to `tmp_path`."""
    if sys.platform != "linux":
        pytest.skip("descendants are found through /proc")
    return Household(tmp_path)


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """Undo what a service stopped in this process did: it ignores further signals, and children inherit that."""
    heard = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
    before = {number: signal.getsignal(number) for number in heard}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
