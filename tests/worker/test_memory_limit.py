"""Tests of the memory limit of a worker's process."""

import subprocess
import sys

import pytest

_PROGRAM = """
import numpy as np
from worker.memory_limit import limit_memory
limit_memory({most}, processes=1)
np.ones(1_000_000)
try:
    np.ones(200_000_000)
except MemoryError as error:
    print("refused:", error)
else:
    print("given")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such limit")
@pytest.mark.parametrize(("most", "answer"), [(1_000_000_000, "refused"), (8_000_000_000, "given")])
def test_what_is_too_much_is_refused_at_the_request(most: int, answer: str) -> None:
    """1.6 GB, where 1 GB and where 8 GB may be had."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(most=most)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith(answer)
