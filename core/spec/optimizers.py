"""The optimisers as documents: as a user writes them, every number a sweep perhaps, and those of one run.

What they do is in `core.descent.optimizers`; `core.sweep.grid_run.optimizer_of` leads from here to there.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from core.descent.ascent import AscentAlong
from core.identity import rounded
from core.spec.swept import (
    BELOW_ONE,
    Count,
    Document,
    Fraction,
    Positive,
    SweptCount,
    SweptFraction,
    SweptPositive,
    SweptWhole,
    Whole,
    all_values,
)

Multiples = Annotated[tuple[Positive, ...], Field(min_length=1, max_length=10_000, strict=False)]


def _require_distinct(numbers: Sequence[float], what: str) -> None:
    if len({rounded(number) for number in numbers}) < len(numbers):
        raise ValueError(f"{what} repeat (to 12 significant digits)")


class FractionsOfMaxStable(Document):
    """Step sizes as multiples of the largest stable one, 2/min λ_max, of the data set and depth at hand."""

    fractions_of_max_stable: Multiples

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _require_distinct(self.fractions_of_max_stable, "fractions")
        return self

    @property
    def axis(self) -> str:
        """What results call these numbers."""
        return STEP_SIZE_FRACTION

    def numbers(self) -> list[float]:
        """The fractions, rounded to 12 significant digits."""
        return [rounded(fraction) for fraction in self.fractions_of_max_stable]

    def at(self, number: float) -> "FractionOfMaxStable":
        """That of one run."""
        return FractionOfMaxStable(fraction_of_max_stable=number)

    def in_one_spelling(self) -> Self:
        """The same step sizes, their numbers rounded to 12 significant digits."""
        return type(self)(fractions_of_max_stable=tuple(self.numbers()))


class FractionOfMaxStable(Document):
    """A step size as a multiple of the problem's largest stable one, which its analysis finds."""

    fraction_of_max_stable: Positive


class StepUnit(StrEnum):
    """A step size that is known before training, by its name in results: 2/λ_max of the loss at some point.

    That is the start of a run, the interpolator of least ℓ2 norm at the flattest parameters θ ≥ 0 that have it, or the
    limit of gradient flow from the start; the least squares where nothing interpolates. With momentum the optimiser's
    stability limit stands for 2.
    """

    START = "start_stable_step"
    LEAST_NORM = "least_norm_stable_step"
    FLOW = "flow_stable_step"

    @property
    def axis(self) -> str:
        """What results call multiples of it."""
        return self.replace("_stable_step", "_step_multiple")

    @property
    def unknown_because(self) -> str:
        """Why it may not be known though something interpolates the data."""
        return _UNKNOWN_BECAUSE[self]


_UNKNOWN_BECAUSE: Final = {
    StepUnit.START: "at the start of a run the loss curves upwards in no direction, or float64 does not tell",
    StepUnit.LEAST_NORM: "every step size is stable at the least ℓ2 norm, which is 0",
    StepUnit.FLOW: "a parameter starts at 0, or float64 does not reach the limit of gradient flow from there",
}


class MultiplesOf(Document):
    """Step sizes as multiples of a `StepUnit` of the problem and the start at hand."""

    multiples_of: Annotated[StepUnit, Field(strict=False)]
    values: Multiples

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _require_distinct(self.values, "values")
        return self

    @property
    def axis(self) -> str:
        """What results call these numbers."""
        return self.multiples_of.axis

    def numbers(self) -> list[float]:
        """The multiples, rounded to 12 significant digits."""
        return [rounded(value) for value in self.values]

    def at(self, number: float) -> "MultipleOf":
        """That of one run."""
        return MultipleOf(multiple_of=self.multiples_of, value=number)

    def in_one_spelling(self) -> Self:
        """The same step sizes, their numbers rounded to 12 significant digits."""
        return type(self)(multiples_of=self.multiples_of, values=tuple(self.numbers()))


class MultipleOf(Document):
    """A step size as a multiple of a `StepUnit`, which is found before the run is trained."""

    multiple_of: Annotated[StepUnit, Field(strict=False)]
    value: Positive


