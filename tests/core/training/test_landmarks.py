"""Landmarks: where a run that has crossed the edge comes to rest, and its twin ends beside it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import root

from core.descent.optimizers import FullBatch, HeavyBall, Minibatch
from core.outcome import Outcome
from core.training.landmarks import Landmarks, relative_distance
from core.training.oscillation import WINDOW
from core.training.problem import Problem
from core.training.sensitivity import WithTwin, moved_start
from core.training.training_run import Landmark, TrainedRun, TrainingRun
from core.training.trials import SearchResult, SingleTrial, Trials
from tests.core.training.evidence_at import batch_of
from tests.core.trainings import (
    MAX_STABLE_STEP,
    SQUARED,
    TINY,
    bits,
    planned,
    problem_of,
    trained_alone,
    trained_backwards,
)

LONG: dict[str, Any] = {"step_size": 0.995 * MAX_STABLE_STEP, "init_scale": 0.3, "loss_tolerance": 1e-20}
"""Crosses the edge in its warm-up of 1000 steps, and then converges in 64,000."""


def looked_at(*runs: TrainingRun, disturbed: Sequence[int], step: int = WINDOW) -> tuple[Landmarks, list[int]]:
    """The landmarks after a look at the starts of some runs, and the twins that end there."""
    landmarks = Landmarks.begin(len(runs), 7)
    met = landmarks.look(batch_of(*runs), step, np.array(disturbed))
    return landmarks, met


def flow_limit(theta: np.ndarray) -> np.ndarray:
    """β = a·sinh(asinh(β(0)/a) + Xᵀν) with Xβ = y, a = 2|u₊u₋|, by a solver of equations."""
    X, y = TINY.X, TINY.y
    a, start = 2 * np.abs(theta[0] * theta[1]), theta[0] ** 2 - theta[1] ** 2

    def beta(multipliers: np.ndarray) -> np.ndarray:
        return a * np.sinh(np.arcsinh(start / a) + X.T @ multipliers)

    found = root(lambda multipliers: X @ beta(multipliers) - y, np.zeros(len(y)), method="lm", tol=1e-14)
    return beta(found.x)


def with_twin(**changes: Any) -> SearchResult:
    """What comes of a run with a twin where it is needed."""
    search = WithTwin(search=SingleTrial(run=planned(**LONG | changes)), network=SQUARED, only_if_needed=True)
    trials, ended = Trials(problem_of(), [search]), []
    while trials.active:
        ended += trials.advance()
    (result,) = ended
    return result


def twin_by_hand(trained: TrainedRun, **changes: Any) -> np.ndarray:
    """θ of the twin of a run, trained to an end of its own."""
    run = replace(trained.run, has_twin=False, perturbed_by="other", **changes)
    return trained_backwards(problem_of(), replace(run, initial=moved_start(run.initial, run.seed)))


def test_a_landmark_is_the_limit_of_flow_from_where_the_run_is() -> None:
    """As a solver of equations finds it; and the run goes on."""
    run = planned(has_twin=True)
    landmarks, met = looked_at(run, disturbed=[WINDOW // 2])
    landmark = landmarks.of(0)
    assert met == []
    assert landmark is not None
    assert landmark.step == WINDOW
    np.testing.assert_allclose(landmark.predictor, flow_limit(run.initial), rtol=1e-8)


@pytest.mark.parametrize(
    ("changes", "disturbed", "step"),
    [
        pytest.param({}, 0, WINDOW, id="a smooth run"),
        pytest.param({}, int(0.97 * WINDOW), WINDOW, id="a loss that grew a moment ago"),
        pytest.param({}, WINDOW // 2, WINDOW - 64, id="within a window"),
        pytest.param({"warmup_steps": WINDOW + 1}, WINDOW // 2, WINDOW, id="a growing step size"),
        pytest.param({"has_twin": False}, WINDOW // 2, WINDOW, id="a run without a twin"),
        pytest.param({"takes_all_steps": True}, WINDOW // 2, WINDOW, id="a run of so many steps"),
        pytest.param({"optimizer": HeavyBall(momentum=0.5)}, WINDOW // 2, WINDOW, id="momentum"),
        pytest.param({"optimizer": Minibatch(batch_size=1)}, WINDOW // 2, WINDOW, id="minibatches"),
        pytest.param({"initial": np.zeros((2, 7))}, WINDOW // 2, WINDOW, id="a start that stays"),
    ],
)
def test_there_is_none_of(changes: dict[str, Any], disturbed: int, step: int) -> None:
    """Each differs in one thing from the run that has one."""
    run = planned(**{"optimizer": FullBatch(), "has_twin": True} | changes)
    landmarks, met = looked_at(run, disturbed=[disturbed], step=step)
    assert (landmarks.of(0), met) == (None, [])


def test_a_landmark_is_forgotten_where_the_loss_grows_again_and_found_anew() -> None:
    """The first one of those after the last growth is that of the run."""
    batch, landmarks = batch_of(planned(has_twin=True)), Landmarks.begin(1, 7)
    steps = []
    for step, disturbed in [(1, 3000), (2, 3000), (3, int(2.9 * WINDOW)), (4, int(2.9 * WINDOW)), (5, 20_000)]:
        landmarks.look(batch, step * WINDOW, np.array([disturbed]))
        landmark = landmarks.of(0)
        steps.append(landmark and landmark.step // WINDOW)
    assert steps == [1, 1, None, 4, 4]


def test_a_limit_that_is_out_of_reach_is_not_asked_for_at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only as often as a run may come to rest."""
    asked: list[int] = []
    monkeypatch.setattr(Problem, "flow_limit", lambda _problem, _theta: asked.append(1))
    batch, landmarks = batch_of(planned(has_twin=True)), Landmarks.begin(1, 7)
    for window in range(1, 101):
        landmarks.look(batch, window * WINDOW, np.array([3000]))
    assert len(asked) == 46
    assert landmarks.of(0) is None


