"""Whose loss has grown: losses made by hand, and runs that cross the edge of stability or do not."""

from typing import Any

import numpy as np
import pytest

from core.data.regression import Dataset
from core.descent.optimizers import Minibatch
from core.networks.network import Diagonal
from core.outcome import Outcome, RunPath
from core.training.batch_training import Training
from core.training.edge_crossings import EdgeCrossings
from core.training.training_run import TrainedRun
from tests.core.training.evidence_at import batch_of, checks
from tests.core.trainings import MAX_STABLE_STEP, planned, problem_of, trained_alone


def has_grown(*losses: float, changes: dict[str, Any] | None = None) -> bool:
    """Whether the loss of a run has grown that was so much of ½Ê[y²] at successive checks; it begins at .97 of that."""
    batch, crossings = batch_of(planned(**(changes or {}))), EdgeCrossings.begin(1)
    crossings.note(batch, checks(*([loss] for loss in losses), last=64 * len(losses)))
    return bool(crossings.grew_at[0])


@pytest.mark.parametrize(
    ("losses", "grown"),
    [
        pytest.param((0.9, 0.5, 1e-3), False, id="falls all the way"),
        pytest.param((0.9, 0.5, 0.6, 1e-3), True, id="rises once"),
        pytest.param((1.1, 0.5), True, id="rises before the first check"),
        pytest.param((0.9, 0.9 * (1 + 1e-6), 0.5), False, id="stands still at a saddle"),
        pytest.param((0.9, 1e-25, 1e-21, 1e-25), False, id="fluctuates where rounding is all"),
        pytest.param((0.9, 1e-25, 1e-19), True, id="comes up through the floor"),
        pytest.param((0.9, np.nan), True, id="is no number"),
        pytest.param((0.9, np.inf, np.inf), True, id="overflows"),
    ],
)
def test_a_loss_grows_where_it_rises_above_what_rounding_makes(losses: tuple[float, ...], *, grown: bool) -> None:
    """From one check to the next, and not in the sum of many that fall."""
    assert has_grown(*losses) is grown


def test_checks_are_compared_across_chunks_and_runs_are_told_apart() -> None:
    """The last check of one chunk is the one before the first of the next, and no run feels another."""
    batch, crossings = batch_of(planned(0), planned(1)), EdgeCrossings.begin(2)
    for step, losses in enumerate([[0.5, 0.5], [0.4, 0.51], [0.3, 0.2]], start=1):
        crossings.note(batch, checks(losses, last=64 * step))
    assert (crossings.grew_at > 0).tolist() == [False, True]


def test_where_nothing_interpolates_the_least_loss_is_the_floor() -> None:
    """There the loss fluctuates by its own rounding, 1e-16 of it."""
    data = Dataset(X=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), y=np.array([1.0, 1.0, 0.0]))
    problem = problem_of(data, np.inf)
    assert problem.least_loss > 0.1
    for rise, grown in ((1e-13, False), (1e-9, True)):
        batch, crossings = batch_of(planned(dim=2), problem=problem), EdgeCrossings.begin(1)
        losses = [problem.least_loss * (1 + above) for above in (1e-15, rise)]
        crossings.note(batch, checks(*([loss / problem_of().zero_loss] for loss in losses), last=128))
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


def test_a_run_at_the_least_squares_and_one_at_a_saddle_are_smooth() -> None:
    """The first stays where rounding is all there is; the second waits for long while nothing changes."""
    data = Dataset(X=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), y=np.array([1.0, 1.0, 0.0]))
    settled = trained_alone(
        problem_of(data, np.inf), planned(dim=2, step_size=0.1, max_steps=30_000, loss_tolerance=1e-24)
    )
    assert (settled.outcome, settled.path) == (Outcome.STATIONARY, RunPath.SMOOTH)
    waiting = trained_alone(problem_of(), planned(init_scale=1e-9, step_size=0.1))
    assert (waiting.outcome, waiting.path) == (Outcome.CONVERGED, RunPath.SMOOTH)