class EffectiveStepSizes(Document):
    """Step sizes by what they come to with momentum: η = λ(1 − m)², so that λ = η/(1−m)² stays where m is swept.

    Heavy ball of small λ follows one path whatever m is (Papazov, Pesme and Flammarion 2024).
    """

    effective_step_sizes: Multiples

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _require_distinct(self.effective_step_sizes, "effective step sizes")
        return self

    @property
    def axis(self) -> str:
        """What results call these numbers."""
        return EFFECTIVE_STEP_SIZE

    def numbers(self) -> list[float]:
        """The λ, rounded to 12 significant digits."""
        return [rounded(value) for value in self.effective_step_sizes]

    def in_one_spelling(self) -> Self:
        """The same step sizes, their numbers rounded to 12 significant digits."""
        return type(self)(effective_step_sizes=tuple(self.numbers()))

    @staticmethod
    def step_size(effective: float, momentum: float) -> float:
        """The η of one run, to 12 significant digits: it is the run of that η, however it is written."""
        return rounded(effective * (1 - momentum) ** 2)


RelativeStepSizes = FractionsOfMaxStable | MultiplesOf | EffectiveStepSizes

EFFECTIVE_STEP_SIZE: Final = "effective_step_size"

STEP_SIZE_FRACTION: Final = "step_size_fraction"

RELATIVE_AXES: Final = (STEP_SIZE_FRACTION, *(unit.axis for unit in StepUnit), EFFECTIVE_STEP_SIZE)
"""The axes on which a step size is a multiple of another one, or given by what it comes to."""


class StepBracket(Document):
    """Where the largest convergent step size is looked for: between `lower` and `upper` times the largest stable one.

    The search ends when the smallest step size that fails is within a factor 1 + `resolution` of the largest that
    converges.
    """

    lower: Annotated[float, Field(ge=1e-100, le=100)] = 0.9
    upper: Annotated[float, Field(ge=1e-100, le=100)] = 1.1
    resolution: Annotated[float, Field(ge=1e-6, le=BELOW_ONE)] = 0.002

    @model_validator(mode="after")
    def _has_a_width(self) -> Self:
        if rounded(self.lower) >= rounded(self.upper):
            raise ValueError(
                f"lower {self.lower:g} should be less than upper {self.upper:g} (to 12 significant digits)"
            )
        return self


class LargestConvergent(Document):
    """The largest step size that converges, found by experiment: one run, made of many trainings."""

    largest_convergent: StepBracket

    def in_one_spelling(self) -> Self:
        """The same search, its numbers rounded to 12 significant digits."""
        numbers = {name: rounded(number) for name, number in self.largest_convergent}
        return type(self)(largest_convergent=StepBracket(**numbers))


_STEP_SIZE_FORMS: Final = {
    "fractions_of_max_stable": "fractions",
    "multiples_of": "multiples",
    "largest_convergent": "search",
    "effective_step_sizes": "effective",
}


def _step_size_form(value: Any) -> str:
    """Which of the five forms is meant, so that an error speaks of that form alone."""
    fields: Any = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return next((form for field, form in _STEP_SIZE_FORMS.items() if field in fields), "step sizes")


StepSize = Annotated[
    Annotated[SweptPositive, Tag("step sizes")]
    | Annotated[FractionsOfMaxStable, Tag("fractions")]
    | Annotated[MultiplesOf, Tag("multiples")]
    | Annotated[LargestConvergent, Tag("search")]
    | Annotated[EffectiveStepSizes, Tag("effective")],
    Discriminator(_step_size_form),
]


class Descent(Document):
    """What every optimiser has; the step size grows linearly to η over `warmup_steps` (section 7)."""

    kind: str
    step_size: StepSize
    warmup_steps: SweptWhole = 0

    @model_validator(mode="after")
    def _has_momentum(self) -> Self:
        if isinstance(self.step_size, EffectiveStepSizes) and not hasattr(self, "momentum"):
            raise ValueError(f"effective step sizes η/(1−m)² are for heavy_ball; {self.kind} has no momentum")
        return self

    @property
    def largest_batch(self) -> float:
        """The most samples that a step draws; 0 where it takes all that there are."""
        return 0


class PlainDescent(Document):
    """The same of one run; its step size may be symbolic."""

    kind: str
    step_size: Positive | FractionOfMaxStable | MultipleOf | LargestConvergent
    warmup_steps: Whole

    def own_numbers(self) -> dict[str, float]:
        """What this optimiser has besides, by field; not its seed."""
        return {field: value for field, value in self if field not in {*PlainDescent.model_fields, "seed"}}


class GradientDescent(Descent):
    """Full-batch gradient descent; the step size grows linearly to η over `warmup_steps` (section 7)."""

    kind: Literal["gradient_descent"] = "gradient_descent"


