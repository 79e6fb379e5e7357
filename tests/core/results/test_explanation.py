"""Why a run ended as it did, in sentences."""

import re
from typing import Any

import pytest

from core.outcome import Outcome
from core.results.explanation import THRESHOLDS, exceeded, explained, explanation
from tests.core.specs import grid_of

KNOWN = {
    "start_stable_step": 0.02,
    "flow_stable_step": 0.004,
    "least_norm_stable_step": 0.003,
    "max_stable_step": 0.01,
}


def ended(outcome: Outcome, step_size: float, **others: Any) -> dict[str, Any]:
    """A run's numbers."""
    return {"outcome": outcome.value, "steps": 321, "step_size": step_size} | KNOWN | others


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("step_size", [1e-5, 0.0035, 0.006, 0.015, 0.05])
def test_every_end_at_every_step_size_says_where_it_stood_and_something_else(
    outcome: Outcome, step_size: float
) -> None:
    """With the ratios to all thresholds that are known, in full sentences."""
    text = explanation(ended(outcome, step_size))
    ratios = [float(number) for number in re.findall(r"([\d.e+-]+) × (?:what|η\*)", text)]
    assert ratios == [pytest.approx(step_size / KNOWN[name], rel=5e-3) for name in THRESHOLDS]
    assert text.count(". ") >= 2
    assert text.endswith((".", "}."))
    assert "None" not in text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_nothing_needs_to_be_known(outcome: Outcome) -> None:
    """As of a run that another release stored, or where nothing interpolates."""
    text = explanation({"outcome": outcome.value, "steps": 5, "step_size": 0.1, "max_stable_step": None})
    assert text
    assert "×" not in text
    assert "nan" not in text.lower().split()


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OSCILLATING])
@pytest.mark.parametrize(
    ("step_size", "changed", "words", "target"),
    [
        (0.05, {}, "Above η* no interpolator is stable", 0.009),
        (0.03, {"max_stable_step": 0.5}, "The first steps at full η overshoot", 0.018),
        (0.006, {}, "led to where it is unstable", 0.0036),
        (0.006, {"start_stable_step": 0.001}, "The first steps at full η overshoot", 0.0009),
        (0.002, {}, "Every known threshold is above η", None),
    ],
)
def test_a_run_that_does_not_settle_is_told_the_first_threshold_that_it_is_above(
    outcome: Outcome, step_size: float, changed: dict[str, float], words: str, target: float | None
) -> None:
    """And a step size below it."""
    text = explanation(ended(outcome, step_size, **changed))
    assert words in text
    found = re.search(r"lower η to ([\d.e-]*\d)", text)
    assert (found and float(found[1])) == (target and pytest.approx(target))


def test_an_eta_star_that_no_descent_comes_near_is_named_as_one() -> None:
    """Where it is thirty times what is stable at the limit of the flow, and only there."""
    near, far = (explanation(ended(Outcome.DIVERGED, 0.003, max_stable_step=0.004 * ratio)) for ratio in (29.0, 31.0))
    assert "standardise" not in near
    assert "31 times" in far
    assert '{"X": "standardise"}' in far


def test_a_converged_run_is_told_whether_the_step_size_led_it_elsewhere() -> None:
    """By the limit of the flow, stable at η or not."""
    assert "is stable at this η" in explanation(ended(Outcome.CONVERGED, 0.0039))
    assert "is unstable at this η" in explanation(ended(Outcome.CONVERGED, 0.0041))


@pytest.mark.parametrize(
    ("step_size", "words"),
    [(1e-4, "up to 30 times"), (0.001, "no threshold stands against it"), (0.005, "settles slowly")],
)
def test_a_run_that_took_too_long_is_told_whether_its_steps_were_small(step_size: float, words: str) -> None:
    """Beside the smallest threshold."""
    assert words in explanation(ended(Outcome.BUDGET_EXHAUSTED, step_size))


def test_thresholds_that_are_exceeded_are_those_that_are_known() -> None:
    """In the order in which a run meets them."""
    assert exceeded(ended(Outcome.DIVERGED, 0.01)) == ("flow_stable_step", "least_norm_stable_step", "max_stable_step")
    assert exceeded({"outcome": "diverged", "step_size": 0.01}) == ()


@pytest.mark.parametrize("outcome", [Outcome.BUDGET_EXHAUSTED, Outcome.STOPPED])
def test_a_run_whose_warm_up_was_not_over_is_told_so_and_how_far_its_step_size_had_come(outcome: Outcome) -> None:
    """321 of 3210 steps: a tenth of η. The thresholds of the full η say nothing of it."""
    grid = grid_of(optimizer={"step_size": 0.05, "warmup_steps": 3210})
    text = explained(grid.run(0), ended(outcome, 0.05))
    assert "warm-up of 3210 steps was not over" in text
    assert "η had grown to 0.005 of 0.05" in text
    assert "×" not in text
    for over in (0, 321):
        assert explanation(ended(outcome, 0.05), warmup_steps=over) == explanation(ended(outcome, 0.05))


def test_a_run_whose_targets_were_noisy_to_its_end_is_told_so() -> None:
    """No run is judged before the noise is over; one that diverges has its own reasons."""
    noisy = grid_of(optimizer={"kind": "label_noise", "noise_variance": 0.1, "noise_steps": 400, "step_size": 0.05})
    assert "noisy for 400 steps" in explained(noisy.run(0), ended(Outcome.BUDGET_EXHAUSTED, 0.05))
    diverged = ended(Outcome.DIVERGED, 0.05)
    assert explained(noisy.run(0), diverged) == explanation(diverged)
