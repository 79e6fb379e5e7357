"""Fixtures of the tests that start real processes."""

import sys
from pathlib import Path

import pytest

from tests.cli.processes import Household


@pytest.fixture
def household(tmp_path: Path) -> Household:
    """A program with its descendants, which writes to `tmp_path`."""
    if sys.platform != "linux":
        pytest.skip("descendants are found through /proc")
    return Household(tmp_path)
