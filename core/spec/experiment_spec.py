"""The experiment spec: the one document a user writes. It says what to train, never how far the training has come."""

import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import pairwise, product
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, model_validator

from core.data.features import FeatureLaw
from core.data.true_predictor import SignLaw, SupportLaw
from core.identity import NUMERICS_VERSION, canonical_json, content_hash, rounded
from core.record_plan import SUPPORT_THRESHOLD, RecordPlan, Spacing, VectorQuantity, in_order
from core.spec.axes import axes_of, axis_of, linked
from core.spec.optimizers import (
    GradientDescent,
    LabelNoiseDescent,
    LargestConvergent,
    Optimizer,
    RelativeStepSizes,
    require_noise,
)
from core.spec.swept import (
    BELOW_ONE,
    MAX_VALUES,
    Document,
    InAnySpelling,
    Range,
    SweptCount,
    SweptDecay,
    SweptDepth,
    SweptEntries,
    SweptNonNegative,
    SweptPositive,
    SweptReal,
    SweptScale,
    SweptShape,
    SweptWhole,
    Vector,
    all_values,
    axis_values,
    left_out_at,
)

SCHEMA_VERSION: Final = 1

Bound = Callable[[Sequence[Any]], Any]

_RAISES_DECAY: Final[Mapping[str, Bound]] = MappingProxyType(
    {
        **dict.fromkeys(("step_size", "schedule_factor", "weight_decay", "weight_decay_until"), max),
        **dict.fromkeys(("warmup_steps", "schedule_steps", "momentum"), min),
    }
)
"""Which end of each number makes the largest η_tλ; of momentum that of a step size by what it comes to."""

MAX_RUNS: Final = 10**9
"""Most runs of one experiment, whatever a service allows: a larger product of axes is a slip."""

MOST_RECORDS: Final = 1000
"""Most steps that are recorded of a run."""

LEAST_COMPLETION_TOLERANCE: Final = 1e-12
"""What remains of a completed limit's error below this is rounding."""

LEAST_TOLERANCE: Final = 1e-24
"""Rounding leaves residuals of 1e-14 to 1e-12 of y, and the loss is their square: float64 gets no further down."""


def _no_truth(value: Any) -> Any:
    """True equals 1 in Python alone."""
    return str(value) if isinstance(value, bool) else value


def _printable(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("control characters, such as line breaks, are not allowed here")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
Label = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)]
Matrix = Annotated[tuple[Vector, ...], Field(min_length=1, strict=False, fail_fast=True)]


Links = Annotated[
    tuple[Annotated[tuple[Label, ...], Field(min_length=2, max_length=16, strict=False)], ...],
    Field(max_length=16, strict=False),
]


class Centring(StrEnum):
    """What is done to user data before training: is the data non-centred? is the paper's key question."""

    NONE = "none"
    CENTRE = "centre"
    STANDARDISE = "standardise"
    OFFSET = "offset"


class Transform(Document):
    """Transforms of user data, each naming what it touches; `offset` is what `"offset"` adds to every entry.

    Like any number of a spec it is rounded to 12 significant digits. What the held-out loss and a true predictor mean
    after a transform stands in `core.data.transforms`.
    """

    X: Annotated[Centring, Field(strict=False)] = Centring.NONE
    y: Annotated[Centring, Field(strict=False)] = Centring.NONE
    offset: Annotated[float, Field(ge=-1e100, le=1e100), AfterValidator(rounded)] = 0.0

    @model_validator(mode="after")
    def _does_what_it_says(self) -> Self:
        is_offset = Centring.OFFSET in {self.X, self.y}
        if is_offset and self.offset == 0:
            raise ValueError("nothing is added: give the number under offset, or use none in place of offset")
        if self.offset != 0 and not is_offset:
            raise ValueError("the offset is added to nothing: let X or y be offset, or leave the number out")
        return self


def _default(document: type[Document], field: str) -> Any:
    return document.model_fields[field].default


def _require_support(sparsity: float, dimension: float) -> None:
    if sparsity > dimension:
        raise ValueError(f"sparsity {sparsity:g} exceeds dimension {dimension:g}")


