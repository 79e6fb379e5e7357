"""Random runs of heavy ball and of minibatch SGD: what they say of their error, against the same runs iterated on.

`python -m tests.completion_campaign.other_optimisers --runs 400`
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import click
import numpy as np

from core.analysis.limit_error import LimitErrors
from core.completion.completion import Completer, Completion
from core.data.regression import Dataset
from core.descent.kernel import one_thread
from core.descent.optimizers import HeavyBall, Minibatch, Optimizer
from core.networks.network import Diagonal
from core.outcome import Outcome
from core.training.batch_training import Training
from core.training.problem import NeverStable, Problem
from core.training.training_run import TrainedRun, TrainingRun

TO_THE_END: Final = {"loss_tolerance": 1e-25, "completion_tolerance": 0.0}
"""By iteration alone."""

RESOLVED: Final = 1e-9
"""Largest error of a run that was iterated on, for it to judge another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The relative error of β that a run `said` it had, and the `true` one, known to `resolved`."""

    optimizer: Optimizer
    is_completed: bool
    steps: int
    said: float
    true: float
    resolved: float

    @property
    def is_exceeded(self) -> bool:
        """Whether the true error is above what was said."""
        return self.true > self.said + self.resolved


def judged(number: int) -> Judged | None:
    """Run `number`; None where it does not converge both times, or not far enough to be judged."""
    problem, run = _drawn(number)
    trained, limit = (_trained(problem, each) for each in (run, replace(run, **TO_THE_END)))
    if not trained.outcome is limit.outcome is Outcome.CONVERGED:
        return None
    errors = LimitErrors(problem.dataset, problem.network)
    found, true = (problem.network.predictor(each.end) for each in (trained, limit))
    resolved = errors.of(limit)
    if not resolved <= RESOLVED:
        return None
    return Judged(
        optimizer=run.optimizer,
        is_completed=trained.completion is not None,
        steps=trained.steps,
        said=errors.of(trained),
        true=float(np.linalg.norm(found - true) / np.linalg.norm(true)),
        resolved=resolved,
    )


def line(kind: type[Optimizer], runs: Sequence[Judged]) -> str:
    """What became of the runs of one kind."""
    own = [run for run in runs if isinstance(run.optimizer, kind)]
    name = "heavy ball" if kind is HeavyBall else "minibatches"
    said, true = (np.median([getattr(run, each) for run in own]) for each in ("said", "true"))
    return (
        f"{name}: {len(own)} converged, {sum(run.is_completed for run in own)} completed, "
        f"{sum(run.said >= 1 for run in own)} of which nothing is said; median error {true:.1e}, said {said:.1e}; "
        f"{sum(run.steps for run in own)} steps; {sum(run.is_exceeded for run in own)} errors above what was said"
    )


def _trained(problem: Problem, run: TrainingRun) -> TrainedRun:
    training, ended = Training(problem, [run]), []
    with np.errstate(all="ignore"):  # runs that diverge are part of the draw
        while training.active:
            ended += training.advance()
    return ended[0]


def _drawn(number: int) -> tuple[Problem, TrainingRun]:
    rng = np.random.default_rng([77, number])
    samples = int(rng.integers(2, 16))
    dim = samples + int(rng.integers(1, 25))
    depth = 2 if rng.random() < 0.6 else 3
    X = rng.choice([0.0, 1.0, 3.0]) + rng.standard_normal((samples, dim))
    if rng.random() < 0.2:
        X *= 10 ** rng.uniform(-0.7, 0.7, dim)
    y = X @ np.where(np.arange(dim) < max(1, dim // 5), 1.0, 0.0) + 0.1 * rng.standard_normal(samples)
    data, network = Dataset(X=X, y=y), Diagonal(depth)
    scale = 10 ** rng.uniform(-2 if depth == 2 else -0.8, 0.4)
    initial = np.full((2, dim), scale) if rng.random() < 0.6 else scale * np.abs(rng.standard_normal((2, dim)))
    optimizer = _optimizer(rng, number, samples)
    flow = Completer(data, network).complete(initial, step_size=1e-12, tolerance=np.inf)
    limit = optimizer.stability_limit / (flow.sharpness if isinstance(flow, Completion) else 1.0)
    step_size = limit * 10 ** rng.uniform(-1, 0.1) * (float(rng.choice([1, 0.3])) if number % 2 else 1.0)
    run = TrainingRun(
        index=0,
        initial=initial,
        optimizer=optimizer,
        step_size=step_size,
        warmup_steps=int(rng.choice([0, 0, 500, 3000])),
        loss_tolerance=1e-10,
        max_steps=1_000_000,
        perturb_unstable=True,
        record_points=0,
        seed=number,
        completion_tolerance=1e-7,
    )
    return Problem(dataset=data, network=network, never_stable=NeverStable(positive=np.inf, any_sign=np.inf)), run


def _optimizer(rng: np.random.Generator, number: int, samples: int) -> Optimizer:
    if number % 2 == 0:
        return HeavyBall(momentum=float(rng.choice([0.5, 0.9, 0.99])))
    return Minibatch(batch_size=int(rng.choice([1, 2, max(1, samples // 2), max(1, samples - 1)])))


def main() -> int:
    """Read the command line and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    with one_thread():
        runs = [found for each in range(options.runs) if (found := judged(options.first + each)) is not None]
    for kind in (HeavyBall, Minibatch):
        click.echo(line(kind, runs))
    return 1 if any(run.is_exceeded for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
