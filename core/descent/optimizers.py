"""The optimisers: what each does to the gradient of a step, and which points are stable under it.

All share the step sizes of `core.descent.schedule`; the loop that steps, looks and records is the same for all of them.
"""

from dataclasses import dataclass, field
from typing import Protocol


class Optimizer(Protocol):
    """A way to step. At a minimum of sharpness λ it is linearly stable at step size η iff ηλ < `stability_limit`."""

    @property
    def stability_limit(self) -> float:
        """The least ηλ at which a minimum is not linearly stable."""
        ...

    @property
    def momentum(self) -> float:
        """m: how much of a step the next one repeats; 0 without momentum."""
        ...

    @property
    def has_velocity(self) -> bool:
        """Whether the last step is part of the state, as with momentum, be it 0."""
        ...

    @property
    def noise_steps(self) -> int:
        """For how many steps the targets are noisy; no run is judged before."""
        ...

    @property
    def is_deterministic(self) -> bool:
        """Whether a step is a function of θ alone, so that a cycle of θ goes on for ever."""
        ...

    @property
    def keeps_row_space_form(self) -> bool:
        """Whether every step moves u± by a factor 1 ∓ x with x in the row space of X (see `core.implicit_bias`)."""
        ...

    @property
    def ends_as_descent(self) -> bool:
        """Whether its steps are those of plain gradient descent once `noise_steps` are over."""
        ...

    def largest_stable_step(self, max_stable_step: float) -> float:
        """η* = `stability_limit`/min λ_max from that of gradient descent, `max_stable_step` = 2/min λ_max."""
        return max_stable_step * self.stability_limit / 2

    def step_of_descent(self, step_size: float) -> float:
        """The step size at which the same minima are stable for gradient descent: the inverse of the above."""
        return step_size * 2 / self.stability_limit


@dataclass(frozen=True, kw_only=True, slots=True)
class FullBatch(Optimizer):
    """Gradient descent: θ ← θ − η∇L."""

    stability_limit: float = 2.0
    momentum: float = 0.0
    has_velocity: bool = False
    noise_steps: int = 0
    is_deterministic: bool = True
    keeps_row_space_form: bool = True
    ends_as_descent: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Minibatch(Optimizer):
    """SGD: the gradient of the mean loss of `batch_size` samples, drawn anew at every step without replacement.

    ηλ < 2 stays necessary for stability, but is no longer enough.
    """

    batch_size: int
    stability_limit: float = 2.0
    momentum: float = 0.0
    has_velocity: bool = False
    noise_steps: int = 0
    is_deterministic: bool = False
    keeps_row_space_form: bool = True
    ends_as_descent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelNoise(Optimizer):
    """Gradient descent on y + ε with fresh ε ~ N(0, `noise_variance`·I) at each of the first `noise_steps` steps."""

    noise_variance: float
    noise_steps: int = field()  # required, as `momentum` of the heavy ball is
    stability_limit: float = 2.0
    momentum: float = 0.0
    has_velocity: bool = False
    is_deterministic: bool = False
    keeps_row_space_form: bool = True
    ends_as_descent: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class HeavyBall(Optimizer):
    """Heavy-ball momentum: θ(t+1) = θ(t) − η∇L + m(θ(t) − θ(t−1)) with m = `momentum`; stable iff ηλ < 2 + 2m."""

    momentum: float = field()  # required: else the protocol's property were the default
    has_velocity: bool = True
    noise_steps: int = 0
    is_deterministic: bool = False
    keeps_row_space_form: bool = False
    ends_as_descent: bool = False

    @property
    def stability_limit(self) -> float:
        """2 + 2m."""
        return 2 + 2 * self.momentum
