"""Whose loss has grown: losses made by hand, and runs that cross the edge of stability or do not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.descent.kernel import kernel_names
from core.descent.optimizers import Minibatch
from core.networks.network import Diagonal
from core.outcome import Outcome, RunPath
from core.training.batch import Batch
from core.training.batch_training import Training
from core.training.edge_crossings import EdgeCrossings
from core.training.landmarks import relative_distance
from core.training.training_run import TrainedRun, TrainingRun
from tests.core.training.evidence_at import batch_of
from tests.core.trainings import MAX_STABLE_STEP, ended_of, planned, problem_of, trained_alone


def note(crossings: EdgeCrossings, batch: Batch, *losses: Sequence[float], last: int, to_check: bool = True) -> None:
    """Note the losses of all runs after successive numbers of steps up to the last."""
    growth = crossings.watch(batch)
    assert growth is not None
    growth.note(last - np.arange(len(losses))[::-1], np.array(losses), to_check=to_check)


def has_grown(*losses: float) -> bool:
    """Whether the loss of a run has grown that was so much of ½Ê[y²] at its start and at successive checks."""
    batch, crossings = batch_of(planned()), EdgeCrossings.begin(1)
    for number, loss in enumerate(losses):
        note(crossings, batch, [loss * batch.problem.zero_loss], last=64 * number)
    return bool(crossings.grew_at[0])


@pytest.mark.parametrize(
    ("losses", "grown"),
    [
        pytest.param((1.0, 0.9, 0.5, 1e-3), False, id="falls all the way"),
        pytest.param((1.0, 0.9, 0.5, 0.6, 1e-3), True, id="rises once"),
        pytest.param((1.0, 1.1, 0.5), True, id="rises before the first check"),
        pytest.param((0.9, 0.9 * (1 + 1e-6), 0.5), False, id="stands still at a saddle"),
        pytest.param((0.9, 1e-25, 1e-21, 1e-25), False, id="fluctuates where rounding is all"),
        pytest.param((0.9, 1e-25, 1e-19), True, id="comes up through the floor"),
        pytest.param((1.0, 0.9, np.nan), True, id="is no number"),
        pytest.param((1.0, 0.9, np.inf, np.inf), True, id="overflows"),
    ],
)
def test_a_loss_grows_where_it_rises_above_what_rounding_makes(losses: tuple[float, ...], *, grown: bool) -> None:
    """From one check to the next, and not in the sum of many that fall."""
    assert has_grown(*losses) is grown


def test_checks_are_compared_across_chunks_and_runs_are_told_apart() -> None:
    """The last check of one chunk is the one before the first of the next, and no run feels another."""
    batch, crossings = batch_of(planned(0), planned(1)), EdgeCrossings.begin(2)
    for number, losses in enumerate([[0.5, 0.5], [0.4, 0.51], [0.3, 0.2]], start=1):
        note(crossings, batch, losses, last=64 * number)
    assert crossings.grew_at.tolist() == [0, 128]


def test_between_checks_a_loss_is_compared_with_the_least_since_the_last() -> None:
    """Whatever the chunks: what rises little by little has grown as well, and what a check has ended is forgotten."""
    for rise, step in ((1.00005, 0), (1.00015, 67)):
        batch, crossings = batch_of(planned()), EdgeCrossings.begin(1)
        note(crossings, batch, [0.5], last=64)
        note(crossings, batch, [0.4], [0.4 * rise], last=66, to_check=False)
        note(crossings, batch, [0.4 * rise**2], last=67, to_check=False)
        assert crossings.grew_at.tolist() == [step]
    note(crossings, batch, [0.3], last=128)
    note(crossings, batch, [0.2999], last=129, to_check=False)
    assert crossings.grew_at.tolist() == [67]


def test_where_no_run_is_plain_descent_nobody_looks() -> None:
    """Losses rise of themselves there; beside plain descent they are looked at and come to nothing."""
    noisy = planned(optimizer=Minibatch(batch_size=2))
    assert EdgeCrossings.begin(1).watch(batch_of(noisy)) is None
    assert EdgeCrossings.begin(2).watch(batch_of(noisy, planned(1))) is not None


def test_where_nothing_interpolates_the_least_loss_is_the_floor() -> None:
    """There the loss fluctuates by its own rounding, 1e-16 of it."""
    data = Dataset(X=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), y=np.array([1.0, 1.0, 0.0]))
    problem = problem_of(data, np.inf)
    assert problem.dataset.least_loss > 0.1
    for rise, grown in ((1e-13, False), (1e-9, True)):
        batch, crossings = batch_of(planned(dim=2), problem=problem), EdgeCrossings.begin(1)
        for number, above in enumerate((1e-15, rise)):
            note(crossings, batch, [problem.dataset.least_loss * (1 + above)], last=64 * number)
        assert bool(crossings.grew_at[0]) is grown


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"step_size": 0.1 * MAX_STABLE_STEP}, RunPath.SMOOTH, id="far below the edge"),
        pytest.param({"step_size": 0.98 * MAX_STABLE_STEP, "init_scale": 0.3}, RunPath.CROSSED_EDGE, id="rides it"),
        pytest.param({"step_size": 100.0, "warmup_steps": 0}, RunPath.CROSSED_EDGE, id="diverges before a check"),
        pytest.param({"optimizer": Minibatch(batch_size=2)}, None, id="of random steps"),
    ],
)
def test_the_path_of_a_run(changes: dict[str, Any], path: RunPath | None) -> None:
    """Plain gradient descent is smooth or has crossed the edge; of other optimisers a loss that grows says nothing."""
    assert trained_alone(problem_of(), planned(**changes)).path is path


def test_a_run_that_crosses_the_edge_before_the_first_check_is_not_smooth() -> None:
    """Two samples, depth 4, no warm-up: the loss rises in 35 of the first 63 steps and has fallen at every check."""
    rng = np.random.default_rng(117)
    X = rng.normal(1, 1, (2, 3))
    problem = problem_of(Dataset(X=X, y=X @ rng.normal(0, 1, 3)), np.inf, Diagonal(4))
    start = np.array([[0.98940473, -0.19438525, -0.90766505], [0.46644556, -0.84472525, -0.75251841]])
    run = planned(initial=start, step_size=0.0726923076923077, warmup_steps=0)
    resumed = Training.resume(problem, [run], Training(problem, [run]).checkpoint())
    ended: list[TrainedRun] = []
    while resumed.active:
        ended += resumed.advance()
    for trained in (trained_alone(problem, run), *ended):
        assert (trained.outcome, trained.path) == (Outcome.CONVERGED, RunPath.CROSSED_EDGE)


def by_hand(run: TrainingRun, data: Dataset, depth: int, steps: int) -> np.ndarray:
    """The losses before and after each of so many steps, in a plain loop."""
    X, y, (plus, minus), losses = data.X, data.y, run.initial, []
    for step in range(steps + 1):
        residual = X @ (plus**depth - minus**depth) - y
        losses.append(residual @ residual / (2 * len(y)))
        pull = run.step_size * min(1, (step + 1) / max(run.warmup_steps, 1)) * depth * (X.T @ residual) / len(y)
        plus, minus = plus - pull * plus ** (depth - 1), minus + pull * minus ** (depth - 1)
    return np.array(losses)


def rises(losses: np.ndarray, floor: float) -> np.ndarray:
    """Between which of these losses there is more than rounding makes."""
    above = np.maximum(losses, floor)
    return np.flatnonzero(above[1:] > 1.0002 * above[:-1])


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A run whose loss rises to so many `times` what it was at the check before, and has fallen by the next."""

    depth: int
    rows: list[list[float]]
    targets: list[float]
    start: list[list[float]]
    step_size: float
    warmup_steps: int
    times: float


