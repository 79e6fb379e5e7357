"""`python -m benchmarks WHAT`: measure, print, and keep the numbers as JSON."""

import argparse
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.baseline_process import ROOT, BaselineProcess
from benchmarks.classroom import measure_classroom
from benchmarks.cost import measure_cost
from benchmarks.door import measure_door
from benchmarks.explorer import measure_explorer
from benchmarks.figure_1 import measure_figure_1
from benchmarks.kernel import measure_kernel
from benchmarks.machine import describe
from benchmarks.memory import measure_memory
from benchmarks.page import measure_page
from benchmarks.recording import measure_recording
from benchmarks.report import write_report
from benchmarks.scale import measure_scale
from benchmarks.service import measure_service
from benchmarks.solvers import measure_solvers
from benchmarks.timeline import measure_timeline
from benchmarks.tracker import measure_tracker
from benchmarks.turns import Effort, one_core
from core.descent.kernel import chosen

RESULTS: Final = ROOT / "benchmarks" / "results"
QUICK_RESULTS: Final = ROOT / "out" / "bench"


def kernel(effort: Effort) -> dict[str, Any]:
    """The table of single steps."""
    with one_core(), BaselineProcess(effort.kernel) as baselines:
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
    "timeline": measure_timeline,
    "cost": measure_cost,
    "figure1": measure_figure_1,
    "tracker": measure_tracker,
    "door": measure_door,
    "explorer": measure_explorer,
    "page": measure_page,
    "classroom": measure_classroom,
    "scale": measure_scale,
}
SLOW: Final = ("service", "timeline", "cost", "figure1", "tracker", "door", "explorer", "page", "classroom", "scale")
"""Not part of all that is done quickly."""


def main() -> None:
    """Measure what is asked for, or write the page of what has been measured."""
    wanted = _parser().parse_args()
    out = wanted.out or (QUICK_RESULTS if wanted.quick else RESULTS)
    out.mkdir(parents=True, exist_ok=True)
    failed = [] if wanted.what == "report" else measure_all(wanted.what, _effort(wanted), out)
    if wanted.what in {"report", "all"}:
        # What was measured in a hurry, or put elsewhere, is not for the documentation.
        for file in write_report(out, ROOT / "docs" if out == RESULTS else out):
            print(file)
    if failed:
        sys.exit(f"not measured, so that the numbers of before stay: {', '.join(failed)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=[*COMMANDS, "all", "report"])
    parser.add_argument("--quick", action="store_true", help="less of everything; numbers go to out/bench")
    parser.add_argument("--by-cpu", action="store_true", help="count processor seconds: for a machine that is shared")
    parser.add_argument("--large", action="store_true", help="include what takes many minutes: 100,000 runs")
    parser.add_argument("--kernel", default="auto", help="whose steps: avx2 holds the others to AVX2, too")
    parser.add_argument("--other", default="", help="the stepbias command of another version, for the class")
    parser.add_argument("--out", type=Path, help="directory for the numbers")
    return parser


def measure_all(what: str, effort: Effort, out: Path) -> list[str]:
    """Measure one part, or all; which of all failed, for what is measured before and after them is not to be lost."""
    failed = []
    for name, of_part in _parts(what, effort):
        print(f"— {name}", flush=True)
        try:
            _measure(name, of_part, out)
        except Exception:
            if what != "all":
                raise
            traceback.print_exc()
            failed.append(name)
    return failed


def _parts(what: str, effort: Effort) -> list[tuple[str, Effort]]:
    """All tables of the page are those of AVX2, too, where the processor has more."""
    if what != "all":
        return [(what, effort)]
    parts = [(name, effort) for name in COMMANDS if not (effort.quick and name in SLOW)]
    has_more = effort.kernel == "auto" and chosen("auto") == "avx512"
    return parts + [("kernel", replace(effort, kernel="avx2"))] * (has_more and not effort.quick)


def _effort(wanted: argparse.Namespace) -> Effort:
    effort = Effort(by_cpu=wanted.by_cpu, large=wanted.large, other=wanted.other, kernel=wanted.kernel)
    return replace(effort, quick=True, rounds=3, seconds=0.04) if wanted.quick else effort


def _measure(name: str, effort: Effort, out: Path) -> None:
    numbers = COMMANDS[name](effort)
    document = {"machine": describe(datetime.now(UTC), effort.kernel), "effort": asdict(effort)} | numbers
    kept_as = f"{name}-{effort.kernel}" if name == "kernel" and effort.kernel != "auto" else name
    (out / f"{kept_as}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
