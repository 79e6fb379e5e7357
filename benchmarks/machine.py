"""What was measured on: a number without its machine is none."""

import os
import platform
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.ours import kernel_in_use

VECTOR_SETS: Final = ("sse2", "avx", "fma", "avx2", "avx512f", "avx512dq", "asimd", "sve")


def describe(now: datetime, kernel: str = "auto") -> dict[str, Any]:
    """The processor, what it can do, and the versions of what runs on it, the kernel of that name among them."""
    facts = _processor_facts()
    flags = set((facts.get("flags") or facts.get("Features") or "").split())
    return {
        "date": now.date().isoformat(),
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "vector_sets": [name for name in VECTOR_SETS if name in flags],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "stepbias": version("stepbias"),
        "kernel": kernel_in_use(kernel),
    }


def _processor_facts() -> dict[str, str]:
    """The first processor in /proc/cpuinfo, where there is one."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
