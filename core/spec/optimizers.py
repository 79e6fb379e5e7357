"""The optimisers as documents: as a user writes them, every number a sweep perhaps, and those of one run.

What they do is in `core.descent.optimizers`; `core.sweep.grid_run.optimizer_of` leads from here to there.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from core.descent.ascent import AscentAlong
from core.descent.sampling import Sampling
from core.descent.schedule import Decline, ScheduleKind, Shape, Stages, doublings, first_reaching
from core.identity import rounded
from core.spec.swept import (
    BELOW_ONE,
    Count,
    Document,
    Fraction,
    NonNegative,
    Positive,
    SweptCount,
    SweptFraction,
    SweptNonNegative,
    SweptPositive,
    SweptWhole,
    Whole,
    all_values,
    axis_values,
    left_out_at,
)

Multiples = Annotated[tuple[Positive, ...], Field(min_length=1, max_length=10_000, strict=False)]

Indices = Annotated[
    tuple[Annotated[tuple[Whole, ...], Field(min_length=1, strict=False, fail_fast=True)], ...],
    Field(min_length=1, strict=False, fail_fast=True),
]
"""The samples of every step, by their places from 0 on."""


def _listed(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in sorted(numbers))


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


MOST_CHANGES: Final = 1000
"""Most changes of a step size that is piecewise constant."""

MOST_DECADES: Final = 100
"""Most powers of ten by which a step size changes."""

Factors = Annotated[
    tuple[Annotated[Positive, AfterValidator(rounded)], ...],
    Field(min_length=1, max_length=MOST_CHANGES, strict=False, fail_fast=True),
]
Places = Annotated[tuple[Count, ...], Field(min_length=1, max_length=MOST_CHANGES, strict=False, fail_fast=True)]
PartsOfBudget = Annotated[
    tuple[Annotated[float, Field(gt=0, le=BELOW_ONE), AfterValidator(rounded)], ...],
    Field(min_length=1, max_length=MOST_CHANGES, strict=False, fail_fast=True),
]


def _meet(*numbers: Any) -> bool:
    """Whether all values of these meet: which ones of two axes do is known where their links are."""
    return sum(axis_values(number) is not None for number in numbers) < 2


def require_noise(first: float, end: float) -> None:
    """Return if there is a noisy step."""
    if first >= end:
        raise ValueError(f"noise_from {first:g} leaves no noise before step {end:g}, where noise_steps end it")


_LESS_BY: Final[Mapping[ScheduleKind, str]] = MappingProxyType(
    {
        ScheduleKind.CONSTANT: "",
        ScheduleKind.PIECEWISE: ", or the factors by which the schedule changes η",
        ScheduleKind.EXPONENTIAL: ", or schedule_factor",
        ScheduleKind.COSINE: ", or schedule_factor",
        ScheduleKind.DOUBLING: ", or give the schedule_factor up to which η doubles",
    }
)
"""What else there is to lower, of each schedule, where a step size is too large."""

_SCHEDULE_FIELDS: Final = (
    "schedule_steps",
    "schedule_factor",
    "schedule_at_steps",
    "schedule_at_fractions",
    "schedule_factors",
)


class Descent(Document):
    """What every optimiser has; the step size grows linearly to η over `warmup_steps` (section 7).

    `schedule`: what becomes of η behind the warm-up. `piecewise`: at each of `schedule_at_steps`, or of the parts
    `schedule_at_fractions` of all steps that are allowed, it is multiplied by `schedule_factor`, or is from there on η
    times its own of `schedule_factors`; or every `schedule_steps` it is η times the next of these. `exponential` and
    `cosine`: over `schedule_steps` it changes to η times `schedule_factor`, and stays there. `doubling`: it doubles
    every `schedule_steps`, up to η times `schedule_factor` if that is given. A run is judged by the step size that it
    ends with, once the schedule is over.

    `weight_decay` λ adds ½λ‖θ‖² to the loss, for the first `weight_decay_until` steps where that is given; with
    `decoupled_weight_decay` θ is multiplied by 1 − η_tλ beside the step, which with momentum is another penalty. η_tλ
    is below 1 at every step that decays, of the steps that are allowed, whatever raises η_t. `sam` and
    `parameter_noise`, whose gradients are those of other places, have none.
    """

    kind: str
    step_size: StepSize
    warmup_steps: SweptWhole = 0
    schedule: Annotated[ScheduleKind, Field(strict=False)] = left_out_at(ScheduleKind.CONSTANT)
    schedule_steps: SweptCount | None = left_out_at(None)
    schedule_factor: SweptNonNegative | None = left_out_at(None)
    schedule_at_steps: Places | None = left_out_at(None)
    schedule_at_fractions: PartsOfBudget | None = left_out_at(None)
    schedule_factors: Factors | None = left_out_at(None)
    weight_decay: SweptNonNegative = left_out_at(0.0)
    weight_decay_until: SweptCount | None = left_out_at(None)
    decoupled_weight_decay: bool = left_out_at(default=False)

    @model_validator(mode="after")
    def _schedule_fits(self) -> Self:
        given = [name for name in _SCHEDULE_FIELDS if getattr(self, name) is not None]
        wanted = _WANTED[self.schedule]
        if not any(set(most) >= set(given) >= set(least) for least, most in wanted):
            ways = " or ".join(", ".join(most) or "nothing" for _, most in wanted)
            raise ValueError(f"schedule {self.schedule.value} takes {ways}; given: {', '.join(given) or 'nothing'}")
        for places in (self.schedule_at_steps, self.schedule_at_fractions):
            if places is not None and any(later <= earlier for earlier, later in pairwise(places)):
                raise ValueError("the places at which η changes should ascend")
        changes = self.schedule_at_steps or self.schedule_at_fractions
        if changes is not None and self.schedule_factors is not None and len(self.schedule_factors) != len(changes):
            raise ValueError(f"η changes at {len(changes)} places, and there are {len(self.schedule_factors)} factors")
        self._require_factor()
        return self

    def _require_factor(self) -> None:
        if self.schedule_factor is None:
            return
        least = min(map(rounded, all_values(self.schedule_factor)))
        if self.schedule is ScheduleKind.DOUBLING and not least > 1:
            raise ValueError(f"η doubles up to schedule_factor times its size, which {least:g} forbids")
        if self.schedule in {ScheduleKind.EXPONENTIAL, ScheduleKind.PIECEWISE} and not least > 0:
            raise ValueError("a schedule_factor of 0 is for cosine alone")
        changes = len(self.schedule_at_steps or self.schedule_at_fractions or ())
        decades = [abs(math.log10(factor)) for factor in all_values(self.schedule_factor) if factor]
        if changes * max(decades, default=0) > MOST_DECADES:
            raise ValueError(f"{changes} times by schedule_factor η leaves its size by 1e{MOST_DECADES} or more")

    @model_validator(mode="after")
    def _decay_fits(self) -> Self:
        if not self.decays and (self.weight_decay_until is not None or self.decoupled_weight_decay):
            raise ValueError("weight_decay is 0: leave out weight_decay_until and decoupled_weight_decay")
        return self

    @property
    def has_known_step_sizes(self) -> bool:
        """Whether they are given in numbers, or by what these come to, not by what an analysis finds."""
        return not isinstance(self.step_size, FractionsOfMaxStable | MultiplesOf | LargestConvergent)

    def require_little_decay(self, budget: int, numbers: Mapping[str, Any]) -> None:
        """Return if η_tλ < 1 at every step that decays, of a run with these `numbers` and at most `budget` steps."""
        step_size, rate, until = (numbers[name] for name in ("step_size", "weight_decay", "weight_decay_until"))
        if isinstance(self.step_size, EffectiveStepSizes):
            step_size = self.step_size.step_size(step_size, numbers["momentum"])
        product = rounded(step_size) * rounded(rate)
        if product == 0 or (product < 1 and not self.is_scheduled):
            return
        shape, stop = shape_of(self, budget, numbers), budget if until is None else min(until, budget)
        if (found := first_reaching(1 / product, numbers["warmup_steps"], shape, stop)) is not None:
            step, factor = found
            raise ValueError(
                f"step_size × weight_decay is {step_size * factor:.6g} × {rate:g} at step {step}: 1 or more would turn "
                f"the signs of all parameters. Lower either{_LESS_BY[self.schedule]}, or end the decay before: "
                "weight_decay_until"
            )

    @property
    def is_scheduled(self) -> bool:
        """Whether the step size changes behind the warm-up."""
        return self.schedule is not ScheduleKind.CONSTANT

    @property
    def decays(self) -> bool:
        """Whether there is weight decay in any run."""
        return any(all_values(self.weight_decay))

    @property
    def decays_for_ever(self) -> bool:
        """Whether it goes on to the end."""
        return self.decays and self.weight_decay_until is None

    @property
    def comes_to_rest(self) -> bool:
        """Whether the step size of any run ends at 0."""
        return self.schedule is ScheduleKind.COSINE and 0 in all_values(self.schedule_factor)

    @model_validator(mode="after")
    def _has_momentum(self) -> Self:
        if isinstance(self.step_size, EffectiveStepSizes) and not hasattr(self, "momentum"):
            raise ValueError(f"effective step sizes η/(1−m)² are for heavy_ball and sgd; {self.kind} has no momentum")
        return self

    @property
    def largest_batch(self) -> float:
        """The most samples that a step draws; 0 where it takes all that there are."""
        return 0

    @property
    def largest_index(self) -> int:
        """The largest place of a sample that the document names, −1 where it names none."""
        return -1

    @property
    def runs_out(self) -> bool:
        """Whether there are no more samples after some steps."""
        return False

    def stream_steps(self, samples: float | None) -> int | None:  # noqa: ARG002 - there is no stream
        """The fewest steps after which a run on so many samples has no more of them, None where that is not known."""
        return None


class PlainDescent(Document):
    """The same of one run; its step size may be symbolic."""

    kind: str
    step_size: Positive | FractionOfMaxStable | MultipleOf | LargestConvergent
    warmup_steps: Whole
    schedule: Annotated[ScheduleKind, Field(strict=False)] = left_out_at(ScheduleKind.CONSTANT)
    schedule_steps: Count | None = left_out_at(None)
    schedule_factor: NonNegative | None = left_out_at(None)
    schedule_at_steps: Places | None = left_out_at(None)
    schedule_at_fractions: PartsOfBudget | None = left_out_at(None)
    schedule_factors: Factors | None = left_out_at(None)
    weight_decay: NonNegative = left_out_at(0.0)
    weight_decay_until: Count | None = left_out_at(None)
    decoupled_weight_decay: bool = left_out_at(default=False)

    def step_shape(self, budget: int) -> Shape | None:
        """What becomes of the step size behind the warm-up of a run of at most so many steps; None where it stays."""
        return shape_of(self, budget, {name: getattr(self, name) for name in OF_SHAPE})

    def own_numbers(self) -> dict[str, float]:
        """What this optimiser has besides, by field; not its seed."""
        own = self.model_dump().keys() - {*PlainDescent.model_fields, "seed"}  # not what is left out at its default
        return {field: value for field, value in self if field in own and isinstance(value, int | float)}


OF_SHAPE: Final = ("warmup_steps", "schedule_steps", "schedule_factor")
"""What of a schedule may be swept."""


def shape_of(told: Descent | PlainDescent, budget: int, numbers: Mapping[str, Any]) -> Shape | None:
    """The shape of a schedule with these numbers for `OF_SHAPE`, of whose steps `budget` are allowed."""
    warmup, steps, factor = (numbers[name] for name in OF_SHAPE)
    match told.schedule:
        case ScheduleKind.CONSTANT:
            return None
        case ScheduleKind.PIECEWISE:
            changes, factors = told.schedule_at_steps, told.schedule_factors
            if told.schedule_at_fractions is not None:
                changes = tuple(math.ceil(part * budget) for part in told.schedule_at_fractions)
            if changes is None:
                changes = tuple(warmup + steps * (place + 1) for place in range(len(factors or ())))
            return Stages(changes=changes, factors=factors or tuple(factor ** (k + 1) for k in range(len(changes))))
        case ScheduleKind.EXPONENTIAL | ScheduleKind.COSINE:
            is_cosine = told.schedule is ScheduleKind.COSINE
            return Decline(start=warmup, steps=steps, end=factor, is_cosine=is_cosine)
        case ScheduleKind.DOUBLING:
            return doublings(warmup, steps, math.inf if factor is None else factor)


Whichever = TypeVar("Whichever", bound=Descent)


def _require_no_decay(optimizer: Whichever) -> Whichever:
    if optimizer.decays:
        raise ValueError(f"{optimizer.kind} has no weight decay: where it would rest, no penalised loss is least")
    return optimizer


def _require_moving(optimizer: Whichever, momentum: Any) -> Whichever:
    """The optimiser, unless the step size that comes of an effective one is 0."""
    if isinstance(sizes := optimizer.step_size, EffectiveStepSizes):
        least, most = min(sizes.numbers()), max(all_values(momentum))
        if not sizes.step_size(least, most):
            raise ValueError(f"the step size {least:g}·(1 − m)² at m = {most:.12g} is 0 in float64")
    return optimizer


_WANTED: Final[Mapping[ScheduleKind, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]] = MappingProxyType(
    {
        ScheduleKind.CONSTANT: (((), ()),),
        ScheduleKind.PIECEWISE: (
            *(
                ((place, factor),) * 2
                for place in ("schedule_at_steps", "schedule_at_fractions")
                for factor in ("schedule_factor", "schedule_factors")
            ),
            (("schedule_steps", "schedule_factors"),) * 2,
        ),
        **dict.fromkeys(
            (ScheduleKind.EXPONENTIAL, ScheduleKind.COSINE), ((("schedule_steps", "schedule_factor"),) * 2,)
        ),
        ScheduleKind.DOUBLING: ((("schedule_steps",), ("schedule_steps", "schedule_factor")),),
    }
)
"""Of each schedule the fields that it needs and those that it may have; several where there are ways."""


class GradientDescent(Descent):
    """Full-batch gradient descent; the step size grows linearly to η over `warmup_steps` (section 7)."""

    kind: Literal["gradient_descent"] = "gradient_descent"


class PlainGradientDescent(PlainDescent):
    """Gradient descent of one step size."""

    kind: Literal["gradient_descent"]


class StochasticGradientDescent(Descent):
    """Minibatch SGD, with momentum or without.

    `sampling` says which `batch_size` samples a step takes. `indices` has them itself, a list for each step with places
    of rows of X from 0 on; a place may repeat, and counts as often. Such a run, and one of `one_pass`, ends with its
    stream.
    """

    kind: Literal["sgd"]
    batch_size: SweptCount
    seed: SweptWhole = 0
    sampling: Annotated[Sampling, Field(strict=False)] = left_out_at(Sampling.WITHOUT_REPLACEMENT)
    indices: Indices | None = left_out_at(None)
    momentum: SweptFraction = left_out_at(0.0)

    @model_validator(mode="after")
    def _stream_fits(self) -> Self:
        if (self.indices is not None) is not (self.sampling is Sampling.INDICES):
            raise ValueError("indices are given with sampling indices, and only there")
        if self.indices is None:
            return self
        sizes = {len(row) for row in self.indices}
        if len(sizes) > 1 or sizes != set(all_values(self.batch_size)):
            raise ValueError(f"each step of indices has batch_size places: here {_listed(sizes)}")
        if self.seed != 0:
            raise ValueError("with indices nothing is drawn: leave seed out")
        return self

    @model_validator(mode="after")
    def _moves(self) -> Self:
        return _require_moving(self, self.momentum)

    @property
    def largest_batch(self) -> float:
        """The largest `batch_size`; what repeats in `indices` may be more than there are samples."""
        return 0 if self.indices is not None else max(all_values(self.batch_size))

    @property
    def largest_index(self) -> int:
        """That of `indices`."""
        return -1 if self.indices is None else max(max(row) for row in self.indices)

    @property
    def runs_out(self) -> bool:
        """Of `one_pass` and `indices`."""
        return self.sampling in {Sampling.ONE_PASS, Sampling.INDICES}

    def stream_steps(self, samples: float | None) -> int | None:
        """How many `indices` has, or minibatches of the largest size fit into the samples."""
        if self.indices is not None:
            return len(self.indices)
        is_known = self.sampling is Sampling.ONE_PASS and samples
        return int(samples // self.largest_batch) if samples and is_known else None


class PlainStochasticDescent(PlainDescent):
    """Minibatch SGD of one batch size and one momentum."""

    kind: Literal["sgd"]
    batch_size: Count
    seed: Whole
    sampling: Sampling = left_out_at(Sampling.WITHOUT_REPLACEMENT)
    indices: Indices | None = left_out_at(None)
    momentum: Fraction = left_out_at(0.0)


class LabelNoiseDescent(Descent):
    """Gradient descent with fresh noise on y at each of the first `noise_steps` steps, from step `noise_from` on.

    With `batch_size` each step is that of so many samples, drawn without replacement.
    """

    kind: Literal["label_noise"]
    noise_variance: SweptPositive
    noise_steps: SweptCount
    seed: SweptWhole = 0
    noise_from: SweptWhole = left_out_at(0)
    batch_size: SweptCount | None = left_out_at(None)

    @model_validator(mode="after")
    def _is_noisy(self) -> Self:
        if _meet(self.noise_from, self.noise_steps):
            require_noise(max(all_values(self.noise_from)), min(all_values(self.noise_steps)))
        return self

    @property
    def largest_batch(self) -> float:
        """The largest `batch_size`, 0 without one."""
        return 0 if self.batch_size is None else max(all_values(self.batch_size))


class PlainLabelNoiseDescent(PlainDescent):
    """Gradient descent, or minibatch SGD, under label noise of one variance."""

    kind: Literal["label_noise"]
    noise_variance: Positive
    noise_steps: Count
    seed: Whole
    noise_from: Whole = left_out_at(0)
    batch_size: Count | None = left_out_at(None)


class HeavyBall(Descent):
    """Heavy-ball momentum; a minimum is linearly stable iff ηλ < 2 + 2m."""

    kind: Literal["heavy_ball"]
    momentum: SweptFraction

    @model_validator(mode="after")
    def _moves(self) -> Self:
        return _require_moving(self, self.momentum)


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
            raise ValueError("effective step sizes η/(1−m)² are for heavy_ball and sgd")  # noqa: TRY004 - told as 422
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

    @model_validator(mode="after")
    def _keeps_its_weights(self) -> Self:
        return _require_no_decay(self)


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

    @model_validator(mode="after")
    def _keeps_its_weights(self) -> Self:
        return _require_no_decay(self)


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
