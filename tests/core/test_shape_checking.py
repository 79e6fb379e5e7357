"""The annotations of core tell the truth: the short version of `make shapes`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUICK = ("wrong_shapes.py", "networks/test_network.py", "stability", "data", "sweep", "training/test_recording.py")


@pytest.mark.timeout(900)  # a suite of its own
def test_calls_in_core_keep_to_its_annotations_and_others_are_refused() -> None:
    """Some rooms with every call checked; and wrong calls, so that it cannot be lost in silence that they are."""
    paths = [f"tests/core/{part}" for part in QUICK]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.shape_checking", *paths]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
