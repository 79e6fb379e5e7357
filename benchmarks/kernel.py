"""One step of one run: how long it takes in stepbias, JAX, PyTorch and NumPy, on one core."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from benchmarks.baseline_process import BaselineProcess
from benchmarks.baselines.batch import Batch
from benchmarks.baselines.dgemm import DGEMM_SIZE
from benchmarks.baselines.elapsed import Elapsed
from benchmarks.data import paper_data
from benchmarks.ours import OurLoop, kernel_in_use
from benchmarks.turns import Effort, in_turn, median_ratio
from core.descent.gradient_noise import BLOCK
from core.descent.kernel import one_thread
from core.descent.sampling import minibatch_weights

AGREEMENT: Final = 1e-10
"""Largest relative difference of a baseline's state from ours that is taken for rounding."""

SIZES: Final = ((100, 50), (1000, 200), (4000, 500))
DEPTHS: Final = (2, 3)
RUNS: Final = (1, 8, 32, 128, 512)
RUNS_OF_OTHERS: Final = (1, 32, 512)
"""Of optimisers beside gradient descent."""

OPTIMIZERS: Final = {
    "gradient_descent": "gradient descent",
    "heavy_ball": "heavy ball",
    "label_noise": "label noise",
    "sgd": "SGD",
    "weight_decay": "weight decay",
    "nesterov": "Nesterov",
    "parameter_noise": "parameter noise",
    "sam_full": "n-SAM",
    "sam_full_normalized": "n-SAM, normalised",
    "sam_sample": "1-SAM",
}
"""By their kinds in a spec, SAM with what its ascents are along."""

QUICK_CELLS: Final = ((100, 50, 2, 8), (100, 50, 2, 128), (100, 50, 3, 128), (1000, 200, 2, 32))
MOMENTUM: Final = 0.5
DECAY: Final = 0.1
RHO: Final = 0.01
MINIBATCH: Final = 10
"""Samples to one of a minibatch."""

MOST_DRAWN: Final = 2**22
"""Entries of what is drawn for the steps of a period, which are 64 at most, as in a training."""

