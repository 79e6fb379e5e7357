"""One run of a grid: its spec, its identity, and what both say of how it is trained."""

import math
from dataclasses import dataclass
from typing import assert_never

from core.descent.optimizers import (
    FullBatch,
    HeavyBall,
    LabelNoise,
    Minibatch,
    Nesterov,
    Optimizer,
    ParameterNoise,
    SharpnessAware,
)
from core.descent.schedule import Shape
from core.descent.weight_decay import WeightDecay
from core.identity import content_hash
from core.networks.network import UV, Diagonal, Network, Product
from core.spec.experiment_spec import InlineData, UploadedData
from core.spec.optimizers import (
    FractionOfMaxStable,
    LargestConvergent,
    MultipleOf,
    PlainGradientDescent,
    PlainHeavyBall,
    PlainLabelNoiseDescent,
    PlainNesterov,
    PlainOptimizer,
    PlainParameterNoiseDescent,
    PlainSharpnessAwareDescent,
    PlainStochasticDescent,
    StepBracket,
)
from core.spec.run_spec import PlainDiagonal, PlainModel, PlainProduct, PlainSparseRegression, PlainUV, RunSpec
from core.sweep.keys import problem_key


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One point of the grid.

    `key` is its identity, `data_key` that of its data set. Either `step_size` is given or `step_size_fraction`, the
    multiple of the problem's largest stable step that it stands for, or `step_multiple`, that of another unit, or the
    `step_bracket` in which the largest convergent step is looked for.
    """

    index: int
    key: str
    data_key: str
    spec: RunSpec

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return network_of(self.spec.model)

    @property
    def problem_key(self) -> str:
        """The identity of the run's problem, its data set with its network: all that is known before training."""
        return problem_key(self.data_key, self.network)

    @property
    def init_scale(self) -> float:
        """α."""
        return self.spec.initialization.scale

    @property
    def step_size(self) -> float | None:
        """η, or None where it is given as a multiple or searched for."""
        value = self.spec.optimizer.step_size
        return value if isinstance(value, float) else None

    @property
    def step_size_fraction(self) -> float | None:
        """η as a multiple of the largest stable step, or None where it is not given as one."""
        value = self.spec.optimizer.step_size
        return value.fraction_of_max_stable if isinstance(value, FractionOfMaxStable) else None

    @property
    def step_multiple(self) -> MultipleOf | None:
        """η as a multiple of a unit other than the largest stable step, or None where it is not given as one."""
        value = self.spec.optimizer.step_size
        return value if isinstance(value, MultipleOf) else None

    @property
    def step_bracket(self) -> StepBracket | None:
        """Where the largest convergent step is looked for, None where η is given."""
        value = self.spec.optimizer.step_size
        return value.largest_convergent if isinstance(value, LargestConvergent) else None

    @property
    def samples(self) -> int | None:
        """N, None where an upload alone knows it."""
        match self.spec.data:
            case PlainSparseRegression(samples=samples):
                return samples
            case InlineData(y=y):
                return len(y)
            case UploadedData():
                return None

    @property
    def warmup_steps(self) -> int:
        """The steps over which the step size grows to η."""
        return self.spec.optimizer.warmup_steps

    @property
    def step_shape(self) -> Shape | None:
        """What becomes of the step size behind the warm-up; None where it stays."""
        return self.spec.optimizer.step_shape(self.spec.stopping.budget)

    @property
    def end_factor(self) -> float:
        """What the step size ends with over what it is at full height; NaN where it ends at 0, or never."""
        factor = 1.0 if (shape := self.step_shape) is None else shape.end
        return factor if 0 < factor < math.inf else math.nan

    @property
    def weight_decay(self) -> WeightDecay:
        """How its parameters decay."""
        told = self.spec.optimizer
        return WeightDecay(
            rate=told.weight_decay, until=told.weight_decay_until, is_decoupled=told.decoupled_weight_decay
        )

    @property
    def seed(self) -> int:
        """The seed of the run's own random streams; neither what is recorded nor where it stops changes it.

        Heavy ball without momentum has that of gradient descent, which it is.
        """
        own = {
            "model": self.spec.model.model_dump(mode="json"),
            "initialization": self.spec.initialization.model_dump(mode="json"),
            "optimizer": _in_effect(self.spec.optimizer).model_dump(mode="json"),
        }
        return int(content_hash(own | {"data": self.data_key})[:16], 16)

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser that trains it."""
        return optimizer_of(self.spec.optimizer)

    def largest_stable_step(self, max_stable_step: float) -> float:
        """The η* of this run's optimiser, from that of gradient descent."""
        return self.optimizer.largest_stable_step(max_stable_step)

    def resolved_step_size(self, max_stable_step: float) -> float:
        """η in numbers, for a problem whose largest stable step of gradient descent is `max_stable_step`.

        Where the largest convergent step is looked for, the largest stable one, of which its bracket has multiples.

        Raises:
            ValueError: it is a multiple of another step size.
        """
        if self.step_multiple is not None:
            raise ValueError(f"it is a multiple of {self.step_multiple.multiple_of}")
        if self.step_size is not None:
            return self.step_size
        fraction = 1.0 if self.step_size_fraction is None else self.step_size_fraction
        return fraction * self.largest_stable_step(max_stable_step)


def network_of(model: PlainModel) -> Network:
    """The network of a model; the shape of a UV start is not part of it."""
    match model:
        case PlainDiagonal(depth=depth):
            return Diagonal(depth)
        case PlainUV():
            return UV()
        case PlainProduct():
            return Product()
        case _:
            assert_never(model)


def optimizer_of(optimizer: PlainOptimizer) -> Optimizer:  # noqa: PLR0911 - one for each kind
    """The optimiser of a spec; its step size and warm-up stand apart."""
    match optimizer:
        case PlainGradientDescent():
            return FullBatch()
        case PlainStochasticDescent():
            return Minibatch(
                batch_size=optimizer.batch_size,
                sampling=optimizer.sampling,
                indices=optimizer.indices,
                momentum=optimizer.momentum,
            )
        case PlainLabelNoiseDescent():
            return LabelNoise(
                noise_variance=optimizer.noise_variance,
                noise_steps=optimizer.noise_steps,
                noise_from=optimizer.noise_from,
                batch_size=optimizer.batch_size,
            )
        case PlainHeavyBall(momentum=momentum):
            return HeavyBall(momentum=momentum)
        case PlainNesterov(momentum=momentum):
            return Nesterov(momentum=momentum)
        case PlainSharpnessAwareDescent(rho=rho, ascent=ascent, normalized=normalized):
            return SharpnessAware(rho=rho, ascent_along=ascent, normalized=normalized)
        case PlainParameterNoiseDescent(variance=variance, noise_steps=noise_steps):
            return ParameterNoise(variance=variance, noise_steps=noise_steps)
        case _:
            assert_never(optimizer)


def _in_effect(optimizer: PlainOptimizer) -> PlainOptimizer:
    """The document of gradient descent for either momentum of 0, any other as it is."""
    if not isinstance(optimizer, PlainHeavyBall | PlainNesterov) or optimizer.momentum:
        return optimizer
    shared = {field: value for field, value in optimizer if field in PlainGradientDescent.model_fields}
    return PlainGradientDescent(**shared | {"kind": "gradient_descent"})
