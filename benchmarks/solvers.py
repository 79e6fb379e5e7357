"""The least sharpness against a semidefinite programme, and every solver at a larger size."""

import statistics
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from benchmarks.baseline_process import BaselineProcess
from benchmarks.baselines.elapsed import Elapsed, elapsed
from benchmarks.data import paper_data
from benchmarks.turns import Effort, in_turn, median_ratio
from core.data.regression import Dataset
from core.descent.kernel import one_thread
from core.implicit_bias.gradient_flow import flow_limit_from
from core.interpolators.flattest import Flattest, flattest_interpolator
from core.interpolators.least_norm import least_trace, min_l1, min_l2
from core.networks.network import Diagonal

SQUARED: Final = Diagonal(2)
LEAST_GAP: Final = 1e-9
"""Clarabel is not asked for less than this, even where ours proves less: it might stall on rounding."""

CLOCKS: Final = {False: "seconds", True: "cpu_seconds"}
INIT_SCALE: Final = 0.01


def measure_solvers(baselines: BaselineProcess, effort: Effort) -> dict[str, Any]:
    """Least sharpness at 100×50 side by side; all solvers at 1000×300."""
    with one_thread():
        return {
            "least_sharpness": _against_sdp(baselines, effort),
            "large": {} if effort.quick else _large(paper_data(samples=300, dim=1000), effort),
        }


def _against_sdp(baselines: BaselineProcess, effort: Effort) -> dict[str, Any]:
    data = paper_data(samples=50, dim=100)
    found = flattest_interpolator(data.X, data.y, SQUARED)
    gap, file = max(found.gap, LEAST_GAP), baselines.file("data.npz")
    np.savez(file, X=data.X, y=data.y)
    answer = baselines.ask("least_sharpness", file=str(file), gap=gap)  # also loads the libraries
    taken = in_turn(
        {
            "stepbias": lambda: effort.of(elapsed(lambda: flattest_interpolator(data.X, data.y, SQUARED))),
            "clarabel": lambda: baselines.ask("least_sharpness", file=str(file), gap=gap),
        },
        effort.rounds,
    )
    return _comparison(found, gap, answer, taken, effort)


def _comparison(
    found: Flattest, gap: float, answer: dict[str, Any], taken: dict[str, list[Any]], effort: Effort
) -> dict[str, Any]:
    ours = taken["stepbias"]
    seconds = {"stepbias": ours, "cvxpy+clarabel": [one[CLOCKS[effort.by_cpu]] for one in taken["clarabel"]]}
    if not effort.by_cpu:  # Clarabel looks at the clock
        seconds["clarabel alone"] = [one["solver_seconds"] for one in taken["clarabel"]]
    result: dict[str, Any] = {
        "dim": 100,
        "samples": 50,
        "gap": found.gap,
        "gap_asked_of_clarabel": gap,
        "sharpness": found.sharpness_upper,
        "clarabel_sharpness": answer["sharpness"],
        "clarabel_residual": answer["residual"],
        "seconds": {name: statistics.median(values) for name, values in seconds.items()},
        "ratio": {name: median_ratio(values, ours) for name, values in seconds.items() if name != "stepbias"},
    }
    times = ", ".join(f"{name} {taken:.3f} s" for name, taken in result["seconds"].items())
    ratios = ", ".join(f"{name} {ratio:.1f} ×" for name, ratio in result["ratio"].items())
    print(f"least sharpness, 100×50, to a gap of {gap:.1e}: {times}; {ratios}")
    return result


def _large(data: Dataset, effort: Effort) -> dict[str, Any]:
    """Seconds of every solver at N = 300, d = 1000."""
    start = np.full((2, data.X.shape[1]), INIT_SCALE)
    solvers: dict[str, Callable[[], object]] = {
        "flattest, D = 2": lambda: flattest_interpolator(data.X, data.y, SQUARED),
        "flattest, D = 3": lambda: flattest_interpolator(data.X, data.y, Diagonal(3)),
        "least ℓ1": lambda: min_l1(data.X, data.y),
        "least ℓ2": lambda: min_l2(data.X, data.y),
        "least trace": lambda: least_trace(data.X, data.y, SQUARED),
        "flow limit, D = 2": lambda: flow_limit_from(data.X, data.y, start, SQUARED),
        "flow limit, D = 3": lambda: flow_limit_from(data.X, data.y, start * 10, Diagonal(3)),
    }
    seconds = {name: _median(effort, solve) for name, solve in solvers.items()}
    print("1000×300: " + ", ".join(f"{name} {taken:.2f} s" for name, taken in seconds.items()))
    return {"dim": 1000, "samples": 300, "seconds": seconds}


def _median(effort: Effort, solve: Callable[[], object]) -> float:
    """Of three times, or the only one where it takes long."""
    first: Elapsed = elapsed(solve)
    if first.wall > 3:
        return effort.of(first)
    return statistics.median([effort.of(first), *(effort.of(elapsed(solve)) for _ in range(2))])
