"""When a small loss counts, and how long a perturbation is given to grow."""

from typing import Any

import pytest

from core.training.limits import Limits
from core.training.settling import FIRST_PATIENCE, MOST_FORESIGHT, PERTURBATION_GROWTH, Settling
from tests.core.training.evidence_at import checks
from tests.core.trainings import planned, problem_of

LIMITS = Limits.of(problem_of(), [planned(warmup_steps=0, max_steps=50_000)])


def test_each_perturbation_is_given_twice_the_time_of_the_last() -> None:
    """Where the instability is strong; the first has 2048 steps."""
    settling, step, given = Settling.begin(1), 6400, []
    for _ in range(4):
        settling.let_grow(0, step, 1.0)
        given.append(int(settling.event_from(LIMITS)[0]) - step)
    assert given == [FIRST_PATIENCE * 2**k for k in range(4)]


@pytest.mark.parametrize("instability", [1e-3, 1e-4])
def test_a_weak_instability_is_given_the_time_that_growth_takes(instability: float) -> None:
    """ln(1e9)/ε steps, which grow a perturbation by a factor 1e9."""
    settling = Settling.begin(1)
    settling.let_grow(0, 0, instability)
    steps = int(settling.event_from(LIMITS)[0])
    assert (1 + instability) ** steps == pytest.approx(PERTURBATION_GROWTH, rel=0.02)


@pytest.mark.parametrize("instability", [0.0, 1e-12])
def test_no_perturbation_is_given_for_ever(instability: float) -> None:
    """However weak the instability is."""
    settling = Settling.begin(1)
    settling.let_grow(0, 0, instability)
    assert settling.event_from(LIMITS).tolist() == [MOST_FORESIGHT]


def test_a_perturbed_run_starts_to_settle_anew() -> None:
    """What was below before counts no more, and nothing does while the perturbation grows, but at the budget's end."""
    settling, below = Settling.begin(1), checks([1e-7], last=6400)
    assert not settling.at_checks(LIMITS, below).any()
    settling.let_grow(0, 6400, 1.0)
    assert not settling.at_checks(LIMITS, checks([1e-7], last=8448)).any()
    assert settling.at_checks(LIMITS, checks([1e-7], last=8512)).all()
    settling.let_grow(0, 49_920, 1.0)
    assert not settling.at_checks(LIMITS, checks([1e-7], [1e-7], last=49_984)).any()
    assert settling.at_checks(LIMITS, checks([1e-7], last=50_048)).all()


def held(loss: float, step: int = 6400, **changes: Any) -> tuple[bool, Settling]:
    """Whether a run that settles at a step with this loss, relative to that of β = 0, is held back."""
    run = planned(**({"warmup_steps": 0, "max_steps": 50_000, "completion_tolerance": 1e-7} | changes))
    settling, problem = Settling.begin(1), problem_of()
    return settling.holds(Limits.of(problem, [run]), 0, step, loss * problem.zero_loss), settling


def test_a_settled_run_is_held_back_to_be_completed() -> None:
    """At a tolerance of 1e-6 to a loss of 1e-16; not where it insists on iterating, nor at the end of its budget."""
    assert held(1e-7)[0]
    assert held(1.1e-16)[0]
    assert not held(0.9e-16)[0]
    assert not held(1e-7, completion_tolerance=0.0)[0]
    assert not held(1e-7, max_steps=6400)[0]
    assert held(1e-13, loss_tolerance=1e-12)[0]
    assert held(1.1e-22, loss_tolerance=1e-14)[0]
    assert not held(0.9e-22, loss_tolerance=1e-14)[0]
    assert not held(1e-25, loss_tolerance=1e-24)[0]


def test_a_run_is_held_back_for_as_long_as_it_took() -> None:
    """And then let go, if float64 has no smaller loss; what is awaited meanwhile is the tight one."""
    run = planned(warmup_steps=0, max_steps=50_000, completion_tolerance=1e-7)
    limits, loss = Limits.of(problem_of(), [run]), 1e-7 * problem_of().zero_loss
    held_back, settling = held(1e-7)
    assert held_back
    assert settling.next_release(6400) == 12_800
    assert settling.event_below(limits).tolist() == limits.tight.tolist()
    assert settling.holds(limits, 0, 12_736, loss)
    assert not settling.holds(limits, 0, 12_800, loss)
    settling.let_grow(0, 12_800, 1.0)
    assert settling.event_below(limits).tolist() == limits.tolerance.tolist()
