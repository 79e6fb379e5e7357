"""The spec of one run: the parts of an experiment's, with a plain number wherever those may have a sweep."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from core.identity import rounded
from core.spec.experiment_spec import (
    Data,
    DiagonalModel,
    Initialization,
    InlineData,
    Model,
    NormalInitialization,
    ParametersInitialization,
    ProductModel,
    Recording,
    SparseRegression,
    Stopping,
    UniformInitialization,
    UploadedData,
    UVModel,
    VectorInitialization,
)
from core.spec.optimizers import (
    EffectiveStepSizes,
    LargestConvergent,
    Optimizer,
    PlainOptimizer,
    RelativeStepSizes,
)
from core.spec.swept import (
    Count,
    Decay,
    Depth,
    Document,
    NonNegative,
    Positive,
    Real,
    Scale,
    Shape,
    Vector,
    Whole,
    left_out_at,
)


class PlainSparseRegression(SparseRegression):
    """One data set of sparse regression."""

    samples: Count
    dimension: Count
    sparsity: Count
    mean: float
    variance: Positive
    noise_variance: NonNegative
    seed: Whole
    variance_decay: Decay = left_out_at(0.0)
    correlation: Shape = left_out_at(0.0)
    true_norm: Positive = left_out_at(1.0)


class PlainDiagonal(DiagonalModel):
    """The diagonal network of one depth."""

    depth: Depth


class PlainUV(UVModel):
    """The UV network of one initial shape."""

    shape: Shape


class PlainUniform(UniformInitialization):
    """The uniform start of one scale."""

    scale: Scale


class PlainNormal(NormalInitialization):
    """One random start."""

    scale: Scale
    seed: Whole


class PlainVector(VectorInitialization):
    """A given start of one scale."""

    scale: Scale


class PlainParameters(ParametersInitialization):
    """Given parameters of one scale."""

    scale: Scale
    u_plus: Real | Vector
    u_minus: Real | Vector | None
    v_plus: Real | Vector | None
    v_minus: Real | Vector | None


class PlainProduct(ProductModel):
    """The product of two vectors."""


PlainData = PlainSparseRegression | InlineData | UploadedData
PlainModel = PlainDiagonal | PlainUV | PlainProduct
PlainInitialization = PlainUniform | PlainNormal | PlainVector | PlainParameters


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSpec:
    """One point of a grid: all of an experiment's spec but name and tags, in plain numbers."""

    data: PlainData
    model: PlainModel
    initialization: PlainInitialization
    optimizer: PlainOptimizer
    stopping: Stopping
    recording: Recording

    def document(self) -> dict[str, Any]:
        """The run's spec as JSON; what of it is hashed says `core.sweep.grid`."""
        return {field.name: getattr(self, field.name).model_dump(mode="json", by_alias=True) for field in fields(self)}


_MODEL: Final[TypeAdapter[PlainModel]] = TypeAdapter(Annotated[PlainModel, Field(discriminator="kind")])
_INITIALIZATION: Final[TypeAdapter[PlainInitialization]] = TypeAdapter(
    Annotated[PlainInitialization, Field(discriminator="kind")]
)
_OPTIMIZER: Final[TypeAdapter[PlainOptimizer]] = TypeAdapter(Annotated[PlainOptimizer, Field(discriminator="kind")])


def data_at(data: Data, values: Mapping[str, float]) -> PlainData:
    """The data with these values in place of what is swept, by field; user data sweep nothing."""
    if isinstance(data, SparseRegression):
        return PlainSparseRegression.model_validate(_numbers(data, values))
    return data


def model_at(model: Model, values: Mapping[str, float]) -> PlainModel:
    """The model with these values in place of what is swept, by field."""
    return _MODEL.validate_python(_numbers(model, values))


def initialization_at(initialization: Initialization, values: Mapping[str, float]) -> PlainInitialization:
    """The initialisation with these values in place of what is swept, by field."""
    return _INITIALIZATION.validate_python(_numbers(initialization, values))


def optimizer_at(optimizer: Optimizer, values: Mapping[str, float]) -> PlainOptimizer:
    """The optimiser with these values in place of what is swept, by field."""
    numbers = _numbers(optimizer, values)
    if isinstance(optimizer.step_size, EffectiveStepSizes):
        numbers["step_size"] = optimizer.step_size.step_size(values["step_size"], numbers["momentum"])
    elif isinstance(optimizer.step_size, RelativeStepSizes):
        numbers["step_size"] = optimizer.step_size.at(values["step_size"])
    return _OPTIMIZER.validate_python(numbers)


def in_one_spelling(stopping: Stopping) -> Stopping:
    """The same rules, their numbers rounded to 12 significant digits."""
    return Stopping.model_validate(_numbers(stopping, {}))


def _numbers(part: Document, values: Mapping[str, float]) -> dict[str, Any]:
    """The fields of a part, each number in its one spelling."""
    return {field: values[field] if field in values else _number(value) for field, value in part}


def _number(value: Any) -> Any:
    if isinstance(value, LargestConvergent):
        return value.in_one_spelling()
    return rounded(value) if isinstance(value, float) else value