class SparseRegression(Document):
    """Sparse regression (section 7 of the paper).

    x ~ N(μ·1, σ²I) with `mean` μ and `variance` σ²; y ~ N(⟨β*, x⟩, `noise_variance`); β* has r* = `sparsity` entries
    1/√r*, the first ones. `features` is another law of independent x_i of the same mean and variance.

    Other means and covariances: E[x_i] = μ·m_i with `mean_profile` m, Cov(x_i, x_j) = σ²·√(v_i·v_j)·ρ^|i−j| with
    `correlation` ρ (Toeplitz) and v_i = i^(−a), a = `variance_decay` (a power law), times the entry of
    `variance_profile`. β* has its entries anywhere where `support` is random, fair signs where `signs` are, and the
    norm `true_norm`.
    """

    kind: Literal["sparse_regression"]
    samples: SweptCount = 50
    dimension: SweptCount = 100
    sparsity: SweptCount = 5
    mean: SweptReal = 5.0
    variance: SweptPositive = 5.0
    noise_variance: SweptNonNegative = 0.01
    seed: SweptWhole = 0
    features: Annotated[FeatureLaw, Field(strict=False)] = left_out_at(FeatureLaw.GAUSSIAN)
    mean_profile: Vector | None = left_out_at(None)
    variance_profile: Vector | None = left_out_at(None)
    variance_decay: SweptDecay = left_out_at(0.0)
    correlation: SweptShape = left_out_at(0.0)
    support: Annotated[SupportLaw, Field(strict=False)] = left_out_at(SupportLaw.FIRST)
    signs: Annotated[SignLaw, Field(strict=False)] = left_out_at(SignLaw.POSITIVE)
    true_norm: SweptPositive = left_out_at(1.0)

    @model_validator(mode="after")
    def _support_fits(self) -> Self:
        if axis_values(self.sparsity) is None or axis_values(self.dimension) is None:
            _require_support(max(all_values(self.sparsity)), min(all_values(self.dimension)))
        return self  # which values of two axes meet is known where their links are

    @model_validator(mode="after")
    def _profiles_fit(self) -> Self:
        for scale in ("mean", "variance"):
            profile = getattr(self, f"{scale}_profile")
            if profile is None:
                continue
            if scale not in self.model_fields_set:
                raise ValueError(f"{scale}_profile multiplies {scale}: give {scale}, 1 for the profile alone")
            if set(all_values(self.dimension)) != {len(profile)}:
                features = " or ".join(f"{dimension:g}" for dimension in all_values(self.dimension)[:2])
                raise ValueError(f"{scale}_profile has {len(profile)} entries and there are {features} features")
        if self.variance_profile is not None and min(self.variance_profile) < 0:
            raise ValueError("an entry of variance_profile is negative")
        return self

    @property
    def is_of_the_paper(self) -> bool:
        """Whether features are independent, of one mean and one variance, and β* has equal positive entries of norm 1.

        The concentration of section 5 is about these, whatever the support is and the law of each feature.
        """
        own = ("mean_profile", "variance_profile", "variance_decay", "correlation", "signs", "true_norm")
        return all(getattr(self, field) == _default(SparseRegression, field) for field in own)


class InlineData(Document):
    """User data given in the spec itself: X has one row per sample."""

    kind: Literal["inline"]
    X: Matrix
    y: Vector
    true_predictor: Vector | None = None
    held_out_X: Matrix | None = None
    held_out_y: Vector | None = None
    transform: Transform = Field(default_factory=Transform)

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        width = len(self.X[0])
        if any(len(row) != width for row in self.X):
            raise ValueError("the rows of X differ in length")
        if len(self.y) != len(self.X):
            raise ValueError(f"X has {len(self.X)} rows, y has {len(self.y)} entries")
        if self.true_predictor is not None and len(self.true_predictor) != width:
            raise ValueError(f"X has {width} columns, true_predictor has {len(self.true_predictor)} entries")
        if (self.held_out_X is None) != (self.held_out_y is None):
            raise ValueError("held_out_X and held_out_y come together")
        if self.held_out_X is not None and self.held_out_y is not None:
            if any(len(row) != width for row in self.held_out_X):
                raise ValueError(f"every row of held_out_X needs {width} entries, as X has")
            if len(self.held_out_y) != len(self.held_out_X):
                raise ValueError("held_out_X and held_out_y differ in length")
        return self


class UploadedData(Document):
    """User data uploaded before, named by the hash of its content (see `core.data.user_arrays`)."""

    kind: Literal["dataset"]
    id: Label
    transform: Transform = Field(default_factory=Transform)


