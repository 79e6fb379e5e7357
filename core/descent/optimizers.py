"""The optimisers: what each does to the gradient of a step, and which points are stable under it.

All share the step sizes of `core.descent.schedule`; the loop that steps, looks and records is the same for all of them,
and asks an optimiser what it has to know, never which one it is.
"""

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.ascent import Ascent, AscentAlong
from core.descent.sampling import BatchSampler, Sampling


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

    looks_ahead: ClassVar[bool] = False
    """Whether θ is where the velocity has led already (Nesterov), and not what it is added to (heavy ball)."""

    perturbs_parameters: ClassVar[bool] = False
    """Whether its noise is on the parameters at which the gradient is taken, and not on residuals."""

    is_native: ClassVar[bool] = True
    """Whether the compiled kernel has its step; if not, NumPy's trains it whichever is chosen."""

    @property
    def batch_sampler(self) -> BatchSampler | None:
        """What chooses the samples of every step; None: it is that of all samples."""
        return None

    @property
    def draws_batches(self) -> bool:
        """Whether every step is that of some of the samples."""
        return self.batch_sampler is not None

    @property
    def has_velocity(self) -> bool:
        """Whether the last step is part of the state, as with momentum."""
        return self.momentum > 0

    @property
    def keeps_row_space_form(self) -> bool:
        """Whether steps move u± by factors 1 ∓ x − s, x in the row space of X and one s (`core.implicit_bias`)."""
        return not self.has_velocity

    @property
    def has_independent_batches(self) -> bool:
        """Whether every step is that of samples drawn anew."""
        return self.draws_batches

    @property
    def is_completable(self) -> bool:
        """Whether it is known what remaining steps sum up to (`core.completion`); if not, `finish` changes nothing."""
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

    @property
    def follows_gradient(self) -> bool:
        """Whether each step is −η∇L at θ itself, so that what is known of gradient descent alone is known of it."""
        return self.is_map_of_theta and self.is_completable

    @property
    def title(self) -> str:
        """`name`, with what kind of it is meant."""
        return self.name

    @property
    def ascent(self) -> Ascent | None:
        """Where it takes its gradients; None: at θ, or where noise leads."""
        return None

    @property
    def gradients_per_step(self) -> float:
        """What a step costs, in steps of gradient descent."""
        return 1.0

    @property
    def sample_rho(self) -> float:
        """ρ where each sample has an ascent of its own, by ρ times its gradient; 0 elsewhere."""
        return 0.0

    @property
    def threshold_in_symbols(self) -> str:
        """`largest_stable_sharpness` as a formula."""
        return f"{self.limit_in_symbols}/η"

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

    def largest_stable_sharpness(self, step_size: float) -> float:
        """The sharpness below which a minimum is linearly stable at this step size: `stability_limit`/η, at η = 0 ∞."""
        return self.stability_limit / step_size if step_size else math.inf

    def instability(self, step_size: float, sharpness: float) -> float:
        """ε where a perturbation along the top eigenvector grows by about 1 + ε a step; stable if ε < 0."""
        return step_size * sharpness - self.stability_limit

    def noise(
        self,
        rng: np.random.Generator,  # noqa: ARG002 - there is no noise
        steps: Int64[np.ndarray, " step"],
        samples: int,
    ) -> Float64[np.ndarray, "step sample"]:
        """What the residuals of these steps are reduced by."""
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
    def batch_sampler(self) -> BatchSampler:
        """By its sampling."""
        epochs = {Sampling.EPOCHS, Sampling.ONE_PASS}
        purpose = "epochs" if self.sampling in epochs else "gradient noise"
        return BatchSampler(sampling=self.sampling, batch_size=self.batch_size, purpose=purpose, indices=self.indices)

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
    def batch_sampler(self) -> BatchSampler | None:
        """With a `batch_size`: minibatches are drawn apart from the noise."""
        if self.batch_size is None:
            return None
        return BatchSampler(sampling=Sampling.WITHOUT_REPLACEMENT, batch_size=self.batch_size, purpose="minibatches")

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Nesterov(HeavyBall):
    """Nesterov's momentum: v ← m·v − η∇L(θ), θ ← θ + m·v − η∇L(θ), with θ where the gradient is taken.

    The iterates of Nesterov 1983 are x = θ − m·v: θ is the extrapolated point, which PyTorch and Optax train as well
    (Sutskever et al. 2013). Linearly stable iff ηλ < (2 + 2m)/(1 + 2m): on λθ²/2 its roots solve
    z² − (1 + m)(1 − ηλ)z + m(1 − ηλ) = 0, of which one is −1 there.
    """

    name = "Nesterov momentum"
    limit_in_symbols = "(2+2m)/(1+2m)"
    looks_ahead = True

    @property
    def is_completable(self) -> bool:
        """False: what remains of such a run is not known."""
        return False

    @property
    def stability_limit(self) -> float:
        """(2 + 2m)/(1 + 2m)."""
        return (2 + 2 * self.momentum) / (1 + 2 * self.momentum)

    @staticmethod
    def roll(
        theta: Float64[np.ndarray, "part run dim"],
        velocity: Float64[np.ndarray, "part run dim"],
        change: Float64[np.ndarray, "part run dim"],
        kept: Float64[np.ndarray, "run 1"],
    ) -> None:
        """One step in place: v ← m·v + change, θ ← θ + (m·v + change)."""
        np.multiply(velocity, kept, out=velocity)
        np.add(velocity, change, out=velocity)
        np.add(theta, velocity * kept + change, out=theta)


