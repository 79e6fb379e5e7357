"""`python -m benchmarks.idle_memory`: what a service takes that has nothing to do, after its start and after work.

Counted is the proportional set size (PSS): a page that several processes share is counted once, in parts. Linux alone
tells it.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.living_service import living_service
from stepbias import Client

SETTLED: Final = 3.0
"""Seconds after which what a start has used is given back."""

SPEC: Final = {
    "data": {"kind": "sparse_regression"},
    "initialization": {"kind": "uniform", "scale": {"values": [0.1, 1.0]}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.2, 0.5]}},
}

_PARTS: Final = {"serve api": "API", "queue batch": "worker", "queue interactive": "interactive", "valkey": "store"}


def megabytes(root: int) -> Mapping[str, float]:
    """PSS of a process and its descendants by the part of the service that they are, in MB; `all` together."""
    parts: defaultdict[str, float] = defaultdict(float)
    for process in _family(root):
        try:
            told = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
            command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # It has ended meanwhile.
        found = re.search(r"^Pss: +([0-9]+) kB", told, re.MULTILINE)
        size = int(found[1]) * 1024 / 1e6 if found else 0.0
        parts[next((part for words, part in _PARTS.items() if words in command), "supervision")] += size
        parts["all"] += size
    return parts


def _family(root: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    waiting = [root]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += parents.get(process, [])


def _work(url: str) -> None:
    """One small experiment, with its report and its figures."""
    with Client(url, patience=60.0) as client:
        experiment = client.submit(SPEC).wait(timeout=300.0)
        experiment.results()
        experiment.report()
        for name in experiment.figures():
            experiment.figure(name)


def _told(when: str, parts: Mapping[str, float]) -> str:
    others = ", ".join(f"{part} {size:.0f}" for part, size in sorted(parts.items()) if part != "all")
    return f"{when}: {parts['all']:.0f} MB ({others})"


def main() -> None:
    """Print a line for each way to run it."""
    with living_service(workers=1) as service:
        time.sleep(SETTLED)
        print(_told("stepbias up, after its start", megabytes(service.pid)))
        _work(service.url)
        time.sleep(SETTLED)
        print(_told("stepbias up, after an experiment with all its figures", megabytes(service.pid)))


if __name__ == "__main__":
    main()
