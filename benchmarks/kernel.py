"""One step of one run: how long it takes in stepbias, JAX, PyTorch and NumPy, on one core."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from benchmarks.baseline_process import BaselineProcess
from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import Elapsed, elapsed
from benchmarks.data import paper_data
from benchmarks.ours import OurLoop, kernel_in_use
from benchmarks.turns import Effort, in_turn, median_ratio
from core.descent.kernel import one_thread

AGREEMENT: Final = 1e-10
"""Largest relative difference of a baseline's state from ours that is taken for rounding."""

SIZES: Final = ((100, 50), (1000, 200), (4000, 500))
DEPTHS: Final = (2, 3)
RUNS: Final = (1, 8, 32, 128, 512)
QUICK_CELLS: Final = ((100, 50, 2, 8), (100, 50, 2, 128), (100, 50, 3, 128), (1000, 200, 2, 32))
DGEMM_SIZE: Final = 1000


class TimedLoop(Protocol):
    """A batch under way that times its own steps."""

    def elapsed(self, steps: int) -> Elapsed:
        """How long these steps took."""
        ...

    def theta(self) -> np.ndarray:
        """The present parameters."""
        ...


class Disagreement(RuntimeError):
    """A baseline computes something else, so that its time means nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One row of the table."""

    dim: int
    samples: int
    depth: int
    runs: int

    def batch(self) -> Batch:
        """Default data of this size; sharpness at the start is the same at every size, and every η is stable."""
        data = paper_data(samples=self.samples, dim=self.dim)
        return Batch(
            X=data.X,
            y=data.y,
            depth=self.depth,
            theta=np.full((2, self.runs, self.dim), self.dim**-0.5),
            step_sizes=np.geomspace(1e-5, 1e-3, self.runs),
        )


def cells(effort: Effort) -> Iterator[Cell]:
    """The rows that are measured."""
    if effort.quick:
        for dim, samples, depth, runs in QUICK_CELLS:
            yield Cell(dim=dim, samples=samples, depth=depth, runs=runs)
        return
    for dim, samples in SIZES:
        for depth in DEPTHS:
            for runs in RUNS:
                yield Cell(dim=dim, samples=samples, depth=depth, runs=runs)


def measure_kernel(baselines: BaselineProcess, effort: Effort, wanted: Iterator[Cell] | None = None) -> dict[str, Any]:
    """The whole table."""
    libraries = baselines.ask("describe")["libraries"]
    rows = []
    with one_thread():
        for cell in wanted or cells(effort):
            batch = cell.batch()
            loops: dict[str, TimedLoop] = {"stepbias": OurLoop(batch)}
            loops |= {library: baselines.prepare(library, batch) for library in libraries}
            rows.append(row(cell, batch, loops, effort))
            print(line(rows[-1]), flush=True)
    return {"kernel": kernel_in_use(), "rows": rows}


def row(cell: Cell, batch: Batch, loops: Mapping[str, TimedLoop], effort: Effort) -> dict[str, Any]:
    """Microseconds per run and step of every loop, after it has been shown to compute the same."""
    check_agreement(loops, batch)
    steps = {name: steps_of(loop, effort) for name, loop in loops.items()}
    works = {name: partial(loop.elapsed, steps[name]) for name, loop in loops.items()}
    taken = in_turn(works | {"dgemm": dgemm()}, effort.rounds)
    seconds = {name: [effort.of(one) for one in values] for name, values in taken.items()}
    dgemm_rate = [2e-9 * DGEMM_SIZE**3 / one for one in seconds.pop("dgemm")]
    microseconds = {name: [1e6 * one / steps[name] / cell.runs for one in values] for name, values in seconds.items()}
    ours = microseconds["stepbias"]
    rate = [batch.flops / cell.runs / one / 1e3 for one in ours]
    return asdict(cell) | {
        "steps": steps,
        "microseconds": {name: statistics.median(values) for name, values in microseconds.items()},
        "ratio": {name: median_ratio(values, ours) for name, values in microseconds.items() if name != "stepbias"},
        "gflops": statistics.median(rate),
        "dgemm_gflops": statistics.median(dgemm_rate),
        "of_dgemm": median_ratio(rate, dgemm_rate),
        "core_share": min(statistics.median(one.cpu / one.wall for one in values) for values in taken.values()),
    }


def check_agreement(loops: Mapping[str, TimedLoop], batch: Batch) -> None:
    """Take a few steps with each; this also compiles what is compiled.

    Raises:
        Disagreement: the states differ by more than rounding.
    """
    steps = int(np.clip(2e9 / batch.flops, 2, 500))
    for loop in loops.values():
        loop.elapsed(steps)
    ours = loops["stepbias"].theta()
    for name, loop in loops.items():
        error = float(np.abs(loop.theta() - ours).max() / np.abs(ours).max())
        if not error <= AGREEMENT:
            raise Disagreement(f"{name} differs by {error:.1e} after {steps} steps")


def steps_of(loop: TimedLoop, effort: Effort) -> int:
    """About how many steps the loop takes in the time that it is given."""
    steps, taken = 1, effort.of(loop.elapsed(1))
    while taken < effort.seconds / 8:
        steps *= 4
        taken = effort.of(loop.elapsed(steps))
    return max(1, round(steps * effort.seconds / taken))


def dgemm() -> Callable[[], Elapsed]:
    """NumPy's product of two matrices of 1000², against which the rate of the kernel is held."""
    a = np.random.default_rng(0).standard_normal((DGEMM_SIZE, DGEMM_SIZE))
    product = np.empty_like(a)
    return lambda: elapsed(lambda: np.matmul(a, a, out=product))


def line(row: Mapping[str, Any]) -> str:
    """One row as text."""
    times = "  ".join(f"{name} {microseconds:.3f}" for name, microseconds in row["microseconds"].items())
    ratios = "  ".join(f"{name} {ratio:.2f}×" for name, ratio in row["ratio"].items())
    return (
        f"{row['dim']}×{row['samples']}, D = {row['depth']}, {row['runs']} runs: {times} µs per run and step; "
        f"{ratios}; {row['gflops']:.1f} GFLOP/s, {row['of_dgemm']:.2f} of dgemm, "
        f"{row['core_share']:.0%} of a core"
    )
