"""`python -m benchmarks.memory RUNS`: the most memory that a process ever holds to train a batch; and the asking."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.baseline_process import ROOT
from benchmarks.recording import POINTS, train

COUNTS: Final = (0, 128, 512)
STEPS: Final = 256


def measure_memory() -> dict[str, Any]:
    """Peak bytes of a process by the runs of its batch; that of no run is Python and the libraries."""
    peaks = {str(count): _ask(count) for count in COUNTS}
    print("peak memory: " + ", ".join(f"{count} runs {peak / 1e6:.0f} MB" for count, peak in peaks.items()))
    return {"peak_bytes": peaks}


def peak_bytes() -> int:
    """The most memory that this process has held.

    On Linux the kernel's own record: what `getrusage` says includes the process that this one was started from.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _ask(count: int) -> int:
    command = [sys.executable, "-m", "benchmarks.memory", str(count)]
    return int(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)


if __name__ == "__main__":
    if runs := int(sys.argv[1]):
        train(runs, points=POINTS, steps=STEPS)
    print(peak_bytes())
