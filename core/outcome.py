"""How a run ends: exactly one of these, each with the sentence its user needs. And how it came there."""

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """The end of a run. None of them is an error: a diverged run in a sweep is data."""

    CONVERGED = "converged"
    DIVERGED = "diverged"
    OSCILLATING = "oscillating"
    BUDGET_EXHAUSTED = "budget_exhausted"
    UNSTABLE_INTERPOLATOR = "unstable_interpolator"
    STATIONARY = "stationary"
    STANDSTILL = "standstill"
    STOPPED = "stopped"

    @property
    def meaning(self) -> str:
        """What happened, and what can be done."""
        return _MEANINGS[self]


class RunPath(StrEnum):
    """How a run came to its end: by gradient descent alone, or by what rounding or a perturbation made of it.

    A `smooth` run lowers its loss all the way. Where one has crossed the edge of stability, ηλ > 2, its loss grows, and
    its rounding with it. `perturbed` runs were pushed off an interpolator that is unstable at η, `released` ones held
    on one as long as exact arithmetic would stay.
    """

    SMOOTH = "smooth"
    CROSSED_EDGE = "crossed_edge"
    PERTURBED = "perturbed"
    RELEASED = "released"


WITH_LIMIT: Final = frozenset({Outcome.CONVERGED, Outcome.STATIONARY})
"""Runs that end at what they tend to: an interpolator, the least squares where there is none, the lasso of a decay."""

_MEANINGS = {
    Outcome.CONVERGED: (
        "At full step size, or the one that the schedule ends with, the loss fell to the tolerance, at a point that is "
        "linearly stable for this step size (end_step_size × sharpness < 2)."
    ),
    Outcome.DIVERGED: (
        "The loss grew beyond 10^12 times its initial value or is not finite: lower the step size; below "
        "max_stable_step a longer warm-up may do as well."
    ),
    Outcome.OSCILLATING: (
        "The loss stays bounded and does not converge: the run cycles. Lower the step size; above max_stable_step = "
        "2 / min_sharpness no interpolator is known to be stable (at odd depth: none with parameters θ ≥ 0), and below "
        "it another initialisation or a longer warm-up may do as well."
    ),
    Outcome.BUDGET_EXHAUSTED: (
        "The run used up max_steps before it converged; its last state is kept. Allow more steps or a larger tolerance."
    ),
    Outcome.UNSTABLE_INTERPOLATOR: (
        "The loss is within the tolerance at a point where gradient descent is unstable (step_size × sharpness ≥ 2), "
        "and nothing pushed the run off it: perturbations are off, or y = 0, which leaves them without size."
    ),
    Outcome.STATIONARY: (
        "No predictor fits the training data exactly, and at full step size the loss fell to the tolerance above that "
        "of the least squares, at a point that is linearly stable for this step size (step_size × sharpness < 2). Or, "
        "with weight decay that goes on for ever: the penalised loss fell to the tolerance above its least value, "
        "which at depth 2 is that of the lasso."
    ),
    Outcome.STANDSTILL: (
        "The steps have become too small to change any parameter in float64 while the loss is above the tolerance, as "
        "happens near the saddle θ = 0 of deep networks, where a larger scale of the start helps, and by the rounding "
        "of large parameters, where a smaller one does. More steps change nothing."
    ),
    Outcome.STOPPED: (
        "The run took the steps that were asked for, and had not converged by then: its numbers are those of that step "
        "and of no limit. Leave out stopping.steps to train until it is known where the run tends to."
    ),
}
