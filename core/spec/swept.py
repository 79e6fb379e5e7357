"""A number of the experiment spec that may be swept: a plain number, a list of values, or a range."""

import math
from enum import StrEnum
from typing import Annotated, Any, Final, Generic, Self, TypeVar, get_args

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.fields import FieldInfo
from typing_extensions import override  # in typing itself from Python 3.12 on

from core.identity import is_integral, rounded

Number = TypeVar("Number", int, float)

MAX_VALUES = 100_000
"""Most values of one axis. More is a slip of the keyboard; the product of the axes has its own limit."""

MAX_WHOLE: Final = 10**12 - 1
"""The largest whole number: up to it, 12 significant digits tell all of them apart, in any language's numbers."""

MAX_DEPTH: Final = 64
"""Deeper than this, u^D leaves the range of float64 for any u that is not close to 1."""

BELOW_ONE: Final = 1 - 1e-12
"""The largest number below 1 that rounding to 12 significant digits does not make 1."""

NUMBER_TAG, VALUES_TAG, RANGE_TAG, VECTOR_TAG = "a number", "a list of values", "a range", "a vector"


def _require_kind(schema: dict[str, Any]) -> None:
    """In JSON a part says its kind, also the one that Python's constructor takes by itself."""
    if "kind" in schema.get("properties", {}):
        schema["properties"]["kind"].pop("default", None)
        schema["required"] = ["kind", *(name for name in schema.get("required", ()) if name != "kind")]


