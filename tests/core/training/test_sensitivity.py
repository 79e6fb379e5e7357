"""Sensitivity: a perturbed copy starts a hair beside the run, and how far away it ends."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.array_block import pack_arrays, unpack_arrays
from core.data.regression import Dataset
from core.descent.optimizers import FullBatch, HeavyBall, LabelNoise, Minibatch, Optimizer
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome, RunPath
from core.training.batch_training import Training
from core.training.convergent_step_search import StepSearch
from core.training.escapes import Escapes
from core.training.landmarks import relative_distance
from core.training.problem import Problem
from core.training.sensitivity import WithTwin, moved_start
from core.training.training_run import Landmark
from core.training.trials import Search, SearchResult, SingleTrial, Trials
from tests.core.training.evidence_at import batch_of
from tests.core.trainings import (
    MAX_STABLE_STEP,
    SQUARED,
    bits,
    made_up,
    planned,
    problem_of,
    trained_alone,
    trained_backwards,
)


def with_twins(*searches: Search, only_if_needed: bool = False) -> list[WithTwin]:
    """The searches with their perturbed copies."""
    return [WithTwin(search=search, network=SQUARED, only_if_needed=only_if_needed) for search in searches]


def results(searches: Sequence[Search], problem: Problem | None = None, *, resumed: bool = False) -> list[SearchResult]:
    """What comes of them, in order; taken up from a checkpoint after each advance if `resumed`."""
    problem = problem or problem_of()
    trials, ended = Trials(problem, searches), []
    while trials.active:
        ended += trials.advance()
        if resumed and trials.active:
            trials = Trials.resume(problem, searches, unpack_arrays(pack_arrays(trials.checkpoint())))
    return sorted(ended, key=lambda result: result.trained.run.index)


def sensitivity_of(**changes: Any) -> float:
    """Of one run."""
    (concluded,) = results(with_twins(SingleTrial(run=planned(**changes))))
    return number_of(concluded)


def number_of(result: SearchResult) -> float:
    """The sensitivity that it has."""
    number = result.extras["sensitivity"]
    assert isinstance(number, float)
    return number


def test_a_calm_run_keeps_almost_all_digits() -> None:
    """A small step size never meets the edge: the copy stays within a few hundred roundings."""
    assert 1e-17 < sensitivity_of(step_size=0.1 * MAX_STABLE_STEP, warmup_steps=0) < 1e-12


def test_at_the_edge_rounding_is_amplified() -> None:
    """At 0.98 of the largest stable step a run loses most of the digits that calm ones keep."""
    assert 1e-9 < sensitivity_of(step_size=0.98 * MAX_STABLE_STEP) < 1


def test_the_sensitivity_is_the_distance_of_two_trainings() -> None:
    """Trained one after the other, the second backwards and from the perturbed start, and compared by hand."""
    run = planned(step_size=0.98 * MAX_STABLE_STEP)
    first = trained_alone(problem_of(), run).theta
    second = trained_backwards(problem_of(), replace(run, initial=moved_start(run.initial, run.seed)))
    beta, other = (theta[0] ** 2 - theta[1] ** 2 for theta in (first, second))
    expected = math.sqrt(sum((other - beta) ** 2) / sum(beta**2))
    assert sensitivity_of(step_size=0.98 * MAX_STABLE_STEP) == pytest.approx(expected, rel=1e-12)


def test_the_distance_is_that_of_the_networks_predictors() -> None:
    """With four parts β = u₊v₊ − u₋v₋, by hand."""
    run = planned(step_size=1.9 * MAX_STABLE_STEP, initial=np.full((4, 7), 0.1))
    problem = problem_of(never_stable_above=np.inf, network=UV())
    (concluded,) = results([WithTwin(search=SingleTrial(run=run), network=UV())], problem)
    moved = replace(run, initial=moved_start(run.initial, run.seed))
    thetas = trained_alone(problem, run).theta, trained_backwards(problem, moved)
    beta, other = (theta[0] * theta[2] - theta[1] * theta[3] for theta in thetas)
    expected = math.sqrt(sum((other - beta) ** 2) / sum(beta**2))
    assert concluded.extras["sensitivity"] == pytest.approx(expected, rel=1e-12)


def test_a_copy_leaves_the_run_alone() -> None:
    """The run has the bits that it has without one, perturbations and all."""
    runs = [planned(0), planned(1, init_scale=0.3), planned(2, step_size=0.98 * MAX_STABLE_STEP)]
    for run, concluded in zip(runs, results(with_twins(*(SingleTrial(run=run) for run in runs))), strict=True):
        assert bits(concluded.trained) == bits(trained_alone(problem_of(), run))
        assert set(concluded.extras) == {"sensitivity", "twin_outcome"}


def test_a_run_is_followed_by_its_copy() -> None:
    """Which knows where the run came to rest, if it converged."""
    (search,) = with_twins(SingleTrial(run=planned()))
    (run,) = search.next_trials([])
    landmark = Landmark(step=8192, predictor=np.ones(7))
    for outcome, meets in ((Outcome.CONVERGED, landmark), (Outcome.DIVERGED, None)):
        (copy,) = search.next_trials([replace(made_up(run, outcome), landmark=landmark)])
        assert (run.step_size, run.seed, run.index) == (copy.step_size, copy.seed, copy.index)
        assert (run.has_twin, copy.has_twin) == (True, False)
        assert (copy.record_points, copy.meets) == (0, meets)


def test_a_copy_is_perturbed_otherwise() -> None:
    """Its start is moved, and so are the perturbations that the run may need: they decide where it goes.

    So does the order of its sums.
    """
    (search,) = with_twins(SingleTrial(run=planned()))
    run = planned()
    (copy,) = search.next_trials([made_up(run, Outcome.CONVERGED)])
    assert copy.goes_backwards
    moved = []
    for each in (run, replace(run, perturbed_by=copy.perturbed_by)):
        batch = batch_of(each)
        Escapes.begin(1).perturb(batch, 0, 0)
        moved.append(batch.theta() / each.initial - 1)
    assert 0 < np.abs(moved[0] - moved[1]).max() < 1e-6


CALM: dict[str, Any] = {"step_size": 0.1 * MAX_STABLE_STEP}
CROSSING: dict[str, Any] = {"step_size": 0.98 * MAX_STABLE_STEP, "init_scale": 0.3}
RESTING: dict[str, Any] = {"step_size": 0.995 * MAX_STABLE_STEP, "init_scale": 0.3}
"""Has a landmark after 8192 steps of 12,352."""


def test_only_runs_that_rounding_may_decide_are_copied_where_that_is_asked_for() -> None:
    """A smooth run is told as soon as it ends, and nothing of a copy; one that crossed the edge has what all have."""
    singles = [SingleTrial(run=planned(0, **CALM)), SingleTrial(run=planned(1, **CROSSING))]
    calm, crossing = results(with_twins(*singles, only_if_needed=True))
    assert (calm.trained.path, calm.extras) == (RunPath.SMOOTH, {})
    assert crossing.trained.path is RunPath.CROSSED_EDGE
    (beside,) = results(with_twins(singles[1]))
    assert crossing.extras == beside.extras
    assert crossing.extras["twin_outcome"] == "converged"
    assert bits(crossing.trained) == bits(trained_alone(problem_of(), singles[1].run))


def test_a_smooth_run_does_not_wait_for_the_copies_of_others() -> None:
    """It has its result in the first round."""
    longer = replace(planned(0, **CROSSING), max_steps=10**6)
    trials = Trials(
        problem_of(), with_twins(SingleTrial(run=longer), SingleTrial(run=planned(1, **CALM)), only_if_needed=True)
    )
    ended: list[SearchResult] = []
    while not ended:
        ended += trials.advance()
    assert [result.trained.run.index for result in ended] == [1]
    assert [run.index for run in trials.active] == [0]


def test_where_smooth_runs_alone_are_there_is_no_second_round() -> None:
    """To the step: nothing is trained beyond the runs themselves."""
    runs = [planned(0, **CALM), planned(1, **CALM, init_scale=0.2)]
    trials, plain = (
        Trials(problem_of(), with_twins(*(SingleTrial(run=run) for run in runs), only_if_needed=True)),
        Training(problem_of(), runs),
    )
    while trials.active:
        trials.advance()
        plain.advance()
        assert trials.step == plain.step
    assert not plain.active


@pytest.mark.parametrize("path", [RunPath.PERTURBED, RunPath.RELEASED, None])
def test_runs_that_are_not_smooth_have_a_copy_those_of_other_optimisers_as_well(path: RunPath | None) -> None:
    """Whatever their loss did."""
    noisy = Minibatch(batch_size=2) if path is None else FullBatch()
    ended = replace(
        made_up(planned(optimizer=noisy), Outcome.CONVERGED),
        perturbations=int(path is not None),
        held_steps=int(path is RunPath.RELEASED),
    )
    assert ended.path is path
    (search,) = with_twins(SingleTrial(run=ended.run), only_if_needed=True)
    assert len(search.next_trials([ended])) == 1


def test_copies_that_are_needed_can_be_resumed_at_any_moment() -> None:
    """Before and after the first round, to the bit; in company and alone."""
    kinds = [CALM, CROSSING, CALM, RESTING]
    singles = [SingleTrial(run=planned(index, **kind)) for index, kind in enumerate(kinds)]
    searches = with_twins(*singles, only_if_needed=True)
    undisturbed, resumed = (results(searches, resumed=flag) for flag in (False, True))
    alone = [result for search in searches for result in results([search])]
    assert [set(result.extras) for result in alone] == [set(), {"sensitivity", "twin_outcome"}] * 2
    for one, *others in zip(undisturbed, resumed, alone, strict=True):
        for other in others:
            assert bits(one.trained) == bits(other.trained)
            assert one.extras == other.extras


@given(
    seed=st.integers(0, 2**63),
    entries=st.lists(st.floats(1e-100, 1e100).flatmap(lambda x: st.sampled_from([x, -x])), min_size=8, max_size=8),
)
def test_the_perturbation_is_relative_and_the_runs_own(seed: int, entries: list[float]) -> None:
    """At most some 1e-15 of each entry; another seed draws another."""
    initial = np.array(entries * 25).reshape(2, 100)
    moved = moved_start(initial, seed)
    relative = np.abs(moved / initial - 1)
    assert 3e-16 < np.median(relative) < 1.2e-15
    assert relative.max() < 6e-15
    assert (moved_start(initial, seed) == moved).all()
    assert (moved_start(initial, seed + 1) != moved).any()


def test_a_start_at_zero_has_no_copy_and_no_sensitivity_to_rounding() -> None:
    """Nothing relative moves it; and as it stays at β = 0 a relative distance does not exist."""
    (search,) = with_twins(SingleTrial(run=planned(initial=np.zeros((2, 7)), max_steps=64)))
    assert len(search.next_trials([])) == 1
    (concluded,) = results([search])
    assert math.isnan(number_of(concluded))
    assert "twin_outcome" not in concluded.extras


def test_a_copy_that_rounding_makes_the_run_itself_is_at_distance_zero() -> None:
    """One coordinate, and a seed whose draws are too small to move it."""
    data = Dataset(X=np.array([[1.0]]), y=np.array([1.0]))
    start = np.full((2, 1), 0.5)
    seed = next(seed for seed in range(10_000) if (moved_start(start, seed) == start).all())
    run = planned(initial=start, dim=1, step_size=0.1, warmup_steps=0, seed=seed)
    (search,) = with_twins(SingleTrial(run=run))
    assert len(search.next_trials([])) == 1
    (concluded,) = results([search], problem_of(data, np.inf))
    assert concluded.trained.outcome is Outcome.CONVERGED
    assert concluded.extras["sensitivity"] == 0.0


def test_the_distance_is_given_though_run_and_copy_do_not_converge() -> None:
    """Cut short, they are as close as they came; where one has diverged there is no distance."""
    assert 0 < sensitivity_of(max_steps=640) < 1e-12
    assert math.isnan(sensitivity_of(step_size=100.0, warmup_steps=0))


def test_the_relative_distance_is_that_of_the_textbook() -> None:
    """‖(3, 4) − (0, 4)‖/‖(0, 4)‖ = 3/4; NaN against nothing, and where a number is not finite."""
    assert relative_distance(np.array([3.0, 4.0]), np.array([0.0, 4.0])) == 0.75
    assert math.isnan(relative_distance(np.array([1.0]), np.array([np.nan])))
    assert math.isnan(relative_distance(np.zeros(2), np.zeros(2)))


ORDERS: list[Any] = [
    pytest.param(SQUARED, FullBatch(), {}, id="depth 2"),
    pytest.param(Diagonal(3), FullBatch(), {"init_scale": 0.4}, id="depth 3"),
    pytest.param(UV(), FullBatch(), {"initial": np.full((4, 7), 0.2)}, id="UV"),
    pytest.param(SQUARED, HeavyBall(momentum=0.5), {}, id="momentum"),
    pytest.param(SQUARED, Minibatch(batch_size=2), {}, id="minibatches"),
    pytest.param(SQUARED, LabelNoise(noise_variance=0.1, noise_steps=300), {}, id="label noise"),
]


@pytest.mark.parametrize(("network", "optimizer", "changes"), ORDERS)
def test_backwards_every_sum_is_rounded_otherwise_and_nothing_else_changes(
    network: Network, optimizer: Optimizer, changes: dict[str, Any]
) -> None:
    """From the same start, in company of the run itself: the last bits alone, in every coordinate's own place."""
    problem = problem_of(network=network)
    run = planned(0, step_size=0.05, optimizer=optimizer, max_steps=2000, **changes)
    singles = [SingleTrial(run=run), SingleTrial(run=replace(run, index=1, goes_backwards=True))]
    plain, backwards = (result.trained for result in results(singles, problem))
    assert plain.outcome is backwards.outcome
    assert plain.steps == backwards.steps
    for name in ("theta", "end", "gradient_sum", "velocity"):
        one, other = getattr(plain, name), getattr(backwards, name)
        if one is not None:
            assert 0 < np.abs(one - other).max() < 1e-11 * np.abs(one).max()


