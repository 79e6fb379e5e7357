"""The optimisers: what each does to the gradient of a step, and which points are stable under it.

All share the step sizes of `core.descent.schedule`; the loop that steps, looks and records is the same for all of them,
and asks an optimiser what it has to know, never which one it is.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(frozen=True, kw_only=True, slots=True)
class Optimizer:
    """A way to step. At a minimum of sharpness λ it is linearly stable at step size η iff ηλ < `stability_limit`.

    Each says of itself how it differs from gradient descent, of which all that stands here is true; its fields have the
    names that they have in a spec.
    """

    name: ClassVar[str]
    """In the words of captions and reports."""

    limit_in_symbols: ClassVar[str] = "2"
    """`stability_limit` as a factor of a formula."""

    draws_batches: ClassVar[bool] = False
    """Whether every step is that of some of the samples."""

    has_velocity: ClassVar[bool] = False
    """Whether the last step is part of the state, as with momentum."""

    keeps_row_space_form: ClassVar[bool] = True
    """Whether every step moves u± by a factor 1 ∓ x with x in the row space of X (see `core.implicit_bias`)."""

    is_native: ClassVar[bool] = True
    """Whether the compiled kernel has its step; if not, NumPy's trains it whichever is chosen."""

    @property
    def in_effect(self) -> "Optimizer":
        """What takes the steps: the optimiser itself, or gradient descent where it is nothing else."""
        return self

    def on(self, samples: int) -> "Optimizer":  # noqa: ARG002 - descent is the same on any
        """What takes the steps on so many samples: the optimiser itself, or gradient descent where it is that there."""
        return self

    @property
    def stability_limit(self) -> float:
        """The least ηλ at which a minimum is not linearly stable."""
        return 2.0

    @property
    def momentum(self) -> float:
        """m: how much of a step the next one repeats; 0 without momentum."""
        return 0.0

    @property
    def noise_steps(self) -> int:
        """For how many steps the targets are noisy; no run is judged before."""
        return 0

    @property
    def is_map_of_theta(self) -> bool:
        """Whether a step depends on θ alone, neither on chance nor on the last: a cycle of θ then goes on for ever."""
        return not (self.draws_batches or self.noise_steps or self.has_velocity)

    def dispersion(self, samples: int) -> float:  # noqa: ARG002 - every step is that of all samples
        """q: which part of the variance of one sample's gradient is in that of a step."""
        return 0.0

    def largest_stable_step(self, max_stable_step: float) -> float:
        """η* = `stability_limit`/min λ_max from that of gradient descent, `max_stable_step` = 2/min λ_max."""
        return max_stable_step * self.stability_limit / 2

    def step_of_descent(self, step_size: float) -> float:
        """The step size at which the same minima are stable for gradient descent: the inverse of the above."""
        return step_size * 2 / self.stability_limit

    def noise(
        self,
        rng: np.random.Generator,  # noqa: ARG002 - there is no noise
        steps: Int64[np.ndarray, " step"],
        samples: int,
    ) -> Float64[np.ndarray, "step sample"]:
        """What the residuals of these steps are multiplied by if it `draws_batches`, else what they are reduced by."""
        return np.zeros((len(steps), samples))

    @staticmethod
    def roll(
        theta: Float64[np.ndarray, "part run dim"],
        velocity: Float64[np.ndarray, "part run dim"],
        change: Float64[np.ndarray, "part run dim"],
        kept: Float64[np.ndarray, "run 1"],
    ) -> None:
        """One step in place where there is a velocity v: v ← m·v + change, θ ← θ + v.

        `change` is what a step of gradient descent would add to θ, `kept` the m of each run.
        """
        np.multiply(velocity, kept, out=velocity)
        np.add(velocity, change, out=velocity)
        np.add(theta, velocity, out=theta)


@dataclass(frozen=True, kw_only=True, slots=True)
class FullBatch(Optimizer):
    """Gradient descent: θ ← θ − η∇L."""

    name = "gradient descent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Minibatch(Optimizer):
    """SGD: the gradient of the mean loss of `batch_size` samples, drawn anew at every step without replacement.

    ηλ < 2 stays necessary for stability, but is no longer enough.
    """

    name = "minibatch SGD"
    draws_batches = True

    batch_size: int

    def dispersion(self, samples: int) -> float:
        """(N − b)/(b(N − 1)), as samples are drawn without replacement."""
        return (samples - self.batch_size) / (self.batch_size * max(samples - 1, 1))

    def on(self, samples: int) -> Optimizer:
        """Gradient descent where every minibatch is all samples, each of weight 1: to the bit."""
        return self if self.batch_size < samples else FullBatch()

    def noise(
        self, rng: np.random.Generator, steps: Int64[np.ndarray, " step"], samples: int
    ) -> Float64[np.ndarray, "step sample"]:
        """The weights of its minibatches."""
        return minibatch_weights(rng.random((len(steps), samples)), self.batch_size)


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelNoise(Optimizer):
    """Gradient descent on y + ε with fresh ε ~ N(0, `noise_variance`·I) at each of the first `noise_steps` steps."""

    name = "label-noise descent"

    noise_variance: float
    noise_steps: int = field()  # required: else the property were the default

    def noise(
        self, rng: np.random.Generator, steps: Int64[np.ndarray, " step"], samples: int
    ) -> Float64[np.ndarray, "step sample"]:
        """Its ε, 0 after `noise_steps`."""
        scale = np.where(steps[:, None] < self.noise_steps, np.sqrt(self.noise_variance), 0.0)
        noise: Float64[np.ndarray, "step sample"] = scale * rng.standard_normal((len(steps), samples))
        return noise


@dataclass(frozen=True, kw_only=True, slots=True)
class HeavyBall(Optimizer):
    """Heavy-ball momentum: θ(t+1) = θ(t) − η∇L + m(θ(t) − θ(t−1)) with m = `momentum`; stable iff ηλ < 2 + 2m."""

    name = "heavy-ball momentum"
    limit_in_symbols = "(2+2m)"
    has_velocity = True
    keeps_row_space_form = False

    momentum: float = field()  # required, as above

    @property
    def in_effect(self) -> Optimizer:
        """Gradient descent where m = 0: with a velocity each step would be rounded otherwise."""
        return self if self.momentum else FullBatch()

    @property
    def stability_limit(self) -> float:
        """2 + 2m."""
        return 2 + 2 * self.momentum


def minibatch_weights(
    uniforms: Float64[np.ndarray, "step sample"], batch_size: int
) -> Float64[np.ndarray, "step sample"]:
    """N/b on the b samples with the smallest uniforms of each step and 0 elsewhere: an unbiased choice of b of N.

    Weighted so, the mean over all N samples is the mean over the minibatch.
    """
    samples = uniforms.shape[1]
    weights = np.zeros_like(uniforms)
    chosen = np.argpartition(uniforms, batch_size - 1, axis=1)[:, :batch_size]
    np.put_along_axis(weights, chosen, samples / batch_size, axis=1)
    return weights
