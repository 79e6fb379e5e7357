"""How runs end: losses made by hand, one for each way."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.data.regression import Dataset
from core.descent.optimizers import LabelNoise
from core.outcome import Outcome
from core.training.batch import Batch
from core.training.problem import Problem
from core.training.verdict import Evidence
from tests.core.training.evidence_at import batch_of, checks, window_end
from tests.core.trainings import TINY, planned, problem_of

CONVERGED = 1e-7
"""A loss below the tolerance of 1e-6."""

UNSTABLE_SCALE = 3.0
"""A start where ηλ is far above 2; at 0.1 it is far below."""


class Judged:
    """One run whose losses are given; its parameters stay at the start."""

    def __init__(self, *, scale: float = 0.1, problem: Problem | None = None, **changes: Any) -> None:
        run = planned(init_scale=scale, **({"warmup_steps": 0, "max_steps": 10**6} | changes))
        self.batch: Batch = batch_of(run, problem=problem)
        self.evidence = Evidence.begin([run], 2, 7)

    def ends(self, losses: Sequence[float], last: int = 6400, *, oscillating: bool = False) -> Outcome | None:
        """The outcome at the last of some checks, None where the run goes on."""
        window = window_end(is_cycling=oscillating)
        found = self.evidence.verdicts(self.batch, checks(*([loss] for loss in losses), last=last), window)
        return found[0].outcome if found else None


def test_a_run_converges_by_two_successive_checks_at_a_stable_point() -> None:
    """One alone is not enough, nor are two with another between."""
    assert Judged().ends([1, CONVERGED, CONVERGED]) is Outcome.CONVERGED
    assert Judged().ends([1, 1, CONVERGED]) is None
    assert Judged().ends([CONVERGED, 1, CONVERGED]) is None
    assert Judged().ends([CONVERGED, CONVERGED, 1]) is None


def test_two_successive_checks_may_be_of_two_chunks() -> None:
    """What was seen at the end of the last chunk counts."""
    run = Judged()
    assert run.ends([1, CONVERGED], 6400) is None
    assert run.ends([CONVERGED], 6464) is Outcome.CONVERGED


@pytest.mark.parametrize(
    "changes", [{"warmup_steps": 10_000}, {"optimizer": LabelNoise(noise_variance=0.1, noise_steps=10_000)}]
)
def test_nothing_converges_during_warm_up_or_label_noise(changes: dict[str, Any]) -> None:
    """However small the loss is; the first check after that is the first of two."""
    run = Judged(**changes)
    assert run.ends([CONVERGED] * 3, 6400) is None
    assert run.ends([CONVERGED] * 2, 10_048) is None
    assert run.ends([CONVERGED], 10_112) is Outcome.CONVERGED


def test_a_run_at_an_unstable_interpolator_is_perturbed_and_goes_on() -> None:
    """It is not looked at again while the perturbation may be growing, here for 2048 steps."""
    run = Judged(scale=UNSTABLE_SCALE)
    start = run.batch.theta()
    assert run.ends([CONVERGED] * 2, 6400) is None
    assert run.evidence.perturbations(0) == 1
    moved = np.abs(run.batch.theta() / start - 1).max()
    assert 0 < moved < 1e-6
    assert run.ends([CONVERGED] * 2, 6400 + 2048 - 64) is None
    assert run.evidence.perturbations(0) == 1
    assert run.ends([CONVERGED], 6400 + 2048) is None
    assert run.evidence.perturbations(0) == 2


def test_a_run_that_must_not_be_perturbed_is_an_unstable_interpolator() -> None:
    """So is one without targets, where a perturbation relative to them has no size."""
    assert Judged(scale=UNSTABLE_SCALE, perturb_unstable=False).ends([0, 0]) is Outcome.UNSTABLE_INTERPOLATOR
    zero = problem_of(Dataset(X=TINY.X, y=np.zeros(3)))
    assert Judged(scale=UNSTABLE_SCALE, problem=zero).ends([0, 0]) is Outcome.UNSTABLE_INTERPOLATOR


def test_a_run_ends_at_the_first_check_after_its_budget() -> None:
    """Whatever the loss is, unless it has converged by then; at an unstable point it is not perturbed any more."""
    assert Judged(max_steps=6401).ends([1, 1], 6400) is None
    assert Judged(max_steps=6400).ends([1, 1], 6400) is Outcome.BUDGET_EXHAUSTED
    assert Judged(max_steps=6400).ends([CONVERGED] * 2, 6400) is Outcome.CONVERGED
    unstable = Judged(scale=UNSTABLE_SCALE, max_steps=6400)
    assert unstable.ends([CONVERGED] * 2, 6400) is Outcome.BUDGET_EXHAUSTED
    assert unstable.evidence.perturbations(0) == 0


@pytest.mark.parametrize("loss", [np.nan, np.inf, 1.1e12])
def test_a_run_diverges_by_its_loss_at_any_step(loss: float) -> None:
    """Not finite, or beyond 10¹² times that of the start: during warm-up, too, and at the end of the budget."""
    assert Judged().ends([1, loss]) is Outcome.DIVERGED
    assert Judged(warmup_steps=10_000).ends([loss]) is Outcome.DIVERGED
    assert Judged(max_steps=6400).ends([loss]) is Outcome.DIVERGED
    assert Judged().ends([1, 0.9e12]) is None


def test_a_run_found_to_oscillate_ends_unless_it_settles_at_the_very_check() -> None:
    """Oscillation goes before the budget, convergence before oscillation, divergence before all."""
    assert Judged().ends([1, 1], oscillating=True) is Outcome.OSCILLATING
    assert Judged(max_steps=6400).ends([1, 1], oscillating=True) is Outcome.OSCILLATING
    assert Judged().ends([CONVERGED] * 2, oscillating=True) is Outcome.CONVERGED
    assert Judged().ends([1, np.nan], oscillating=True) is Outcome.DIVERGED


def test_a_frozen_run_waits_and_is_perturbed_when_its_time_has_come() -> None:
    """A loss of 1e-23 in a long warm-up: it stands still to a step before its end, and is not judged until then."""
    run = Judged(scale=UNSTABLE_SCALE, warmup_steps=10**6, holds=True)
    assert run.ends([1, 1], 6400) is None
    assert run.ends([1e-23], 6464) is None
    (until,) = run.evidence.moves_from.tolist()
    assert 6464 < until < 10**6
    assert run.evidence.next_due(run.batch, 6464) == until
    due = -(-until // 64) * 64
    assert run.ends([1e-23], due - 64) is None
    assert run.evidence.perturbations(0) == 0
    assert run.ends([1e-23], due) is None
    assert run.evidence.perturbations(0) == 1
    assert run.evidence.moves_from.tolist() == [0]


def test_an_event_is_a_loss_of_which_a_verdict_follows() -> None:
    """Below the tolerance once settled, nearly zero in a warm-up that holds, beyond divergence; and nothing else."""
    batch = batch_of(planned(0, warmup_steps=0), planned(1, warmup_steps=10_000, holds=True))
    events = Evidence.begin(batch.runs, 2, 7).events(batch, 0)
    loss = batch.problem.zero_loss
    for step, losses, found in (
        (64, [1, 1], False),
        (64, [CONVERGED, 1], True),
        (64, [1, CONVERGED], False),
        (10_048, [1, CONVERGED], True),
        (64, [1, 1e-23], True),
        (64, [1, np.nan], True),
        (64, [1.1e12, 1], True),
        (64, [0.9e12, 1], False),
    ):
        assert events.finds(step, np.array(losses) * loss) is found, (step, losses)
