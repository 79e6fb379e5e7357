"""`python -m benchmarks WHAT`: measure, print, and keep the numbers as JSON."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.baseline_process import ROOT, BaselineProcess
from benchmarks.figure_1 import measure_figure_1
from benchmarks.kernel import measure_kernel
from benchmarks.machine import describe
from benchmarks.memory import measure_memory
from benchmarks.recording import measure_recording
from benchmarks.service import measure_service
from benchmarks.solvers import measure_solvers
from benchmarks.turns import Effort, one_core

RESULTS: Final = ROOT / "benchmarks" / "results"
QUICK_RESULTS: Final = ROOT / "out" / "bench"


def kernel(effort: Effort) -> dict[str, Any]:
    """The table of single steps."""
    with one_core(), BaselineProcess() as baselines:
        return measure_kernel(baselines, effort) | {"baselines": baselines.ask("describe")["versions"]}


def solvers(effort: Effort) -> dict[str, Any]:
    """Least sharpness, reference interpolators, flow limits."""
    with one_core(), BaselineProcess() as baselines:
        return measure_solvers(baselines, effort) | {"baselines": baselines.ask("describe")["versions"]}


def recording(effort: Effort) -> dict[str, Any]:
    """What recording costs in time, and a batch in memory."""
    with one_core():
        return measure_recording(effort) | measure_memory()


COMMANDS: Final[dict[str, Callable[[Effort], dict[str, Any]]]] = {
    "kernel": kernel,
    "solvers": solvers,
    "recording": recording,
    "service": measure_service,
    "figure1": measure_figure_1,
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=[*COMMANDS, "all"])
    parser.add_argument("--quick", action="store_true", help="a minute in all; numbers go to out/bench")
    parser.add_argument("--by-cpu", action="store_true", help="count processor seconds: for a machine that is shared")
    parser.add_argument("--large", action="store_true", help="include what takes many minutes")
    parser.add_argument("--out", type=Path, help="directory for the numbers")
    wanted = parser.parse_args()
    effort = Effort(by_cpu=wanted.by_cpu, large=wanted.large)
    if wanted.quick:
        effort = replace(effort, quick=True, rounds=3, seconds=0.04)
    out = wanted.out or (QUICK_RESULTS if wanted.quick else RESULTS)
    out.mkdir(parents=True, exist_ok=True)
    for name in COMMANDS if wanted.what == "all" else [wanted.what]:
        print(f"— {name}", flush=True)
        numbers = COMMANDS[name](effort)
        document = {"machine": describe(datetime.now(UTC)), "effort": asdict(effort)} | numbers
        (out / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