class DiagonalModel(Document):
    """β = u₊^D − u₋^D (eq. 12 of the paper; eq. 4 at D = 2)."""

    kind: Literal["diagonal"] = "diagonal"
    depth: SweptDepth = 2


class UVModel(Document):
    """β = u₊∘v₊ − u₋∘v₋ (eq. 34), with the shape s of its initialisation (Azulay et al. 2021)."""

    kind: Literal["uv"]
    shape: SweptShape = 0.0


class ProductModel(Document):
    """β = u∘v from u = a·1, v = 0, in the units of the literature on it: step size γ, scale a, sharpness in (u, v).

    It is the squared model β = u₊² − u₋² with u± = (u ± v)/2, step size γ/2 and scale a/2, at every step; minibatches
    and label noise are each run's own, and so not those of that model. u and v are called `u_plus` and `v_plus`, beside
    `u_minus` = `v_minus` = 0. Of a coordinate that has grown they hold u − v to 1e-16 of u + v alone, so that it does
    not remember smaller scales; there take the squared model.
    """

    kind: Literal["uv_product"]


class UniformInitialization(Document):
    """u₊ = u₋ = α·1."""

    kind: Literal["uniform"] = "uniform"
    scale: SweptScale


class NormalInitialization(Document):
    """u₊ = u₋ = α·z with z ~ N(0, I); `independent` draws one z for each sign (appendix E)."""

    kind: Literal["normal"]
    scale: SweptScale
    independent: bool = False
    seed: SweptWhole = 0


class VectorInitialization(Document):
    """u₊ = u₋ = α·shape for a given vector."""

    kind: Literal["vector"]
    scale: SweptScale
    vector: Vector


