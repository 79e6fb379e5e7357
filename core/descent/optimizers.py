"""The optimisers: what each does to the gradient of a step, and which points are stable under it.

All share the step sizes of `core.descent.schedule`; the loop that steps, looks and records is the same for all of them,
and asks an optimiser what it has to know, never which one it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar, Final

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.sampling import Sampling, epoch_indices, given_indices, minibatch_weights, weights_of

Stream = Callable[[str, int], np.random.Generator]


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

    is_native: ClassVar[bool] = True
    """Whether the compiled kernel has its step; if not, NumPy's trains it whichever is chosen."""

    @property
    def draws_batches(self) -> bool:
        """Whether every step is that of some of the samples."""
        return False

    @property
    def has_velocity(self) -> bool:
        """Whether the last step is part of the state, as with momentum."""
        return self.momentum > 0

    @property
    def keeps_row_space_form(self) -> bool:
        """Whether every step moves u± by a factor 1 ∓ x with x in the row space of X (see `core.implicit_bias`)."""
        return not self.has_velocity

    @property
    def has_independent_batches(self) -> bool:
        """Whether every step is that of samples drawn anew."""
        return self.draws_batches

    @property
    def is_completable(self) -> bool:
        """Whether the limit of a run is known to depend on what `core.completion.stepping` has of it alone."""
        return True

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
        """q: which part of the variance of one sample's gradient is in that of a step.

        Where minibatches are not drawn anew at every step it is 1: no minibatch is less stable than the worst of its
        samples, in whatever order they come.
        """
        return 0.0

    def stream_steps(self, samples: int) -> int | None:  # noqa: ARG002 - there is no stream
        """How many steps there are samples for, None where there is no end of them."""
        return None

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
        """What the residuals of these steps are reduced by."""
        return np.zeros((len(steps), samples))

    def weights(
        self,
        stream: Stream,  # noqa: ARG002 - all samples count alike
        steps: Int64[np.ndarray, " step"],
        samples: int,
    ) -> Float64[np.ndarray, "step sample"]:
        """What the residuals of these steps, a block of them, are multiplied by: of its minibatches.

        `stream` gives the generator of a purpose at a place of its sequence.
        """
        return np.ones((len(steps), samples))

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
    """SGD: the gradient of the mean loss of `batch_size` samples, chosen by `sampling`, with momentum m as heavy ball.

    ηλ < 2 + 2m stays necessary for stability where they are drawn anew at every step, but is no longer enough: how
    much is `core.stability.mean_square_step`.
    """

    batch_size: int
    sampling: Sampling = Sampling.WITHOUT_REPLACEMENT
    indices: tuple[tuple[int, ...], ...] | None = None
    momentum: float = 0.0

    @property
    def name(self) -> str:  # type: ignore[override]  # the class has none of its own
        """With how it samples, if that is not anew without replacement."""
        how = "" if self.sampling is Sampling.WITHOUT_REPLACEMENT else f", {_SAMPLED[self.sampling]}"
        return f"minibatch SGD{how}"

    @property
    def limit_in_symbols(self) -> str:  # type: ignore[override]
        """2, or that of heavy ball."""
        return HeavyBall.limit_in_symbols if self.momentum else "2"

    @property
    def draws_batches(self) -> bool:
        """True."""
        return True

    @property
    def has_independent_batches(self) -> bool:
        """By its sampling."""
        return self.sampling.is_drawn_anew

    @property
    def is_completable(self) -> bool:
        """Without momentum: of both together the limit is not known."""
        return not self.momentum

    @property
    def stability_limit(self) -> float:
        """2 + 2m."""
        return 2 + 2 * self.momentum

    def dispersion(self, samples: int) -> float:
        """(N − b)/(b(N − 1)) without replacement, 1/b with it."""
        if not self.sampling.is_drawn_anew:
            return 1.0
        if self.sampling is Sampling.WITH_REPLACEMENT:
            return 1 / self.batch_size
        return (samples - self.batch_size) / (self.batch_size * max(samples - 1, 1))

    def stream_steps(self, samples: int) -> int | None:
        """Those of `indices`, or of one pass."""
        if self.indices is not None:
            return len(self.indices)
        return samples // self.batch_size if self.sampling is Sampling.ONE_PASS else None

    def on(self, samples: int) -> Optimizer:
        """Gradient descent where every minibatch is all samples, each of weight 1: to the bit."""
        is_whole = self.sampling in {Sampling.WITHOUT_REPLACEMENT, Sampling.EPOCHS} and self.batch_size >= samples
        if not is_whole:
            return self
        return HeavyBall(momentum=self.momentum) if self.momentum else FullBatch()

    def weights(
        self, stream: Stream, steps: Int64[np.ndarray, " step"], samples: int
    ) -> Float64[np.ndarray, "step sample"]:
        """By its sampling; in epochs each has an order of its own, whatever blocks it lies in."""
        match self.sampling:
            case Sampling.WITHOUT_REPLACEMENT:
                rng = stream("gradient noise", int(steps[0]) // len(steps))
                return minibatch_weights(rng.random((len(steps), samples)), self.batch_size)
            case Sampling.WITH_REPLACEMENT:
                rng = stream("gradient noise", int(steps[0]) // len(steps))
                chosen = rng.integers(samples, size=(len(steps), self.batch_size))
            case Sampling.EPOCHS | Sampling.ONE_PASS:
                chosen = epoch_indices(steps, samples, self.batch_size, partial(stream, "epochs"))
            case Sampling.INDICES:
                chosen = given_indices(self.indices or (), steps)
        return weights_of(chosen, samples)


_SAMPLED: Final = {
    Sampling.WITH_REPLACEMENT: "with replacement",
    Sampling.EPOCHS: "in epochs",
    Sampling.ONE_PASS: "in one pass",
    Sampling.INDICES: "of given samples",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelNoise(Optimizer):
    """Descent on y + ε with fresh ε ~ N(0, `noise_variance`·I) at steps `noise_from` ≤ t < `noise_steps`.

    With a `batch_size` each step is that of so many samples, drawn without replacement.
    """

    name = "label-noise descent"

    noise_variance: float
    noise_steps: int = field()  # required: else the property were the default
    noise_from: int = 0
    batch_size: int | None = None

    @property
    def draws_batches(self) -> bool:
        """With a `batch_size`."""
        return self.batch_size is not None

    def dispersion(self, samples: int) -> float:
        """That of its minibatches."""
        return 0.0 if self.batch_size is None else Minibatch(batch_size=self.batch_size).dispersion(samples)

    def on(self, samples: int) -> Optimizer:
        """Without minibatches where they are of all samples."""
        is_whole = self.batch_size is not None and self.batch_size >= samples
        return replace(self, batch_size=None) if is_whole else self

    def noise(
        self, rng: np.random.Generator, steps: Int64[np.ndarray, " step"], samples: int
    ) -> Float64[np.ndarray, "step sample"]:
        """Its ε, 0 before `noise_from` and after `noise_steps`."""
        is_noisy = (steps[:, None] >= self.noise_from) & (steps[:, None] < self.noise_steps)
        scale = np.where(is_noisy, np.sqrt(self.noise_variance), 0.0)
        noise: Float64[np.ndarray, "step sample"] = scale * rng.standard_normal((len(steps), samples))
        return noise

    def weights(
        self, stream: Stream, steps: Int64[np.ndarray, " step"], samples: int
    ) -> Float64[np.ndarray, "step sample"]:
        """Drawn apart from the noise."""
        if self.batch_size is None:
            return np.ones((len(steps), samples))
        rng = stream("minibatches", int(steps[0]) // len(steps))
        return minibatch_weights(rng.random((len(steps), samples)), self.batch_size)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeavyBall(Optimizer):
    """Heavy-ball momentum: θ(t+1) = θ(t) − η∇L + m(θ(t) − θ(t−1)) with m = `momentum`; stable iff ηλ < 2 + 2m."""

    name = "heavy-ball momentum"
    limit_in_symbols = "(2+2m)"

    momentum: float = field()  # required, as above

    @property
    def has_velocity(self) -> bool:
        """True, of rest where m = 0."""
        return True

    @property
    def in_effect(self) -> Optimizer:
        """Gradient descent where m = 0: with a velocity each step would be rounded otherwise."""
        return self if self.momentum else FullBatch()

    @property
    def stability_limit(self) -> float:
        """2 + 2m."""
        return 2 + 2 * self.momentum