WIDE: dict[str, Any] = {
    "depth": 2,
    "rows": [[0.024, 1.7, 1.1, 0.66, 2.6], [0.18, 0.54, 1.3, 1.8, 0.75], [1.3, 2.5, 1.7, 0.9, 2.3]],
    "targets": [1.3, 0.16, -0.95],
    "warmup_steps": 100,
}
UNSEEN = {
    "depth 2": Unseen(
        **WIDE,
        start=[[-0.032, -0.0022, 0.007, -0.043, -0.053], [0.046, 0.22, -0.082, 1.4, 0.052]],
        step_size=0.156,
        times=1e5,
    ),
    "depth 2, small parameters": Unseen(
        **WIDE,
        start=[[0.2, -0.09, 0.13, 0.069, -0.21], [0.054, -0.19, 0.096, -0.029, 0.06]],
        step_size=0.155,
        times=7,
    ),
    "depth 3": Unseen(
        depth=3,
        rows=[[-0.39, -0.95, -0.46, 1.1, -0.22], [0.27, 0.12, -1.1, 0.62, -1.4], [0.78, 1.4, -0.22, -2.2, 0.16]],
        targets=[-1.6, -1.4, 1.9],
        start=[[-0.12, 0.16, 0.16, 1.8, 1.4], [-0.64, -0.8, 1.3, 1.2, 0.86]],
        step_size=0.0253,
        warmup_steps=100,
        times=400,
    ),
    "depth 4": Unseen(
        depth=4,
        rows=[[1.5, 1.0, 1.4, 0.86], [1.1, 0.47, 1.0, 1.4], [0.97, 0.24, 2.7, 1.6]],
        targets=[3.5, 2.8, 2.5],
        start=[[-1.3, -0.96, -1.9, -0.48], [1.2, 0.54, 0.54, 1.3]],
        step_size=0.00995,
        warmup_steps=1000,
        times=300,
    ),
    "one sample": Unseen(
        depth=4,
        rows=[[3.7, 1.8]],
        targets=[-1.3],
        start=[[0.64, 0.97], [0.65, 0.48]],
        step_size=0.036,
        warmup_steps=100,
        times=1e19,
    ),
}