class ParametersInitialization(Document):
    """θ = α·(the parts that are given): each a number for all coordinates or a vector, signs kept.

    So u₊ ≠ u₋, layers of different scales, or any θ at all. A diagonal network starts from `u_plus` and `u_minus`, UV
    from all four, `uv_product` from `u_plus` and `v_plus`. Where a coordinate of u₊ or u₋ is 0 it stays 0 (in UV where
    |u| = |v|): no potential is left there, so that there is neither certificate nor flow limit.
    """

    kind: Literal["parameters"]
    scale: SweptScale = 1.0
    u_plus: SweptEntries
    u_minus: SweptEntries | None = None
    v_plus: SweptEntries | None = None
    v_minus: SweptEntries | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The parts that are given."""
        return tuple(part for part in PARTS if getattr(self, part) is not None)


PARTS: Final = ("u_plus", "u_minus", "v_plus", "v_minus")

PARTS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"diagonal": PARTS[:2], "uv": PARTS, "uv_product": PARTS[::2]}
)
"""The parts of each model that a start chooses."""


class Release(StrEnum):
    """What leads a warming run away from an interpolator that has become unstable: rounding, or exact arithmetic."""

    FLOAT64 = "float64"
    EXACT = "exact"


class Finish(StrEnum):
    """How a run may end: `iterate` insists on iterating to the loss tolerance, `auto` completes where that is safe.

    `proven` completes where a bound proves the limit.
    """

    AUTO = "auto"
    PROVEN = "proven"
    ITERATE = "iterate"


class Stopping(Document):
    """When a run stops. `loss_tolerance` is relative to ½Ê[y²], the loss of β = 0, or where y = 0 to that of the start.

    A run that is not told to iterate goes on from there to be completed, at most to a loss 1e-10 times that or to twice
    the steps. Where nothing interpolates it is the part that is left of what the least squares save.

    `finish`: with `auto` a run also ends once its limit is known without going there, the error of β being at most
    `completion_tolerance`·‖β‖₂ by an estimate, or by a proven bound; with `proven` only by such a bound, which takes
    more steps, and which D ≥ 3, momentum and minibatches may never have; with `iterate` it does not.

    `perturb`: a run that has interpolated where gradient descent at η is unstable is pushed off by a relative 1e-9 and
    goes on; without it such a run ends as `unstable_interpolator`.

    `release`: a run may interpolate while its step size still grows, where descent becomes unstable only later. With
    `float64` it leaves when its rounding has grown, as in any code; with `exact` it is held there, and perturbed at the
    step at which exact arithmetic would let it go, which may be after the warm-up. That takes `perturb`, and gradient
    descent: what lets a run go is not known of other optimisers.

    `steps`: a run takes exactly so many, unless it diverges, as in the codes of most papers. It is judged there alone:
    its loss may be within the tolerance, and if not it has `stopped`. It is neither completed nor perturbed, and ends
    in no other way: `max_steps`, `finish`, `perturb`, `release` and `completion_tolerance` are not given beside it.
    """

    loss_tolerance: Annotated[float, Field(ge=LEAST_TOLERANCE, le=BELOW_ONE)] = 1e-10
    completion_tolerance: Annotated[float, Field(ge=LEAST_COMPLETION_TOLERANCE, le=1e-2)] = 1e-7
    max_steps: Annotated[int, Field(ge=1, le=10_000_000_000), InAnySpelling] = 20_000_000
    finish: Annotated[Finish, Field(strict=False)] = Finish.AUTO
    perturb: bool = Field(default=True, validation_alias=AliasChoices("perturb", "kick"), serialization_alias="kick")
    """Under its former name, which is accepted for one version, it is in the hash of every run that is stored."""

    release: Annotated[Release, Field(strict=False)] = Release.FLOAT64
    steps: Annotated[int, Field(ge=1, le=10_000_000_000), InAnySpelling] | None = left_out_at(None)

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        idle = ("completion_tolerance", "max_steps", "finish", "perturb", "release")
        if self.steps is not None and any(getattr(self, name) != _default(type(self), name) for name in idle):
            raise ValueError(f"with steps a run ends there and nowhere else: leave out {', '.join(idle)}")
        return self

    @model_validator(mode="after")
    def _held_runs_leave(self) -> Self:
        if self.release is Release.EXACT and not self.perturb:
            raise ValueError("release exact perturbs the runs that it holds: leave perturb on")
        return self

    @property
    def budget(self) -> int:
        """The most steps of a run, or all that it takes."""
        return self.max_steps if self.steps is None else self.steps

    @property
    def completes(self) -> bool:
        """Whether a run may end by completion."""
        return self.steps is None and self.finish is not Finish.ITERATE

    @property
    def wants_proof(self) -> bool:
        """Whether a run is completed only where the error of its limit is proven."""
        return self.finish is Finish.PROVEN

    @property
    def perturbs(self) -> bool:
        """Whether a run is pushed off unstable interpolators."""
        return self.steps is None and self.perturb

    @property
    def holds(self) -> bool:
        """Whether a warming run that interpolates is held until exact arithmetic would let it go."""
        return self.release is Release.EXACT


def _ascending(steps: tuple[int, ...]) -> tuple[int, ...]:
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise ValueError("the recorded steps must grow from one to the next")
    return steps


RecordedSteps = Annotated[
    tuple[Annotated[int, Field(ge=0, le=10_000_000_000), InAnySpelling], ...],
    Field(min_length=1, max_length=MOST_RECORDS, strict=False),
    AfterValidator(_ascending),
]


class Recording(Document):
    """What is kept of a trajectory: at most `points` steps, log-spaced from 0 to `max_steps`, and the run's end.

    With `stopping.steps` it is these that they are spaced over. A run that ends early has those of the steps that it
    came to. One point is the end alone; 0 keeps nothing. `spacing` linear has them evenly spaced instead, and
    `at_steps` gives them one by one, in place of `points` and `spacing`.

    `vectors` are recorded coordinate by coordinate: `predictor` is β, `support` where |β_i| > `support_threshold`,
    `time_average` β̄ = Σ_s η_sβ_s/Σ_s η_s over all steps taken, and `balance` what gradient flow conserves of the
    layers. Where both β and β̄ are recorded, the plateaus of the loss are found and described.

    `sensitivity`: a twin of a run starts a relative 1e-15 beside it, takes its sums in the opposite order and is
    perturbed otherwise; where it ends, or comes to rest beside the run, and how, is reported. With `auto` those runs
    have one whose end rounding may have decided: all whose `path` is not smooth, as none of another optimiser than
    gradient descent is. With true all have one.
    """

    points: Annotated[int, Field(ge=0, le=MOST_RECORDS), InAnySpelling] = 100
    sensitivity: bool | Literal["auto"] = "auto"
    spacing: Annotated[Spacing, Field(strict=False)] = left_out_at(Spacing.LOG)
    at_steps: RecordedSteps | None = left_out_at(None)
    vectors: Annotated[
        tuple[Annotated[VectorQuantity, Field(strict=False)], ...],
        Field(max_length=len(VectorQuantity), strict=False),
        AfterValidator(in_order),
    ] = left_out_at(())
    support_threshold: Annotated[float, Field(ge=0, le=1e100), AfterValidator(rounded)] = left_out_at(SUPPORT_THRESHOLD)

    @model_validator(mode="after")
    def _one_choice_of_steps(self) -> Self:
        idle = [name for name in ("points", "spacing") if getattr(self, name) != _default(Recording, name)]
        if self.at_steps is not None and idle:
            raise ValueError(f"with at_steps these are recorded and no others: leave out {' and '.join(idle)}")
        return self

    @model_validator(mode="after")
    def _vectors_have_records(self) -> Self:
        if self.vectors and not self.points:
            raise ValueError("vectors are recorded with the other records, and there are none: give points or at_steps")
        if self.support_threshold != SUPPORT_THRESHOLD and not self.vectors:
            raise ValueError("support_threshold decides nothing where no vectors are recorded: leave it out")
        return self

    @property
    def records(self) -> int:
        """How many steps are recorded at most, the run's end aside."""
        return self.points if self.at_steps is None else len(self.at_steps)

    @property
    def plan(self) -> RecordPlan:
        """At which steps records are made, and of what."""
        return RecordPlan(
            spacing=self.spacing, at=self.at_steps or (), vectors=self.vectors, support_threshold=self.support_threshold
        )


