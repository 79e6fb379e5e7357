"""What recording costs a training."""

import statistics
from typing import Any, Final

import numpy as np

from benchmarks.baselines.elapsed import Elapsed, elapsed
from benchmarks.data import paper_data
from benchmarks.turns import Effort, in_turn, median_ratio
from core.descent.kernel import one_thread
from core.descent.optimizers import FullBatch
from core.networks.network import Diagonal
from core.training.batch_training import Training
from core.training.problem import NeverStable, Problem
from core.training.training_run import TrainingRun

RUNS: Final = 128
POINTS: Final = 100
STEPS: Final = 32_768
QUICK_STEPS: Final = 4096


def problem() -> Problem:
    """The default data with the squared network."""
    never_stable = NeverStable(positive=np.inf, any_sign=np.inf)
    return Problem(dataset=paper_data(samples=50, dim=100), network=Diagonal(2), never_stable=never_stable)


def runs_of(count: int, *, points: int, steps: int) -> list[TrainingRun]:
    """Runs of different η that take all their steps: none comes to the tolerance before."""
    return [
        TrainingRun(
            index=index,
            initial=np.full((2, 100), 0.1),
            optimizer=FullBatch(),
            step_size=step_size,
            warmup_steps=0,
            loss_tolerance=1e-30,
            max_steps=steps,
            perturb_unstable=True,
            record_points=points,
            seed=index,
        )
        for index, step_size in enumerate(np.geomspace(1e-5, 1e-3, count).tolist())
    ]


def train(count: int, *, points: int, steps: int) -> Elapsed:
    """How long a batch is trained."""
    training = Training(problem(), runs_of(count, points=points, steps=steps))

    def to_the_end() -> None:
        while training.active:
            training.advance()

    return elapsed(to_the_end)


def measure_recording(effort: Effort) -> dict[str, Any]:
    """Time with and without recording, in turn."""
    steps = QUICK_STEPS if effort.quick else STEPS
    with one_thread():
        taken = in_turn(
            {
                "recorded": lambda: effort.of(train(RUNS, points=POINTS, steps=steps)),
                "not recorded": lambda: effort.of(train(RUNS, points=0, steps=steps)),
            },
            3,
        )
    return _cost(taken, steps)


def _cost(taken: dict[str, list[float]], steps: int) -> dict[str, Any]:
    """The ratio falls with the length of a run: of all lengths, that at which recording costs 5 % is given."""
    ratio = median_ratio(taken["recorded"], taken["not recorded"])
    result = {
        "runs": RUNS,
        "points": POINTS,
        "steps": steps,
        "seconds": {name: statistics.median(values) for name, values in taken.items()},
        "ratio": ratio,
        "steps_for_five_per_cent": max(0.0, (ratio - 1) * steps / 0.05),
    }
    print(
        f"recording {POINTS} points of {RUNS} runs of {steps} steps: {ratio:.3f} × the time without; "
        f"5 % from {result['steps_for_five_per_cent']:.0f} steps on"
    )
    return result