@pytest.mark.parametrize("kernel", kernel_names())
@pytest.mark.parametrize("case", UNSEEN.values(), ids=UNSEEN)
def test_a_loss_that_rises_between_two_checks_and_falls_again_is_seen(kernel: str, case: Unseen) -> None:
    """At every check, and at each of the first 64 steps, it has fallen; where it rises is known by a plain loop."""
    data, network = Dataset(X=np.array(case.rows), y=np.array(case.targets)), Diagonal(case.depth)
    problem = replace(problem_of(data, np.inf, network), kernel=kernel)
    run = planned(initial=np.array(case.start), step_size=case.step_size, warmup_steps=case.warmup_steps)
    losses = by_hand(run, data, case.depth, 4096)
    floor = 1e-20 * max(losses[0], problem.zero_loss)
    assert not len(rises(losses[:65], floor))
    assert not len(rises(losses[64::64], floor))
    last = rises(losses, floor)[-1] + 1
    assert losses[last] > case.times * losses[last - last % 64]
    trained = trained_alone(problem, run)
    assert (trained.outcome, trained.path) == (Outcome.CONVERGED, RunPath.CROSSED_EDGE)


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_a_smooth_run_has_never_risen_and_ends_where_its_neighbour_does(seed: int) -> None:
    """Small problems at step sizes about the edge, beside a plain loop and beside a start 1e-14 away."""
    rng = np.random.default_rng(seed)
    depth, dim = int(rng.integers(2, 5)), int(rng.integers(2, 7))
    X = rng.normal(rng.choice([0, 1, 3]), 1, (int(rng.integers(1, dim)), dim))
    problem = problem_of(Dataset(X=X, y=X @ rng.normal(0, 1, dim)), np.inf, Diagonal(depth))
    starts = rng.normal(0, 1, (12, 2, dim)) * 10 ** rng.uniform(-1.2, 0.2, (12, 1, 1))
    limits = {index: limit for index, start in enumerate(starts) if (limit := problem.flow_limit(start)) is not None}
    runs = []
    for place, (index, limit) in enumerate(limits.items()):
        weights = problem.network.least_tangent_weights(limit)
        stable = 2 / np.linalg.eigvalsh((X * weights) @ X.T / len(X))[-1]
        about = {"initial": starts[index], "step_size": float(stable * rng.uniform(0.3, 2.2)), "max_steps": 20_000}
        runs.append(planned(place, **about, warmup_steps=int(rng.choice([0, 100, 1000]))))
    moved = [replace(run, initial=run.initial * (1 + 1e-14 * rng.standard_normal((2, dim)))) for run in runs]
    with np.errstate(all="ignore"):  # some diverge
        ends = [ended_of(problem, each) for each in (runs, moved)]
    for one, other in zip(*ends, strict=True):
        if one.path is not RunPath.SMOOTH:
            continue
        losses = by_hand(one.run, problem.dataset, depth, one.steps)
        risen = rises(losses[::4], 1e-20 * max(losses[0], problem.zero_loss))
        assert not len(risen)
        if one.outcome is Outcome.CONVERGED:
            assert relative_distance(*(problem.network.predictor(each.end) for each in (other, one))) < 1e-7


def test_a_run_at_the_least_squares_and_one_at_a_saddle_are_smooth() -> None:
    """The first stays where rounding is all there is; the second waits for long while nothing changes."""
    data = Dataset(X=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), y=np.array([1.0, 1.0, 0.0]))
    settled = trained_alone(
        problem_of(data, np.inf), planned(dim=2, step_size=0.1, max_steps=30_000, loss_tolerance=1e-24)
    )
    assert (settled.outcome, settled.path) == (Outcome.STATIONARY, RunPath.SMOOTH)
    waiting = trained_alone(problem_of(), planned(init_scale=1e-9, step_size=0.1))
    assert (waiting.outcome, waiting.path) == (Outcome.CONVERGED, RunPath.SMOOTH)