def searches(*scales: float) -> list[StepSearch]:
    """Quick searches, one for each scale."""
    return [
        StepSearch(
            run=planned(index, init_scale=scale, step_size=MAX_STABLE_STEP, loss_tolerance=1e-3),
            lower=0.5,
            upper=0.99,
            resolution=0.02,
        )
        for index, scale in enumerate(scales)
    ]


def test_a_search_has_the_copy_of_the_step_size_that_it_finds() -> None:
    """As large as for a run at that step size; and the search finds what it finds without."""
    found = searches(0.1, 0.3)
    trials, plain = Trials(problem_of(), found), []
    while trials.active:
        plain += trials.advance()
    plain.sort(key=lambda result: result.trained.run.index)
    assert len(plain) == 2
    for concluded, without in zip(results(with_twins(*found)), plain, strict=True):
        run = concluded.trained.run
        assert bits(concluded.trained) == bits(without.trained)
        np.testing.assert_equal(concluded.extras["first_failing_step"], without.extras["first_failing_step"])
        (alone,) = results(with_twins(SingleTrial(run=run)))
        assert number_of(concluded) == number_of(alone) > 0


def test_a_search_with_a_copy_can_be_resumed_at_any_moment() -> None:
    """Before, between and after its probes, and while the copies are trained, that of a plain run among them."""
    both = [*searches(0.1, 0.3), SingleTrial(run=planned(2, **CROSSING))]
    undisturbed, resumed = (results(with_twins(*both), resumed=flag) for flag in (False, True))
    assert len(undisturbed) == 3
    for one, other in zip(undisturbed, resumed, strict=True):
        assert bits(one.trained) == bits(other.trained)
        np.testing.assert_equal(dict(one.extras), dict(other.extras))
