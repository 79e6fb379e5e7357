"""When a small loss counts, and how long a perturbation is given to grow."""

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