MOST_GATHERED: Final = 2**24
"""Entries of all rows of X that the minibatches of a step have, or the samples of all runs; nobody makes an array of
more."""


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
    optimizer: str = "gradient_descent"

    def batch(self) -> Batch:
        """Default data of this size; sharpness at the start is the same at every size, and every η is stable."""
        data = paper_data(samples=self.samples, dim=self.dim)
        return Batch(
            X=data.X,
            y=data.y,
            depth=self.depth,
            theta=np.full((2, self.runs, self.dim), self.dim**-0.5),
            step_sizes=np.geomspace(1e-5, 1e-3, self.runs),
            **self._of_the_optimizer(),
        )

    def _of_the_optimizer(self) -> dict[str, Any]:
        match self.optimizer:
            case "heavy_ball":
                return {"momentum": np.full(self.runs, MOMENTUM)}
            case "nesterov":
                return {"momentum": np.full(self.runs, MOMENTUM), "looks_ahead": True}
            case "weight_decay":
                return {"decay": np.full(self.runs, DECAY)}
            case "sam_full" | "sam_full_normalized":
                return {"rho": np.full(self.runs, RHO), "normalized": self.optimizer == "sam_full_normalized"}
            case "sam_sample":
                return {"rho": np.full(self.runs, RHO), "by_samples": True}
            case _:
                return self._drawn()

    def _drawn(self) -> dict[str, np.ndarray]:
        """What is drawn for the steps of a period."""
        rng = np.random.default_rng(0)
        drawn = 2 * self.dim if self.optimizer == "parameter_noise" else self.samples
        steps = int(np.clip(MOST_DRAWN // (self.runs * drawn), 4, BLOCK))
        shape = steps, self.runs, self.samples
        match self.optimizer:
            case "parameter_noise":
                return {"parameters": 0.01 * rng.standard_normal((steps, 2, self.runs, self.dim))}
            case "label_noise":
                return {"shift": 0.1 * rng.standard_normal(shape)}
            case "sgd":
                size = max(1, self.samples // MINIBATCH)
                weight = minibatch_weights(rng.random((steps * self.runs, self.samples)), size)
                chosen = np.nonzero(weight)[1].reshape(steps, self.runs, size)
                return {"weight": weight.reshape(shape), "chosen": chosen}
            case _:
                return {}

    def suits(self, library: str) -> bool:
        """Whether that is a way to take these steps: minibatches alone are gathered, and of what memory holds."""
        if library.endswith("-samples"):
            return self.optimizer == "sam_sample" and self.runs * self.dim * self.samples <= MOST_GATHERED
        gathered = self.runs * self.dim * max(1, self.samples // MINIBATCH)
        return not library.endswith("-gather") or (self.optimizer == "sgd" and gathered <= MOST_GATHERED)


def cells(effort: Effort) -> Iterator[Cell]:
    """The rows that are measured."""
    if effort.quick:
        for dim, samples, depth, runs in QUICK_CELLS:
            yield Cell(dim=dim, samples=samples, depth=depth, runs=runs)
        return
    for optimizer in OPTIMIZERS:
        for dim, samples in SIZES:
            for depth in DEPTHS:
                for runs in RUNS if optimizer == "gradient_descent" else RUNS_OF_OTHERS:
                    yield Cell(dim=dim, samples=samples, depth=depth, runs=runs, optimizer=optimizer)


def measure_kernel(baselines: BaselineProcess, effort: Effort, wanted: Iterator[Cell] | None = None) -> dict[str, Any]:
    """The whole table."""
    libraries = baselines.ask("describe")["libraries"]
    rows = []
    with one_thread():
        for cell in wanted or cells(effort):
            batch = cell.batch()
            loops: dict[str, TimedLoop] = {"stepbias": OurLoop(batch, effort.kernel)}
            loops |= {library: baselines.prepare(library, batch) for library in libraries if cell.suits(library)}
            rows.append(row(cell, batch, loops, effort, baselines.dgemm))
            print(line(rows[-1]), flush=True)
            baselines.ask("forget")
    return {"kernel": kernel_in_use(effort.kernel), "rows": rows}


def row(
    cell: Cell, batch: Batch, loops: Mapping[str, TimedLoop], effort: Effort, dgemm: Callable[[], Elapsed]
) -> dict[str, Any]:
    """Microseconds per run and step of every loop, after it has been shown to compute the same."""
    check_agreement(loops, batch)
    steps = {name: steps_of(loop, effort) for name, loop in loops.items()}
    works = {name: partial(loop.elapsed, steps[name]) for name, loop in loops.items()}
    taken = in_turn(works | {"dgemm": dgemm}, effort.rounds)
    seconds = {name: [effort.of(one) for one in values] for name, values in taken.items()}
    dgemm_rate = [2e-9 * DGEMM_SIZE**3 / one for one in seconds.pop("dgemm")]
    microseconds = {name: [1e6 * one / steps[name] / cell.runs for one in values] for name, values in seconds.items()}
    ours = microseconds["stepbias"]
    rate = [batch.flops / cell.runs / one / 1e3 for one in ours]
    ratio = {name: median_ratio(values, ours) for name, values in microseconds.items() if name != "stepbias"}
    return asdict(cell) | {
        "steps": steps,
        "microseconds": {name: statistics.median(values) for name, values in microseconds.items()},
        "ratio": ratio,
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


def line(row: Mapping[str, Any]) -> str:
    """One row as text."""
    times = "  ".join(f"{name} {microseconds:.3f}" for name, microseconds in row["microseconds"].items())
    ratios = "  ".join(f"{name} {ratio:.2f}×" for name, ratio in row["ratio"].items())
    return (
        f"{OPTIMIZERS[row['optimizer']]}, {row['dim']}×{row['samples']}, D = {row['depth']}, {row['runs']} runs: "
        f"{times} µs per run and step; "
        f"{ratios}; {row['gflops']:.1f} GFLOP/s, {row['of_dgemm']:.2f} of dgemm, "
        f"{row['core_share']:.0%} of a core"
    )