Data = Annotated[SparseRegression | InlineData | UploadedData, Field(discriminator="kind")]
Model = Annotated[DiagonalModel | UVModel | ProductModel, Field(discriminator="kind")]
Initialization = Annotated[
    UniformInitialization | NormalInitialization | VectorInitialization | ParametersInitialization,
    Field(discriminator="kind"),
]


class ExperimentSpec(Document):
    """One experiment: a grid of runs, the product of every swept number in a fixed order (see `core.sweep.grid`).

    `zip` links axes, by their names in results: those of a group have as many values each, and are swept together,
    position by position, as one axis that has the name of the first.
    """

    schema_version: Annotated[Literal[1], BeforeValidator(_no_truth)] = SCHEMA_VERSION
    name: Name = ""
    tags: Annotated[tuple[Label, ...], Field(max_length=20, strict=False)] = ()
    data: Data
    model: Model = Field(default_factory=DiagonalModel)
    initialization: Initialization
    optimizer: Optimizer
    stopping: Stopping = Field(default_factory=Stopping)
    recording: Recording = Field(default_factory=Recording)
    zip: Links = left_out_at(())

    @model_validator(mode="after")
    def _countable(self) -> Self:
        parts = {name: getattr(self, name) for name in ("data", "model", "initialization", "optimizer")}
        if self.zip:
            axes = linked([axis for name, part in parts.items() for axis in axes_of(name, part)], self.zip)
            runs = math.prod(len(axis.values) for axis in axes)
        else:  # without spelling them out, which takes a while where they are long
            runs = math.prod(
                _axis_length(getattr(part, field)) for part in parts.values() for field in type(part).model_fields
            )
        if runs > MAX_RUNS:
            raise ValueError(f"the grid has {runs} runs; an experiment has at most {MAX_RUNS}")
        return self

    @model_validator(mode="after")
    def _searches_converge(self) -> Self:
        if self.stopping.steps is not None and isinstance(self.optimizer.step_size, LargestConvergent):
            raise ValueError("largest_convergent looks for runs that converge; with steps they only stop")
        if self.optimizer.decays_for_ever and isinstance(self.optimizer.step_size, LargestConvergent):
            raise ValueError("largest_convergent looks for runs that converge to an interpolator: end the weight_decay")
        return self

    @model_validator(mode="after")
    def _schedules_end(self) -> Self:
        if self.optimizer.comes_to_rest and self.stopping.steps is None:
            raise ValueError("a step size that ends at 0 shows nothing of where a run tends to: give stopping.steps")
        return self

    @model_validator(mode="after")
    def _streams_last(self) -> Self:
        if not self.optimizer.runs_out:
            return self
        steps, samples = self.stopping.steps, _extent(self.data)[0]
        known = self.optimizer.stream_steps(min(samples) if samples else None)
        is_search = isinstance(self.optimizer.step_size, LargestConvergent)
        if is_search:
            raise ValueError("largest_convergent looks for runs that converge; a stream of samples only ends")
        if steps is None and self.optimizer.schedule_at_fractions is not None:
            raise ValueError("schedule_at_fractions of a stream of samples are parts of stopping.steps: give them")
        if steps is not None and known is not None and steps > known:
            raise ValueError(f"stopping has {steps} steps, and the stream of samples ends after {known}")
        return self

    @model_validator(mode="after")
    def _records_are_reached(self) -> Self:
        steps, budget = self.recording.at_steps, self.stopping.budget
        if steps is not None and steps[-1] > budget:
            raise ValueError(f"recording.at_steps go to {steps[-1]}, and no run takes more than {budget} steps")
        return self

    @model_validator(mode="after")
    def _held_runs_descend(self) -> Self:
        if self.stopping.holds and not isinstance(self.optimizer, GradientDescent):
            raise ValueError(f"release exact is for gradient_descent alone: leave it out for {self.optimizer.kind}")
        if self.stopping.holds and (self.optimizer.is_scheduled or self.optimizer.decays):
            raise ValueError("release exact is for gradient_descent alone: leave out schedule and weight_decay")
        return self

    @model_validator(mode="after")
    def _supports_fit(self) -> Self:
        if isinstance(self.data, SparseRegression):
            for met in self.worst_of("data", {"sparsity": max, "dimension": min}):
                _require_support(met["sparsity"], met["dimension"])
        return self

    @model_validator(mode="after")
    def _numbers_of_the_optimizer_fit(self) -> Self:
        if self.optimizer.decays and self.optimizer.has_known_step_sizes:
            self._require_little_decay()
        if isinstance(self.optimizer, LabelNoiseDescent):
            for met in self.worst_of("optimizer", {"noise_from": max, "noise_steps": min}):
                require_noise(met["noise_from"], met["noise_steps"])
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        samples, columns = _extent(self.data)
        if samples and self.optimizer.largest_batch > min(samples):
            raise ValueError(f"batch_size {self.optimizer.largest_batch:g} exceeds the {min(samples):g} samples")
        if samples and self.optimizer.largest_index >= min(samples):
            raise ValueError(f"indices has sample {self.optimizer.largest_index}; the last is {min(samples) - 1:g}")
        for name, entries in vectors_of(self.initialization).items():
            if columns and set(columns) != {entries}:
                raise ValueError(f"the initial {name} has {entries} entries, the data have {columns[0]:g} columns")
        return self

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        if not isinstance(start := self.initialization, ParametersInitialization):
            if isinstance(self.model, ProductModel) and getattr(start, "independent", False):
                raise ValueError("independent is a draw for u₋, and uv_product has none: leave it out")
            return self
        wanted = PARTS_OF[self.model.kind]
        if start.given != wanted:
            raise ValueError(f"{self.model.kind} starts from {', '.join(wanted)}: give just these parts")
        if isinstance(self.model, UVModel) and self.model.shape != 0:
            raise ValueError("the shape of a uv start is that of its layers, which are given: leave shape out")
        return self

    def extremes_of(self, part: str, *fields: str) -> Iterator[tuple[float, ...]]:
        """Values of these numbers of a part as runs have them: their extremes, all positions of those that are linked.

        What is monotone in every number holds of all runs if it does of these.
        """
        for met in self._meetings(part, dict.fromkeys(fields, (min, max)), self.zip):
            yield tuple(met[field] for field in fields)

    def worst_of(self, part: str, worst: Mapping[str, Bound]) -> Iterator[dict[str, Any]]:
        """Likewise, by the field, where it is known which end of each number is the worst."""
        return self._meetings(part, {field: (bound,) for field, bound in worst.items()}, self.zip)

    def _require_little_decay(self) -> None:
        """Return if η_tλ < 1 in all runs: where the worst of every number would do together, and else one by one."""
        worst = {field: (bound,) for field, bound in _RAISES_DECAY.items()}
        with suppress(ValueError):
            for met in self._meetings("optimizer", worst, ()):
                self.optimizer.require_little_decay(self.stopping.budget, met)
            return
        for place, met in enumerate(self.worst_of("optimizer", _RAISES_DECAY)):
            if place == MAX_VALUES:
                raise ValueError(
                    f"whether step_size × weight_decay stays below 1 would have to be looked up at more than {place} "
                    "places of linked axes: lower either until their largest values do together, or sweep fewer"
                )
            self.optimizer.require_little_decay(self.stopping.budget, met)

    def _meetings(
        self, part: str, bounds: Mapping[str, Sequence[Bound]], links: Sequence[Sequence[str]]
    ) -> Iterator[dict[str, Any]]:
        document = getattr(self, part)
        axes = {field: axis_of(part, document, field) for field in bounds if hasattr(document, field)}
        clusters: dict[object, list[str]] = {}
        for field, axis in axes.items():
            group = next((group for group in links if axis is not None and axis.name in group), field)
            clusters.setdefault(group, []).append(field)
        values = {field: [getattr(document, field)] if axis is None else axis.values for field, axis in axes.items()}
        together = [
            list(zip(*(values[field] for field in cluster), strict=True))
            if len(cluster) > 1
            else [(bound(values[cluster[0]]),) for bound in bounds[cluster[0]]]
            for cluster in clusters.values()
        ]
        order = [field for cluster in clusters.values() for field in cluster]
        for parts in product(*together):
            yield dict(zip(order, (number for part in parts for number in part), strict=True))

    def science(self) -> dict[str, Any]:
        """What is computed, as a document: defaults filled in, ranges spelled out as values, name and tags outside.

        Numbers are rounded to 12 significant digits, so that 0.1 + 0.2 and 0.3 are one; user data stay as they are.
        """
        parts = {
            part: _spelled_out(getattr(self, part))
            for part in ("data", "model", "initialization", "optimizer", "stopping", "recording")
        }
        return parts | ({"zip": [list(group) for group in self.zip]} if self.zip else {})

    def canonical(self) -> bytes:
        """The canonical JSON of the whole document, as it is stored."""
        return canonical_json(self.model_dump(mode="json"))

    def content_hash(self) -> str:
        """Identity of the experiment's content: equal for documents that ask for the same grid.

        A new numerics version gives new numbers, so there the same document asks for another experiment.
        """
        return content_hash(self.science() | {"numerics": NUMERICS_VERSION})


