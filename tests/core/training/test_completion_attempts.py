"""When completion is tried again, and when a limit is believed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.completion.completion import Completion, NotCompletable, Unsettled
from core.completion.stride_cost import LEAST_STEPS, steps_worth_strides
from core.completion.warm_up import WarmUp
from core.descent.optimizers import FullBatch, HeavyBall, LabelNoise, Minibatch, Optimizer
from core.descent.weight_decay import WeightDecay
from core.outcome import Outcome
from core.training.completion_attempts import (
    CONFIRMED_AFTER,
    EARLY,
    NEARLY_PROVEN,
    CompletionAttempts,
    first_attempt,
    next_attempt,
)
from core.training.loss_checks import NEVER, at_check_from
from core.training.verdict import Evidence
from tests.core.training.evidence_at import batch_of, checks, window_end
from tests.core.trainings import planned, problem_of

TOLERANCE = 1e-7


def attempts() -> CompletionAttempts:
    """One run of three dimensions, due at the first check at which any is."""
    return CompletionAttempts.begin([planned(warmup_steps=0, completion_tolerance=TOLERANCE)], 3)


def limit(*, estimate: float, bound: float = np.inf, off: float = 0.0, size: float = 1.0) -> Completion:
    """A limit near β = 1, with an error that is claimed, times a size."""
    predictor = size * (np.ones(3) + off)
    return Completion(
        theta=np.ones((2, 3)),
        predictor=predictor,
        multipliers=np.zeros(1),
        residual=0.0,
        sharpness=1.0,
        sharpness_error=0.0,
        estimate=estimate,
        bound=bound,
    )


def test_the_first_attempt_is_made_at_any_loss() -> None:
    """Nothing is known of the error before; the next one is 8 % of the steps later."""
    tried = attempts()
    assert tried.is_ripe(0, 1024, 1e9)
    assert tried.due[0] == 1152  # a multiple of 64


@pytest.mark.parametrize(("error", "fall"), [(4.0, 0.5 * EARLY), (100.0, 0.1 * EARLY), (1e9, 0.01), (np.inf, 0.01)])
def test_after_a_failure_the_loss_must_fall_by_the_root_of_the_error(error: float, fall: float) -> None:
    """Nearly, but never by more than a hundred: an error out of reach of float64 says nothing of the next one."""
    tried = attempts()
    tried.has_failed(0, 1.0, error * TOLERANCE, TOLERANCE)
    assert not tried.is_ripe(0, 2048, 1.01 * fall)
    assert tried.is_ripe(0, 4096, 0.99 * fall)


def test_a_proven_limit_is_believed_at_once() -> None:
    """Whatever its estimate."""
    assert attempts().believes(0, 2048, 1.0, limit(estimate=1e-3, bound=TOLERANCE), TOLERANCE)


@pytest.mark.parametrize(("off", "believed"), [(0.0, True), (0.5 * TOLERANCE, False)])
def test_a_limit_that_is_not_proven_is_found_twice(off: float, *, believed: bool) -> None:
    """By an attempt at a step smaller by a quarter, to a tenth of the tolerance."""
    tried = attempts()
    assert not tried.believes(0, 2000, 1.0, limit(estimate=TOLERANCE), TOLERANCE)
    assert not tried.believes(0, 2400, 1.0, limit(estimate=TOLERANCE, off=off), TOLERANCE)
    assert tried.believes(0, 2500, 1.0, limit(estimate=TOLERANCE, off=off), TOLERANCE) is believed


@pytest.mark.parametrize("size", [1e-3, 1e3])
@pytest.mark.parametrize(("off", "believed"), [(0.09 * TOLERANCE, True), (0.11 * TOLERANCE, False)])
def test_two_attempts_agree_relative_to_what_they_find(size: float, off: float, *, believed: bool) -> None:
    """To a tenth of the tolerance of ‖β‖."""
    tried = attempts()
    assert not tried.believes(0, 2000, 1.0, limit(estimate=TOLERANCE, size=size), TOLERANCE)
    assert tried.believes(0, 2500, 1.0, limit(estimate=TOLERANCE, off=off, size=size), TOLERANCE) is believed


def test_a_limit_that_only_lacks_confirmation_is_looked_for_when_it_can_be_confirmed() -> None:
    """Unless its bound is about to prove it."""
    for bound, waits in ((1e3 * TOLERANCE, True), (NEARLY_PROVEN * TOLERANCE, False)):
        tried = attempts()
        assert tried.is_ripe(0, 6400, 1.0)
        ordinary = int(tried.due[0])
        assert not tried.believes(0, 6400, 1.0, limit(estimate=TOLERANCE, bound=bound), TOLERANCE)
        assert tried.due[0] == (CONFIRMED_AFTER * 6400 if waits else ordinary)


def test_a_limit_of_too_large_an_estimate_is_remembered_and_put_off() -> None:
    """Its loss must fall by the root of four; then it is confirmed by what was remembered."""
    tried = attempts()
    assert not tried.believes(0, 2000, 1.0, limit(estimate=4 * TOLERANCE), TOLERANCE)
    assert not tried.is_ripe(0, 2200, 0.51 * EARLY)
    assert tried.is_ripe(0, 2500, 0.49 * EARLY)
    assert tried.believes(0, 2500, 0.49, limit(estimate=TOLERANCE), TOLERANCE)


class Answering:
    """A completer that gives a prepared answer and counts how often it is asked."""

    def __init__(
        self,
        answer: Completion | Unsettled | NotCompletable,
        *,
        ahead: Completion | Unsettled | NotCompletable = NotCompletable.ROUGH,
        worth_trying: bool = True,
    ) -> None:
        self.answer, self.ahead, self.worth_trying = answer, ahead, worth_trying
        self.asked, self.asked_ahead = 0, 0
        self.told: dict[str, Any] = {}
        self.told_ahead: dict[str, Any] = {}

    def is_worth_trying(self, **_: float) -> bool:
        """As it was told."""
        return self.worth_trying

    def complete(self, *_: object, **told: Any) -> Completion | Unsettled | NotCompletable:
        """As it was told."""
        self.asked, self.told = self.asked + 1, told
        return self.answer

    def complete_ahead(self, *_: object, **told: Any) -> Completion | Unsettled | NotCompletable:
        """As it was told."""
        self.asked_ahead, self.told_ahead = self.asked_ahead + 1, told
        return self.ahead


def judged(completer: Answering, *, step: int = 1024, **changes: Any) -> tuple[Outcome | None, Evidence]:
    """How one run with completion ends at a check, its loss above its tolerance."""
    run = planned(**({"warmup_steps": 0, "completion_tolerance": TOLERANCE} | changes))
    problem = problem_of()
    vars(problem)["completer"] = completer
    evidence = Evidence.begin([run], 2, 7)
    found = evidence.verdicts(batch_of(run, problem=problem), checks([1], last=step), None)
    return (found[0].outcome if found else None), evidence


def proven() -> Completion:
    """A limit that is believed at once; of the seven dimensions of a run."""
    return replace(limit(estimate=0.0, bound=0.0), theta=np.ones((2, 7)), predictor=np.ones(7))


def test_a_believed_limit_ends_a_run_as_converged() -> None:
    """At the first check at which an attempt is due, and not before."""
    assert judged(Answering(proven()))[0] is Outcome.CONVERGED
    early = Answering(proven())
    assert judged(early, step=960)[0] is None
    assert early.asked == 0


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"completion_tolerance": 0.0}, id="that insists on iterating"),
        pytest.param({"optimizer": LabelNoise(noise_variance=0.1, noise_steps=8000)}, id="whose targets are noisy"),
    ],
)
def test_no_attempt_is_made_at_a_run(changes: dict[str, Any]) -> None:
    """Nor at the end of its budget, unless attempts are only not yet due."""
    completer = Answering(proven())
    assert judged(completer, step=6400, **changes)[0] is None
    assert completer.asked == 0


@pytest.mark.parametrize(
    ("optimizer", "stepping"),
    [
        (FullBatch(), (0.0, False, 0.0)),
        (Minibatch(batch_size=2), (0.0, False, 0.25)),
        (HeavyBall(momentum=0.5), (0.5, True, 0.0)),
        (LabelNoise(noise_variance=0.1, noise_steps=8), (0.0, False, 0.0)),
    ],
)
def test_an_attempt_knows_what_steps_would_follow(optimizer: Optimizer, stepping: tuple[float, bool, float]) -> None:
    """Momentum with its velocity, and of two out of three samples (3 − 2)/(2·(3 − 1))."""
    completer = Answering(proven())
    assert judged(completer, optimizer=optimizer)[0] is Outcome.CONVERGED
    told = completer.told["stepping"]
    assert (told.momentum, told.velocity is not None, told.dispersion) == stepping


@pytest.mark.parametrize(("bound", "outcome"), [(TOLERANCE, Outcome.CONVERGED), (2 * TOLERANCE, None), (np.inf, None)])
def test_a_run_whose_limit_is_to_be_proven_ends_by_a_bound(bound: float, outcome: Outcome | None) -> None:
    """No estimate will do, however often it is confirmed; what is not proven puts the next attempt off."""
    run, problem = planned(warmup_steps=0, completion_tolerance=TOLERANCE, wants_proof=True), problem_of()
    vars(problem)["completer"] = Answering(replace(proven(), bound=bound))
    evidence, batch = Evidence.begin([run], 2, 7), batch_of(run, problem=problem)
    for step in (1024, 2048, 4096):
        found = evidence.verdicts(batch, checks([1], last=step), None)
        assert (found[0].outcome if found else None) is outcome
    assert evidence.attempts.is_ripe(0, 4096, 0.999 * problem_of().zero_loss) is (outcome is Outcome.CONVERGED)


def test_a_last_attempt_is_made_where_the_budget_ends() -> None:
    """Though none is due; it completes what would only be out of budget, and never a run that has diverged."""
    assert judged(Answering(proven()), step=512, max_steps=512)[0] is Outcome.CONVERGED
    never = judged(Answering(proven()), step=512, max_steps=512, completion_tolerance=0.0)[0]
    assert never is Outcome.BUDGET_EXHAUSTED


@pytest.mark.parametrize(("bound", "outcome"), [(TOLERANCE, Outcome.CONVERGED), (2 * TOLERANCE, None)])
def test_a_limit_found_during_warm_up_ends_a_run_if_it_is_proven(bound: float, outcome: Outcome | None) -> None:
    """Else the run goes on, and one that is found after the warm-up ends it."""
    completer = Answering(replace(proven(), bound=bound))
    late = {"warmup_steps": 10_000, "max_steps": 10**6}
    assert judged(completer, step=8000, **late)[0] is outcome
    assert completer.asked == 1
    assert judged(Answering(proven()), step=10_048, **late)[0] is Outcome.CONVERGED


def test_a_budget_that_ends_during_warm_up_leaves_no_limit() -> None:
    """However well it is known: the step size never is the one that was asked for."""
    completer = far_ahead()
    completer.answer = proven()
    short = {"warmup_steps": 3 * WORTH, "max_steps": 3 * WORTH - 1}
    assert judged(completer, step=int(2.9 * WORTH), **short)[0] is None
    assert judged(completer, step=WORTH, **short)[0] is None
    assert completer.asked_ahead == 0


def test_what_is_not_worth_trying_is_not_tried() -> None:
    """By the screen on the loss."""
    completer = Answering(proven(), worth_trying=False)
    assert judged(completer)[0] is None
    assert completer.asked == 0


@pytest.mark.parametrize(("answer", "below"), [(Unsettled(error=1e-2), False), (NotCompletable.UNSTABLE, True)])
def test_an_error_that_is_too_large_puts_the_next_attempt_off(
    answer: Unsettled | NotCompletable, *, below: bool
) -> None:
    """Until the loss has fallen; whatever else is in the way says nothing of the loss."""
    outcome, evidence = judged(Answering(answer))
    assert outcome is None
    assert evidence.attempts.next_due() == 1152
    assert evidence.attempts.is_ripe(0, 1152, 0.5 * problem_of().zero_loss) is below


def test_a_waiting_run_is_not_completed() -> None:
    """It is not where exact arithmetic would be: its time must come first."""
    run = planned(warmup_steps=0, completion_tolerance=TOLERANCE)
    problem = problem_of()
    vars(problem)["completer"] = completer = Answering(proven())
    evidence = Evidence.begin([run], 2, 7)
    evidence.instability.waits_until[0] = 2048
    assert not evidence.verdicts(batch_of(run, problem=problem), checks([1], last=1024), None)
    assert completer.asked == 0


def test_a_run_that_is_found_to_oscillate_is_not_completed() -> None:
    """Completion decides what is undecided, and what would only run out of budget."""
    run = planned(warmup_steps=0, completion_tolerance=TOLERANCE)
    problem = problem_of()
    vars(problem)["completer"] = completer = Answering(proven())
    evidence = Evidence.begin([run], 2, 7)
    found = evidence.verdicts(batch_of(run, problem=problem), checks([1], last=1024), window_end(is_cycling=True))
    assert found[0].outcome is Outcome.OSCILLATING
    assert found[0].completion is None
    assert completer.asked == 0


WORTH = steps_worth_strides(21)
"""Steps of the tiny problem that cost as much as strides."""


def far_ahead() -> Answering:
    """A completer that finds a limit by strides alone."""
    return Answering(NotCompletable.UNSTABLE, ahead=replace(proven(), bound=np.inf))


def test_a_limit_that_strides_find_ends_a_run() -> None:
    """Though nothing is proven of it, and nothing is found from the iterate itself."""
    completer = far_ahead()
    assert judged(completer, step=WORTH)[0] is Outcome.CONVERGED
    assert (completer.asked, completer.asked_ahead) == (1, 1)


def test_strides_are_tried_though_the_loss_is_not_ripe() -> None:
    """What may be wrong at the iterate is not wrong where they lead."""
    completer = far_ahead()
    completer.worth_trying = False
    assert judged(completer, step=WORTH)[0] is Outcome.CONVERGED


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"step": WORTH - 1}, id="that has cost less than they do"),
        pytest.param({"warmup_steps": 2 * WORTH, "step": WORTH + 1}, id="whose warm-up will cost less than they do"),
        pytest.param({"warmup_steps": 3 * WORTH, "step": WORTH - 1}, id="that is warming up, and has cost less"),
        pytest.param({"optimizer": HeavyBall(momentum=0.5)}, id="with momentum"),
        pytest.param({"optimizer": Minibatch(batch_size=2)}, id="of minibatches"),
        pytest.param({"optimizer": LabelNoise(noise_variance=0.1, noise_steps=8)}, id="that had noise"),
        pytest.param({"completion_tolerance": 0.0}, id="that insists on iterating"),
        pytest.param({"wants_proof": True}, id="whose limit is to be proven"),
    ],
)
def test_strides_are_not_tried_with_a_run(changes: dict[str, Any]) -> None:
    """Their steps are those of plain descent, and cost more than a few."""
    completer = far_ahead()
    assert judged(completer, **({"step": WORTH, "max_steps": 10**9} | changes))[0] is None
    assert completer.asked_ahead == 0


def test_strides_are_tried_once_in_a_warm_up_and_then_after_it() -> None:
    """A run is due when they have become worth their while, and then as if they had not been tried."""
    run = planned(warmup_steps=4 * WORTH, completion_tolerance=TOLERANCE, max_steps=10**9)
    problem = problem_of()
    vars(problem)["completer"] = completer = Answering(NotCompletable.UNSTABLE)
    evidence, batch = Evidence.begin([run], 2, 7), batch_of(run, problem=problem)
    asked, due = [], []
    for _ in range(8):
        due.append(evidence.next_due(batch, 0))
        evidence.verdicts(batch, checks([1], last=due[-1]), None)
        asked.append(completer.asked_ahead)
    assert due[:3] == [at_check_from(LEAST_STEPS), at_check_from(WORTH), at_check_from(next_attempt(due[1]))]
    assert due[3] == at_check_from(int(np.ceil(4 * WORTH / CONFIRMED_AFTER)))
    assert asked[:4] == [0, 1, 1, 1]
    assert (due[-1] >= 4 * WORTH, asked[-1]) == (True, 2)


def test_strides_know_where_in_its_warm_up_a_run_is() -> None:
    """And end it there."""
    completer = far_ahead()
    outcome, _ = judged(completer, step=WORTH, warmup_steps=2 * WORTH, max_steps=10**9)
    assert outcome is Outcome.CONVERGED
    assert completer.told_ahead["warm_up"] == WarmUp(taken=WORTH, steps=2 * WORTH)


def test_strides_that_lead_nowhere_are_not_tried_again_at_once() -> None:
    """But when as many steps have been taken as they cost."""
    run, problem = planned(warmup_steps=0, completion_tolerance=TOLERANCE, max_steps=10**9), problem_of()
    vars(problem)["completer"] = completer = Answering(NotCompletable.UNSTABLE)
    evidence, batch = Evidence.begin([run], 2, 7), batch_of(run, problem=problem)
    asked = []
    for step in (WORTH, WORTH + WORTH // 2, 2 * WORTH + WORTH // 2):
        evidence.verdicts(batch, checks([1], last=step), None)
        asked.append(completer.asked_ahead)
    assert asked == [1, 1, 2]


@pytest.mark.parametrize(("entries", "steps"), [(5_000, 18_548), (200_000, 16_384), (21, 306_244)])
def test_strides_cost_more_steps_where_steps_are_cheap(entries: int, steps: int) -> None:
    """Of 50 × 100 and 200 × 1000 about as many, of tiny problems hundreds of thousands."""
    assert steps_worth_strides(entries) == pytest.approx(steps, rel=1e-3)


def test_a_run_whose_weights_decay_for_ever_is_never_completed() -> None:
    """However low its loss comes under a small decay: it leads to no interpolator."""
    run = planned(completion_tolerance=1e-6)
    assert first_attempt(run) < NEVER
    assert first_attempt(replace(run, weight_decay=WeightDecay(rate=1e-12, until=9))) < NEVER
    assert first_attempt(replace(run, weight_decay=WeightDecay(rate=1e-12))) == NEVER
