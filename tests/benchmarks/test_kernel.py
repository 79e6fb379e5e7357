"""The kernel benchmark, with tiny sizes: that it measures what it says. How long anything takes is not asserted."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.dgemm import dgemm
from benchmarks.baselines.elapsed import Elapsed, elapsed
from benchmarks.baselines.numpy_gather import GatherLoop
from benchmarks.baselines.numpy_loop import NumpyLoop, prepare
from benchmarks.drawing import kernel_figure
from benchmarks.kernel import OPTIMIZERS, Cell, Disagreement, check_agreement, line, row
from benchmarks.ours import OurLoop
from benchmarks.turns import Effort, in_turn, median_ratio
from core.descent.kernel import NUMPY

TINY = Effort(rounds=2, seconds=1e-4, quick=True)


class LocalLoop(NumpyLoop):
    """The NumPy baseline in this process."""

    def elapsed(self, steps: int) -> Elapsed:
        """How long the steps took."""
        return elapsed(lambda: self.advance(steps))


def tiny_cell(depth: int, runs: int = 3) -> Cell:
    """A cell of the table that takes no time."""
    return Cell(dim=7, samples=3, depth=depth, runs=runs)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_numpy_baseline_takes_the_steps_that_we_take(depth: int) -> None:
    """After 200 steps of 5 runs with 5 step sizes, θ is the same to 1e-12."""
    batch = tiny_cell(depth, runs=5).batch()
    ours, baseline = OurLoop(batch), LocalLoop(batch)
    ours.advance(200)
    baseline.advance(200)
    assert np.abs(ours.theta() - batch.theta).max() > 1e-3
    np.testing.assert_allclose(baseline.theta(), ours.theta(), rtol=1e-12)


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_baselines_take_the_steps_of_every_optimiser(optimizer: str, depth: int) -> None:
    """Over more steps than a period of what is drawn has; minibatches by weights and by their rows."""
    cell = Cell(dim=7, samples=20, depth=depth, runs=3, optimizer=optimizer)
    batch, plain = cell.batch(), Cell(dim=7, samples=20, depth=depth, runs=3).batch()
    loops = [OurLoop(batch, NUMPY), OurLoop(batch), prepare(batch)]
    loops += [GatherLoop(batch)] if cell.suits("numpy-gather") else []
    assert len(loops) == (4 if optimizer == "sgd" else 3)
    for loop in [*loops, untouched := NumpyLoop(plain)]:
        for steps in (30, 70):
            loop.advance(steps)
    for loop in loops[1:]:
        np.testing.assert_allclose(loop.theta(), loops[0].theta(), rtol=1e-12)
    assert (np.abs(loops[0].theta() - untouched.theta()).max() > 1e-4) == (optimizer != "gradient_descent")


@pytest.mark.parametrize("depth", [2, 3])
def test_row_of_the_table_holds_times_of_all_and_ratios_to_ours(depth: int) -> None:
    """The row that the benchmark itself makes, and the figure of such rows."""
    cell = tiny_cell(depth)
    batch = cell.batch()
    measured = row(cell, batch, {"stepbias": OurLoop(batch), "numpy": LocalLoop(batch)}, TINY, dgemm())
    assert (measured["dim"], measured["samples"], measured["depth"], measured["runs"]) == (7, 3, depth, 3)
    assert set(measured["microseconds"]) == {"stepbias", "numpy"}
    assert set(measured["ratio"]) == {"numpy"}
    assert "3 runs" in line(measured)
    assert len(kernel_figure([measured]).axes) == 1


def test_a_baseline_that_computes_something_else_is_not_timed() -> None:
    """Its states are compared first."""
    batch = tiny_cell(2).batch()
    other = Batch(X=batch.X, y=batch.y + 1e-6, depth=2, theta=batch.theta, step_sizes=batch.step_sizes)
    with pytest.raises(Disagreement, match="numpy differs"):
        check_agreement({"stepbias": OurLoop(batch), "numpy": LocalLoop(other)}, batch)


def test_batch_is_the_same_after_travelling_in_a_file(tmp_path: Path) -> None:
    """Every array to the bit, the depth as a number."""
    batch = tiny_cell(3).batch()
    batch.save(tmp_path / "batch.npz")
    again = Batch.load(tmp_path / "batch.npz")
    assert again.depth == 3
    for name in ("X", "y", "theta", "step_sizes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(batch, name))


def test_candidates_take_turns_and_ratios_are_those_within_a_round() -> None:
    """A B A B; a machine at half its speed in one round changes no ratio."""
    order: list[str] = []
    taken = in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == ["a", "b", "a", "b"]
    assert {name: len(values) for name, values in taken.items()} == {"a": 2, "b": 2}
    assert median_ratio([2.0, 4.0, 2.0], [1.0, 2.0, 1.0]) == 2.0


def test_baselines_need_nothing_of_stepbias() -> None:
    """They are imported in an environment that has no stepbias, and none of what it needs but NumPy."""
    program = (
        "import sys, benchmarks.baselines.__main__, benchmarks.baselines.numpy_loop;"
        "print(*{name.partition('.')[0] for name in sys.modules} & {'core', 'jobs', 'worker', 'jaxtyping', 'pydantic'})"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.strip() == ""