def vectors_of(start: Initialization) -> dict[str, int]:
    """The vectors that a start is given by, and how many entries each has."""
    return {name: len(value) for name, value in start if isinstance(value, tuple)}


def _by_kind(union: Any) -> Mapping[str, type[Document]]:
    return MappingProxyType({get_args(part.model_fields["kind"].annotation)[0]: part for part in get_args(union)})


KINDS: Final[Mapping[str, Mapping[str, type[Document]]]] = MappingProxyType(
    {name: _by_kind(field.annotation) for name, field in ExperimentSpec.model_fields.items() if field.discriminator}
)
"""The parts of a spec that come in kinds, and the document of each kind."""


def _extent(data: SparseRegression | InlineData | UploadedData) -> tuple[list[float], list[float]]:
    """The numbers of samples and of columns that the data take; empty where the spec does not say."""
    if isinstance(data, SparseRegression):
        return all_values(data.samples), all_values(data.dimension)
    if isinstance(data, InlineData):
        return [len(data.X)], [len(data.X[0])]
    return [], []


def _axis_length(value: Any) -> int:
    """How many values a field of the spec stands for: 1 where it is not swept."""
    if isinstance(value, RelativeStepSizes):
        return len(value.numbers())
    return value.num if isinstance(value, Range) else len(axis_values(value) or [value])


def _spelled_out(part: Document) -> dict[str, Any]:
    """The part as JSON with every number in its one spelling, under the names that are hashed."""
    named = {field: info.serialization_alias or field for field, info in type(part).model_fields.items()}
    dumped = part.model_dump(mode="json")
    return {named[field]: _spelling(value, getattr(part, field)) for field, value in dumped.items()}


def _spelling(dumped: Any, value: Any) -> Any:
    if isinstance(value, RelativeStepSizes | LargestConvergent):
        return value.in_one_spelling().model_dump(mode="json")
    if (values := axis_values(value)) is not None:
        return {"values": values}
    return rounded(dumped) if isinstance(dumped, float) else dumped