class Document(BaseModel):
    """A frozen part of a JSON document; unknown fields, NaN, infinities and numbers in quotes are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra=_require_kind
    )


def _whole(value: Any) -> Any:
    """A number with an integral value is a whole number, however it is written (JSON Schema, 6.1.1): 1e+05, 2.0."""
    return int(value) if isinstance(value, float) and is_integral(value) else value


InAnySpelling: Final = BeforeValidator(_whole)
"""Behind the limits of a whole number."""


class Spacing(StrEnum):
    """How the values of a range are spaced."""

    LINEAR = "linear"
    LOG = "log"


class _OfNumbers(Document):
    """What is there for each kind of number; its schema is called by the title of the kind."""

    @classmethod
    @override
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        titles = (each.title for each in get_args(params[0]) if isinstance(each, FieldInfo) and each.title)
        return next(titles, "Real") + cls.__name__


class Values(_OfNumbers, Generic[Number]):
    """The values of one axis, in the order given.

    Raises:
        ValueError: two values are equal (to 12 significant digits): their runs could not be told apart.
    """

    values: Annotated[
        tuple[Number, ...],
        Field(
            min_length=1,
            max_length=MAX_VALUES,
            strict=False,
            fail_fast=True,
            json_schema_extra={"uniqueItems": True},
        ),
    ]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({rounded(value) for value in self.values}) < len(self.values):
            raise ValueError("values repeat (to 12 significant digits)")
        return self


class Range(_OfNumbers, Generic[Number]):
    """`num` values from `start` to `stop`, both included, spaced linearly or by a constant factor."""

    start: Number
    stop: Number
    num: Annotated[int, Field(ge=1, le=MAX_VALUES), InAnySpelling]
    spacing: Annotated[Spacing, Field(strict=False)] = Spacing.LINEAR

    @model_validator(mode="after")
    def _spaceable(self) -> Self:
        if self.num > 1 and self.start == self.stop:
            raise ValueError("start and stop are equal, so num must be 1")
        if self.num == 1 and self.start != self.stop:
            raise ValueError("num is 1, so start and stop must be equal")
        if self.spacing is Spacing.LOG and min(self.start, self.stop) <= 0:
            raise ValueError("a log-spaced range needs start > 0 and stop > 0")
        if not math.isfinite(self.stop - self.start):
            raise ValueError("start and stop are too far apart")
        points = self.points()
        if len(set(points)) < self.num:
            raise ValueError("values repeat (to 12 significant digits)")
        whole = type(self.start) is int
        if whole and not all(is_integral(point) for point in points):
            raise ValueError("this range meets numbers that are not whole; give the values instead")
        return self

    def points(self) -> list[float]:
        """The values, rounded to 12 significant digits."""
        space = np.geomspace if self.spacing is Spacing.LOG else np.linspace
        values = space(self.start, self.stop, self.num)
        # Whole numbers of up to 12 digits are rounded already; to round a hundred thousand takes a while.
        is_rounded = np.all((values == np.rint(values)) & (values > 0) & (values <= MAX_WHOLE))
        points: list[float] = values.tolist()
        return points if is_rounded else [rounded(point) for point in points]


def form(value: Any) -> str:
    """Which of the three forms a JSON value is meant as, so that an error speaks of that form alone."""
    fields: Any = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if "values" in fields:
        return VALUES_TAG
    return RANGE_TAG if isinstance(value, dict | Range) else NUMBER_TAG


def _form_or_vector(value: Any) -> str:
    """Likewise where a vector may be meant, too."""
    return VECTOR_TAG if isinstance(value, list | tuple) else form(value)


def _without_negative_zeros(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """-0.0 is the number 0.0 in another spelling, and would be another key."""
    return tuple(number + 0.0 for number in numbers)


Vector = Annotated[
    tuple[float, ...], Field(min_length=1, strict=False, fail_fast=True), AfterValidator(_without_negative_zeros)
]

# Pydantic does not carry a type variable's constraints through an alias of a union: each kind of number is spelled out.
# The titles are what JSON Schema calls them, and the schemas of their axes by.
Count = Annotated[int, Field(ge=1, le=MAX_WHOLE, title="Count"), InAnySpelling]
Whole = Annotated[int, Field(ge=0, le=MAX_WHOLE, title="Whole"), InAnySpelling]
Depth = Annotated[int, Field(ge=2, le=MAX_DEPTH, title="Depth"), InAnySpelling]
Real = Annotated[float, Field(title="Real")]
Positive = Annotated[float, Field(gt=0, title="Positive")]
NonNegative = Annotated[float, Field(ge=0, title="NonNegative")]
Scale = Annotated[float, Field(ge=1e-100, le=1e100, title="Scale")]
Fraction = Annotated[float, Field(ge=0, le=BELOW_ONE, title="Fraction")]
Decay = Annotated[float, Field(ge=0, le=16, title="Decay")]
Shape = Annotated[float, Field(ge=-BELOW_ONE, le=BELOW_ONE, title="Shape")]

_N, _V, _R = Tag(NUMBER_TAG), Tag(VALUES_TAG), Tag(RANGE_TAG)
_BY_FORM = Discriminator(form)
SweptCount = Annotated[Annotated[Count, _N] | Annotated[Values[Count], _V] | Annotated[Range[Count], _R], _BY_FORM]
SweptWhole = Annotated[Annotated[Whole, _N] | Annotated[Values[Whole], _V] | Annotated[Range[Whole], _R], _BY_FORM]
SweptDepth = Annotated[Annotated[Depth, _N] | Annotated[Values[Depth], _V] | Annotated[Range[Depth], _R], _BY_FORM]
SweptReal = Annotated[Annotated[Real, _N] | Annotated[Values[Real], _V] | Annotated[Range[Real], _R], _BY_FORM]
SweptPositive = Annotated[
    Annotated[Positive, _N] | Annotated[Values[Positive], _V] | Annotated[Range[Positive], _R], _BY_FORM
]
SweptScale = Annotated[Annotated[Scale, _N] | Annotated[Values[Scale], _V] | Annotated[Range[Scale], _R], _BY_FORM]
SweptNonNegative = Annotated[
    Annotated[NonNegative, _N] | Annotated[Values[NonNegative], _V] | Annotated[Range[NonNegative], _R], _BY_FORM
]
SweptFraction = Annotated[
    Annotated[Fraction, _N] | Annotated[Values[Fraction], _V] | Annotated[Range[Fraction], _R], _BY_FORM
]
SweptDecay = Annotated[Annotated[Decay, _N] | Annotated[Values[Decay], _V] | Annotated[Range[Decay], _R], _BY_FORM]
SweptShape = Annotated[Annotated[Shape, _N] | Annotated[Values[Shape], _V] | Annotated[Range[Shape], _R], _BY_FORM]

SweptEntries = Annotated[
    Annotated[Real, _N] | Annotated[Values[Real], _V] | Annotated[Range[Real], _R] | Annotated[Vector, Tag(VECTOR_TAG)],
    Discriminator(_form_or_vector),
]
"""One number for all coordinates, which may be swept, or a vector."""


def axis_values(swept: Any) -> list[float] | None:
    """The values of an axis, rounded; None where the field holds one plain number, or a vector.

    Whole-number axes stay whole numbers.
    """
    if isinstance(swept, Values):
        return [value if isinstance(value, int) else rounded(value) for value in swept.values]
    if isinstance(swept, Range):
        whole = isinstance(swept.start, int)
        return [int(point) if whole else point for point in swept.points()]
    return None


def all_values(swept: Any) -> list[float]:
    """Likewise, the plain number by itself where there is no axis."""
    return axis_values(swept) or [swept]


def left_out_at(default: Any) -> Any:
    """A field that documents have only beside its default, so that the hashes of before are what they were."""
    return Field(default=default, exclude_if=lambda value: bool(value == default))