def test_a_twin_ends_at_the_landmark_of_its_run_if_it_is_near() -> None:
    """A tenth of ‖β‖₂ away at most, and there alone."""
    start = planned()
    limit = flow_limit(start.initial)
    meetings = [Landmark(step=WINDOW, predictor=limit * factor) for factor in (1.0, 1.09, 1.2)]
    later = Landmark(step=2 * WINDOW, predictor=limit)
    twins = [replace(start, index=number, meets=meeting) for number, meeting in enumerate([*meetings, later])]
    landmarks, met = looked_at(*twins, disturbed=[0, WINDOW // 2, 0, 0])
    assert met == [0, 1]
    assert [landmarks.of(index) is None for index in range(4)] == [False, False, True, True]


def test_a_twin_costs_the_way_to_the_landmark_and_says_what_it_would_at_its_end() -> None:
    """An eighth of the steps, and the distance of the two ends to a tenth."""
    result = with_twin()
    trained = result.trained
    assert trained.landmark is not None
    assert 7 * trained.landmark.step < trained.steps
    apart = relative_distance(*(SQUARED.predictor(theta) for theta in (twin_by_hand(trained), trained.theta)))
    assert 1e-4 < apart < 1e-3
    assert result.extras["sensitivity"] == pytest.approx(apart, rel=0.1)
    assert result.extras["twin_outcome"] == Outcome.CONVERGED


def test_the_distance_is_that_of_the_two_limits_of_flow() -> None:
    """Both from the states at the landmark, by a solver of equations."""
    result = with_twin()
    trained = result.trained
    assert trained.landmark is not None
    step = trained.landmark.step
    there = trained_alone(problem_of(), replace(trained.run, max_steps=step, has_twin=False)).theta
    limits = [flow_limit(theta) for theta in (twin_by_hand(trained, max_steps=step), there)]
    assert result.extras["sensitivity"] == pytest.approx(relative_distance(*limits), rel=1e-6)


def test_a_twin_that_is_not_near_goes_on_to_its_own_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the distance is that of the two ends."""
    monkeypatch.setattr("core.training.landmarks.NEAR", 1e-6)
    result = with_twin()
    ends = twin_by_hand(result.trained), result.trained.theta
    apart = relative_distance(*(SQUARED.predictor(theta) for theta in ends))
    assert result.extras["sensitivity"] == pytest.approx(apart, rel=1e-12)


def test_a_run_that_did_not_converge_is_not_met() -> None:
    """Its twin takes all of the budget, too."""
    result = with_twin(max_steps=20_000)
    assert result.trained.landmark is not None
    assert result.extras["twin_outcome"] == Outcome.BUDGET_EXHAUSTED
    ends = twin_by_hand(result.trained), result.trained.theta
    apart = relative_distance(*(SQUARED.predictor(theta) for theta in ends))
    assert result.extras["sensitivity"] == pytest.approx(apart, rel=1e-12)


def test_looking_for_landmarks_changes_no_bit_of_a_run() -> None:
    """But the landmark itself."""
    trained = with_twin().trained
    alone = trained_alone(problem_of(), replace(trained.run, has_twin=False))
    assert bits(replace(trained, landmark=None)) == bits(alone)
