"""Tests of the memory limit of a worker's process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker import memory_limit
from worker.memory_limit import share_of_memory

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


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ("3000000000\n", 1_350_000_000),
        ("max\n", 2_000_000_000),
        ("99000000000\n", 2_000_000_000),
        (None, 2_000_000_000),
    ],
)
def test_a_container_is_shared_by_its_own_and_a_machine_by_all(
    said: str | None, share: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However many cores the machine has: a thirty-third of a container would be less than a worker takes idle."""
    file = tmp_path / "memory.max"
    if said is not None:
        file.write_text(said, encoding="ascii")
    monkeypatch.setattr(memory_limit, "CGROUP_LIMIT", file)
    monkeypatch.setattr(os, "cpu_count", lambda: 32)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1000, "SC_PHYS_PAGES": 66_000_000}.__getitem__)
    assert share_of_memory(2) == share