class PlainGradientDescent(PlainDescent):
    """Gradient descent of one step size."""

    kind: Literal["gradient_descent"]


class StochasticGradientDescent(Descent):
    """Minibatch SGD."""

    kind: Literal["sgd"]
    batch_size: SweptCount
    seed: SweptWhole = 0

    @property
    def largest_batch(self) -> float:
        """The largest `batch_size`."""
        return max(all_values(self.batch_size))


class PlainStochasticDescent(PlainDescent):
    """Minibatch SGD of one batch size."""

    kind: Literal["sgd"]
    batch_size: Count
    seed: Whole


class LabelNoiseDescent(Descent):
    """Gradient descent with fresh noise on y at each of the first `noise_steps` steps."""

    kind: Literal["label_noise"]
    noise_variance: SweptPositive
    noise_steps: SweptCount
    seed: SweptWhole = 0


class PlainLabelNoiseDescent(PlainDescent):
    """Gradient descent under label noise of one variance."""

    kind: Literal["label_noise"]
    noise_variance: Positive
    noise_steps: Count
    seed: Whole


class HeavyBall(Descent):
    """Heavy-ball momentum; a minimum is linearly stable iff ηλ < 2 + 2m."""

    kind: Literal["heavy_ball"]
    momentum: SweptFraction

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if isinstance(sizes := self.step_size, EffectiveStepSizes):
            least, most = min(sizes.numbers()), max(all_values(self.momentum))
            if not sizes.step_size(least, most):
                raise ValueError(f"the step size {least:g}·(1 − m)² at m = {most:.12g} is 0 in float64")
        return self


class PlainHeavyBall(PlainDescent):
    """Heavy ball of one momentum."""

    kind: Literal["heavy_ball"]
    momentum: Fraction


class Nesterov(Descent):
    """Nesterov momentum; a minimum is linearly stable iff ηλ < (2 + 2m)/(1 + 2m)."""

    kind: Literal["nesterov"]
    momentum: SweptFraction

    @model_validator(mode="after")
    def _is_not_heavy_ball(self) -> Self:
        if isinstance(self.step_size, EffectiveStepSizes):
            raise ValueError("effective step sizes η/(1−m)² are for heavy_ball")  # noqa: TRY004 - told as 422
        return self


class PlainNesterov(PlainDescent):
    """Nesterov momentum of one m."""

    kind: Literal["nesterov"]
    momentum: Fraction


class SharpnessAwareDescent(Descent):
    """Sharpness-aware minimisation: gradients are taken where an ascent leads.

    That is by `rho` times the gradient of the mean loss (`ascent` `full`, n-SAM), or for each sample of its own loss
    ½r_k² (`sample`, 1-SAM); with `normalized` by the length `rho` along it.
    """

    kind: Literal["sam"]
    rho: SweptPositive
    ascent: Annotated[AscentAlong, Field(strict=False)] = AscentAlong.FULL
    normalized: bool = False


class PlainSharpnessAwareDescent(PlainDescent):
    """Sharpness-aware minimisation of one ρ."""

    kind: Literal["sam"]
    rho: Positive
    ascent: Annotated[AscentAlong, Field(strict=False)]
    normalized: bool

    def own_numbers(self) -> dict[str, float]:
        """ρ; the ascent is the same for all runs of a grid."""
        return {"rho": self.rho}


class ParameterNoiseDescent(Descent):
    """Gradient descent with fresh Gaussian noise on θ where the gradient is taken, at each of `noise_steps` steps."""

    kind: Literal["parameter_noise"]
    variance: SweptPositive
    noise_steps: SweptCount
    seed: SweptWhole = 0


class PlainParameterNoiseDescent(PlainDescent):
    """Gradient descent under parameter noise of one variance."""

    kind: Literal["parameter_noise"]
    variance: Positive
    noise_steps: Count
    seed: Whole


Optimizer = Annotated[
    GradientDescent
    | StochasticGradientDescent
    | LabelNoiseDescent
    | HeavyBall
    | Nesterov
    | SharpnessAwareDescent
    | ParameterNoiseDescent,
    Field(discriminator="kind"),
]
PlainOptimizer = (
    PlainGradientDescent
    | PlainStochasticDescent
    | PlainLabelNoiseDescent
    | PlainHeavyBall
    | PlainNesterov
    | PlainSharpnessAwareDescent
    | PlainParameterNoiseDescent
)
