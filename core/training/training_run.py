"""A run before it is trained, and after."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from core.completion.completion import Completion
from core.completion.stepping import Stepping
from core.descent.optimizers import Optimizer
from core.descent.schedule import Shape, scheduled
from core.descent.weight_decay import NO_DECAY, WeightDecay
from core.outcome import Outcome, RunPath
from core.record_plan import PLAIN, RecordPlan, VectorQuantity
from core.training.trajectory import Trajectory


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Landmark:
    """Where a run is seen to come to rest: the `step`, and β of the limit of gradient flow from there."""

    step: int
    predictor: Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingRun:
    """One run of a batch, in numbers: it starts from θ = `initial`, of shape (part, dim).

    `loss_tolerance` is relative to ½Ê[y²], or where y = 0 to the loss at the start; `seed` is that of its random
    streams. With `perturb_unstable` a run that interpolates where gradient descent is unstable is perturbed and goes
    on (`core.training.escapes`); one that `holds` waits on an interpolator as long as exact arithmetic would
    (`core.training.delayed_instability`). A run may end by completion once the error of its limit is within
    `completion_tolerance`·‖β‖₂ (`core.completion`), by a bound where it `wants_proof`, and not where that is 0. One
    that `takes_all_steps` takes `max_steps` unless it diverges, and is judged there alone. `perturbed_by` is the name
    of the stream that its perturbations are drawn from. One that `has_twin` may be followed by one
    (`core.training.sensitivity`), which `meets` it at its landmark, if it has one (`core.training.landmarks`), and
    `goes_backwards`: it is trained on its problem the other way round. `step_shape` is what becomes of the step size
    behind the warm-up, `weight_decay` what becomes of θ beside the gradient. `record_plan` says at which steps its
    `record_points` are, and what is recorded there of every coordinate.
    """

    index: int
    initial: Float64[np.ndarray, "part dim"]
    optimizer: Optimizer
    step_size: float
    warmup_steps: int
    loss_tolerance: float
    max_steps: int
    perturb_unstable: bool
    record_points: int
    seed: int
    completion_tolerance: float = 0.0
    wants_proof: bool = False
    takes_all_steps: bool = False
    holds: bool = False
    perturbed_by: str = "kick"
    has_twin: bool = False
    meets: Landmark | None = None
    goes_backwards: bool = False
    step_shape: Shape | None = None
    weight_decay: WeightDecay = NO_DECAY
    record_plan: RecordPlan = PLAIN

    @property
    def steady_from(self) -> int:
        """The step from which on all steps are of one size and decay alike."""
        over = 0 if self.step_shape is None else self.step_shape.over_from
        return max(self.warmup_steps, over, self.weight_decay.over_from)

    @property
    def end_step_size(self) -> float:
        """The size of all steps from `steady_from` on, by which a run is judged."""
        return self.step_size if self.step_shape is None else self.step_size * self.step_shape.end

    def step_size_at(self, step: int) -> float:
        """η_t."""
        size, warmup = np.array([self.step_size]), np.array([self.warmup_steps])
        return float(scheduled(size, warmup, [self.step_shape], step, step + 1)[0, 0])

    def largest_step_size_from(self, step: int) -> float:
        """No smaller than any step size of the steps from this one on."""
        return self.step_size if self.step_shape is None else self.step_size * self.step_shape.largest_from(step)

    @property
    def vectors(self) -> tuple[VectorQuantity, ...]:
        """What is recorded of every coordinate; nothing where no record is made."""
        return self.record_plan.vectors if self.record_points else ()


def stepping(run: TrainingRun, velocity: Float64[np.ndarray, "part dim"] | None, samples: int) -> Stepping:
    """What the limit of a run depends on beside θ once its warm-up and its noise are over."""
    optimizer = run.optimizer
    if velocity is not None and optimizer.looks_ahead:
        velocity = optimizer.momentum * velocity  # from x + m·v to x + m/(1 − m)·v is m/(1 − m) times as far
    return Stepping(momentum=optimizer.momentum, velocity=velocity, dispersion=optimizer.dispersion(samples))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cycle:
    """How a run oscillates: the `amplitude` ‖θ(t+1) − θ(t)‖₂/‖θ(t)‖₂ of a step, and the period if it is 2, else 0."""

    amplitude: float
    period: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompletedLimit:
    """The limit θ of a run that was completed.

    `estimate` and `bound` are of the relative error of β there, the bound ∞ where none is proven, as where it was found
    `by_strides` (see `Completion`).
    """

    theta: Float64[np.ndarray, "part dim"]
    estimate: float
    bound: float
    by_strides: bool = False

    @classmethod
    def of(cls, completion: Completion) -> Self:
        """What is kept of a completion."""
        return cls(
            theta=completion.theta,
            estimate=completion.estimate,
            bound=completion.bound,
            by_strides=completion.by_strides,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainedRun:
    """How a run ended and where: `theta` is the last iterate, `loss` its loss, `completion` the limit if it has one.

    `steps` is the number of steps taken, perturbations not counted among them, of which `held_steps` were of size 0;
    `cycle` is how it oscillates, if so. `loss_grew` from one look to the next (`core.training.edge_crossings`).
    `velocity` is θ(t) − θ(t−1) at the last iterate, None where no step depends on it; `landmark` is where it came to
    rest, if it was to be looked for.
    """

    run: TrainingRun
    outcome: Outcome
    loss: float
    steps: int
    perturbations: int
    theta: Float64[np.ndarray, "part dim"]
    gradient_sum: Float64[np.ndarray, " dim"]
    trajectory: Trajectory
    completion: CompletedLimit | None = None
    cycle: Cycle | None = None
    held_steps: int = 0
    loss_grew: bool = False
    velocity: Float64[np.ndarray, "part dim"] | None = None
    landmark: Landmark | None = None

    @property
    def path(self) -> RunPath | None:
        """How the run came to its end; None where the loss of a smooth run need not fall at every step.

        So it is with weight decay, which lowers another loss.
        """
        if self.held_steps:
            return RunPath.RELEASED
        if self.perturbations:
            return RunPath.PERTURBED
        if not self.run.optimizer.follows_gradient or self.run.weight_decay.rate:
            return None
        return RunPath.CROSSED_EDGE if self.loss_grew else RunPath.SMOOTH

    @property
    def end(self) -> Float64[np.ndarray, "part dim"]:
        """Where the run ends: its limit if it was completed, else its last iterate."""
        return self.theta if self.completion is None else self.completion.theta
