"""The search for the largest convergent step size: what it probes, what it forgets, and where it ends."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.interpolators.flattest import flattest_interpolator
from core.outcome import Outcome
from core.stability.step_bracket import PROBES, likely_fractions
from core.training.convergent_step_search import StepSearch
from core.training.problem import Problem
from core.training.training_run import TrainedRun
from core.training.trials import SearchResult, Trials
from tests.core.trainings import MAX_STABLE_STEP, SQUARED, TINY, bits, made_up, planned, problem_of, trained_alone

FAILURES = [outcome for outcome in Outcome if outcome is not Outcome.CONVERGED]
RESOLUTIONS = st.floats(-6, -0.1).map(lambda exponent: 10**exponent)


def search(lower: float = 0.8, upper: float = 1.25, resolution: float = 0.01, **changes: Any) -> StepSearch:
    """A search on the tiny problem, unless the run is changed."""
    run = planned(**({"step_size": MAX_STABLE_STEP} | changes))
    return StepSearch(run=run, lower=lower, upper=upper, resolution=resolution)


def rounds_of(
    plan: StepSearch, converges: Callable[[float], bool], *, forgetful: bool = True
) -> list[list[TrainedRun]]:
    """All rounds of a search in a world where it is known what converges."""
    rounds: list[list[TrainedRun]] = []
    history: Sequence[TrainedRun] = []
    while probes := plan.next_trials(history):
        ended = [
            made_up(run, Outcome.CONVERGED if converges(run.step_size) else FAILURES[number % len(FAILURES)])
            for number, run in enumerate(probes)
        ]
        rounds.append(ended)
        history = plan.remembered([*history, *ended]) if forgetful else [*history, *ended]
    return rounds


def conclusion_of(plan: StepSearch, rounds: list[list[TrainedRun]]) -> tuple[TrainedRun, float]:
    """What all the probes come to."""
    concluded = plan.result([trained for ended in rounds for trained in ended])
    return concluded.trained, concluded.extras["first_failing_step"]


@given(resolution=RESOLUTIONS, position=st.floats(0.01, 0.99), width=st.floats(1e-9, 3))
def test_the_edge_is_found_to_the_resolution_in_few_full_tiles(
    resolution: float, position: float, width: float
) -> None:
    """Where an edge divides what converges from what does not: largest below, smallest above, a factor apart.

    Fifteen intervals, then seventeen of the one that is left, until one is fine enough: no round more.
    """
    plan = search(0.9, 0.9 * math.exp(width), resolution)
    edge = MAX_STABLE_STEP * 0.9 * math.exp(width * position)
    rounds = rounds_of(plan, lambda step_size: step_size <= edge)
    trained, failing = conclusion_of(plan, rounds)
    assert trained.outcome is Outcome.CONVERGED
    assert trained.run.step_size <= edge < failing
    assert failing / trained.run.step_size - 1 <= max(resolution, 1e-12) * (1 + 1e-6)
    assert all(1 <= len(ended) <= PROBES for ended in rounds)
    needed = width / math.log1p(resolution)
    assert len(rounds) <= 1 + max(0, math.ceil(math.log(max(needed / 15, 1), 17) - 1e-6))


@given(seed=st.integers(0, 10**6), share=st.floats(0.1, 0.9), resolution=RESOLUTIONS)
def test_the_largest_probe_that_converges_wins_whatever_failed_below(
    seed: int, share: float, resolution: float
) -> None:
    """Convergence by the toss of a coin: no probe above the winner converged, and the next one above is named."""

    def converges(step_size: float) -> bool:
        return bool(np.random.default_rng([seed, int(np.float64(step_size).view(np.int64))]).random() < share)

    plan = search(resolution=resolution)
    rounds = rounds_of(plan, converges)
    trained, failing = conclusion_of(plan, rounds)
    tried = sorted(trained.run.step_size for ended in rounds for trained in ended)
    converged = [step_size for step_size in tried if converges(step_size)]
    if converged:
        above = [step_size for step_size in tried if step_size > converged[-1]]
        assert trained.run.step_size == converged[-1]
        np.testing.assert_equal(failing, above[0] if above else math.nan)
    else:
        assert trained.run.step_size == failing == tried[0]
    remembering = rounds_of(plan, converges, forgetful=False)
    assert [[bits(end) for end in ended] for ended in remembering] == [[bits(end) for end in ended] for ended in rounds]


def test_the_first_probes_are_spread_geometrically_and_include_both_ends() -> None:
    """From lower to upper by a constant factor, all of them the run but for the step size."""
    plan = search(0.5, 2.0, 1e-3)
    probes = plan.next_trials([])
    assert len(probes) == PROBES
    expected = [0.5 * MAX_STABLE_STEP * 4 ** (place / 15) for place in range(16)]
    assert [probe.step_size for probe in probes] == pytest.approx(expected, rel=1e-14)
    assert {(probe.index, probe.seed, probe.warmup_steps, probe.initial.tobytes()) for probe in probes} == {
        (plan.run.index, plan.run.seed, plan.run.warmup_steps, plan.run.initial.tobytes())
    }


def test_no_more_is_probed_than_the_resolution_asks_for() -> None:
    """From 0.9 to 1.1 by 0.002 takes 101 intervals: fifteen, and of one of them seven, with six probes inside."""
    sizes = [len(ended) for ended in rounds_of(search(0.9, 1.1, 0.002), lambda step_size: step_size <= MAX_STABLE_STEP)]
    assert sizes == [16, 6]
    assert [len(ended) for ended in rounds_of(search(0.9, 1.1, 0.5), lambda step_size: step_size < 0.16)] == [2]


def test_where_the_upper_end_converges_nothing_is_known_to_fail() -> None:
    """One round: the upper end is the answer, and first_failing_step is null."""
    plan = search()
    rounds = rounds_of(plan, lambda _: True)
    trained, failing = conclusion_of(plan, rounds)
    assert len(rounds) == 1
    assert trained.run.step_size == plan.run.step_size * plan.upper
    assert math.isnan(failing)


def test_where_nothing_converges_the_lower_end_stands_for_the_run() -> None:
    """With its own outcome, and as the first that fails."""
    plan = search()
    rounds = rounds_of(plan, lambda _: False)
    trained, failing = conclusion_of(plan, rounds)
    assert len(rounds) == 1
    assert trained.run.step_size == failing == plan.run.step_size * plan.lower
    assert trained.outcome is FAILURES[0]


def test_a_search_without_probes_has_no_result() -> None:
    """It is asked for it only once it is complete."""
    with pytest.raises(ValueError, match="without probes"):
        search().result([])


@given(resolution=RESOLUTIONS, lower=st.floats(0.1, 0.99), upper=st.floats(1.01, 10))
def test_the_predicted_rounds_are_those_of_an_edge_where_theory_has_it(
    resolution: float, lower: float, upper: float
) -> None:
    """As many as the search then takes, to one that rounding decides; each closer to the edge than the one before."""
    fractions = likely_fractions(lower=lower, upper=upper, resolution=resolution)
    plan = search(lower, upper, resolution)
    assert abs(len(fractions) - len(rounds_of(plan, lambda step_size: step_size < MAX_STABLE_STEP))) <= 1
    assert fractions == sorted(fractions)
    assert all(lower <= fraction < 1 for fraction in fractions)


@pytest.mark.parametrize(("lower", "upper", "fractions"), [(1.1, 2.0, [1.1]), (0.2, 0.8, [0.8])])
def test_a_bracket_beside_the_edge_is_predicted_to_be_done_in_one_round(
    lower: float, upper: float, fractions: list[float]
) -> None:
    """Everything fails or everything converges."""
    assert likely_fractions(lower=lower, upper=upper, resolution=1e-3) == fractions


def searched(problem: Problem, *plans: StepSearch) -> list[SearchResult]:
    """The conclusions of searches that are trained together, in their order."""
    trials = Trials(problem, plans)
    concluded: list[SearchResult] = []
    while trials.active:
        concluded += trials.advance()
    return sorted(concluded, key=lambda conclusion: conclusion.trained.run.index)


def bisected(problem: Problem, plan: StepSearch) -> tuple[TrainedRun, float]:
    """The slow twin: one training after the other, in a plain loop, by a division of the logarithms."""

    def train(step_size: float) -> TrainedRun:
        return trained_alone(problem, replace(plan.run, step_size=step_size))

    low, high = plan.lower * plan.run.step_size, plan.upper * plan.run.step_size
    best, parts = train(low), 15
    assert train(high).outcome is not Outcome.CONVERGED
    while high / low > 1 + plan.resolution:
        parts = min(parts, math.ceil(math.log(high / low) / math.log(1 + plan.resolution)))
        rungs = [low * (high / low) ** (rung / parts) for rung in range(1, parts)]
        ends = [train(step_size) for step_size in rungs]
        low, high, parts = *_highest(low, high, ends), 17
        best = next((end for end in ends if end.run.step_size == low), best)
    return best, high


def _highest(low: float, high: float, ends: list[TrainedRun]) -> tuple[float, float]:
    converged = [end.run.step_size for end in ends if end.outcome is Outcome.CONVERGED]
    low = max(converged, default=low)
    return low, min([end.run.step_size for end in ends if end.run.step_size > low], default=high)


@pytest.mark.parametrize("init_scale", [0.05, 0.3])
def test_a_search_ends_where_a_plain_loop_of_trainings_does(init_scale: float) -> None:
    """The winner has the bits that it has alone. From α = 0.3 with so short a warm-up it is below the edge."""
    plan = search(0.91, 1.02, 0.007, init_scale=init_scale, loss_tolerance=1e-3, max_steps=8000)
    (concluded,) = searched(problem_of(), plan)
    trained, failing = bisected(problem_of(), plan)
    assert concluded.trained.run.step_size == pytest.approx(trained.run.step_size, rel=1e-12)
    assert concluded.extras["first_failing_step"] == pytest.approx(failing, rel=1e-12)
    assert bits(concluded.trained) == bits(trained_alone(problem_of(), concluded.trained.run))


def test_with_a_long_warm_up_experiment_meets_theory() -> None:
    """From every α both certificates of min λ_max are inside the bracket that is found, a hundredth wide."""
    flattest = flattest_interpolator(TINY.X, TINY.y, SQUARED)
    largest, unstable = 2 / flattest.sharpness_upper, 2 / flattest.sharpness_lower
    plans = [
        search(0.9, 1.1, 0.01, step_size=largest, index=index, init_scale=scale, warmup_steps=2000)
        for index, scale in enumerate((0.01, 0.03, 0.1))
    ]
    for concluded, _ in zip(searched(problem_of(never_stable_above=unstable), *plans), plans, strict=True):
        assert concluded.trained.outcome is Outcome.CONVERGED
        found, failing = concluded.trained.run.step_size, concluded.extras["first_failing_step"]
        assert found <= largest <= unstable <= failing <= found * 1.01 * (1 + 1e-9)