@dataclass(frozen=True, kw_only=True, slots=True)
class SharpnessAware(Optimizer):
    """Sharpness-aware minimisation: the gradient of each step is taken where an ascent of length `rho` leads.

    `ascent_along` the gradient of the mean loss (n-SAM), θ ← θ − η∇L(θ + ρ∇L(θ)), or of each sample's own ½r_k²
    (1-SAM), θ ← θ − η·Ê[∇ℓ_k(θ + ρ∇ℓ_k(θ))] (Andriushchenko and Flammarion 2022). With `normalized` (Foret et al. 2021)
    the ascent is ρ∇L/‖∇L‖₂, of each sample ρ∇ℓ_k/‖∇ℓ_k‖₂, and none where that gradient is 0.

    Near an interpolator of Hessian H the steps of n-SAM are multiplications by I − ηH(I + ρH): stable iff
    ηλ(1 + ρλ) < 2. Those of 1-SAM are by I − ηÊ[(1 + ρ‖a_k‖²)a_k a_kᵀ], a_k the gradient of the k-th prediction: as
    Ê[(a_k a_kᵀ)²] ≽ H² that asks for more, and ηλ(1 + ρλ) < 2 is only necessary; `sample_rho` is for what is exact.
    A normalised ascent has a length of ρ however near the minimum is: along the top eigenvector the run goes to and fro
    by ηλρ/(2 − ηλ), for any ηλ < 2 (Bartlett, Long and Bousquet 2023), and does not converge.
    """

    name = "SAM"

    rho: float
    ascent_along: AscentAlong = AscentAlong.FULL
    normalized: bool = False

    @property
    def is_completable(self) -> bool:
        """False, as of Nesterov."""
        return False

    @property
    def title(self) -> str:
        """By what its ascents are along."""
        kind = "1-SAM" if self.ascent_along == AscentAlong.SAMPLE else "n-SAM"
        return f"{kind}, normalised" if self.normalized else kind

    @property
    def ascent(self) -> Ascent:
        """Its own."""
        return Ascent(along=self.ascent_along, normalized=self.normalized, rho=np.array([self.rho]))

    @property
    def gradients_per_step(self) -> float:
        """Two gradients; of 1-SAM at degree 2 five products with X and its powers in place of two (`ascent_body.h`)."""
        return 2.5 if self.ascent_along == AscentAlong.SAMPLE else 2.0

    @property
    def _linear_rho(self) -> float:
        """The ρ in 1 + ρλ: a normalised ascent is bounded, and does not change where steps are."""
        return 0.0 if self.normalized else self.rho

    @property
    def sample_rho(self) -> float:
        """The ρ in 1 + ρ‖a_k‖², 0 where samples have no ascent of their own."""
        return self._linear_rho if self.ascent_along == AscentAlong.SAMPLE else 0.0

    @property
    def threshold_in_symbols(self) -> str:
        """The positive λ with ηλ(1 + ρλ) = 2."""
        return "2/η" if self.normalized else "(√(1+8ρ/η)−1)/2ρ"

    def largest_stable_step(self, max_stable_step: float) -> float:
        """2/(λ(1 + ρλ)) with λ = 2/`max_stable_step`."""
        return max_stable_step / (1 + 2 * self._linear_rho / max_stable_step)

    def step_of_descent(self, step_size: float) -> float:
        """2/λ of the largest stable λ."""
        return 2 / self.largest_stable_sharpness(step_size) if step_size < math.inf else math.inf

    def largest_stable_sharpness(self, step_size: float) -> float:
        """(√(1 + 8ρ/η) − 1)/(2ρ) = (4/η)/(1 + √(1 + 8ρ/η)), at η = 0 ∞."""
        if not step_size:
            return math.inf
        return float(4 / step_size / (1 + np.sqrt(1 + 8 * self._linear_rho / step_size)))

    def instability(self, step_size: float, sharpness: float) -> float:
        """ηλ(1 + ρλ) − 2; of 1-SAM `sharpness` is that of Ê[(1 + ρ‖a_k‖²)a_k a_kᵀ], which has the factor already."""
        factor = 1.0 if self.sample_rho else 1 + self._linear_rho * sharpness
        return step_size * sharpness * factor - 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterNoise(Optimizer):
    """Gradient descent with its gradient taken at θ + ε, fresh ε ~ N(0, `variance`·I) at each of `noise_steps` steps.

    θ ← θ − η∇L(θ + ε): noise injection before the gradient step (Orvieto, Raj, Kersting and Bach 2023). What is
    descended on average is the smoothed loss E[L(θ + ε)], at D = 2 exactly L + 2σ²·Σ_i Ê[x_i²](u₊² + u₋² + σ²): to
    second order in σ half of σ² times the trace of the Hessian at an interpolator. Parts that are and stay 0 have no
    noise. Langevin noise, added to θ itself (HaoChen et al. 2021), is another thing, and has no such bias.
    """

    name = "parameter-noise descent"
    perturbs_parameters = True

    variance: float
    noise_steps: int = field()  # required, as above

    @property
    def keeps_row_space_form(self) -> bool:
        """False: part for part the gradient is taken at another place."""
        return False

    @property
    def is_completable(self) -> bool:
        """False, as of Nesterov."""
        return False

    def noise(
        self, rng: np.random.Generator, steps: Int64[np.ndarray, " step"], samples: int
    ) -> Float64[np.ndarray, "step sample"]:
        """Its ε, 0 after `noise_steps`; of so many parameters."""
        scale = np.where(steps[:, None] < self.noise_steps, np.sqrt(self.variance), 0.0)
        noise: Float64[np.ndarray, "step sample"] = scale * rng.standard_normal((len(steps), samples))
        return noise
