"""A number of the experiment spec that may be swept: a plain number, a list of values, or a range."""

import math
from enum import StrEnum
from typing import Annotated, Any, Final, Generic, Self, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

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

NUMBER_TAG, VALUES_TAG, RANGE_TAG = "a number", "a list of values", "a range"


class Document(BaseModel):
    """A frozen part of a JSON document; unknown fields, NaN, infinities and numbers in quotes are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _whole(value: Any) -> Any:
    """A number with an integral value is a whole number, however it is written (JSON Schema, 6.1.1): 1e+05, 2.0."""
    return int(value) if isinstance(value, float) and is_integral(value) else value


Integer = Annotated[int, BeforeValidator(_whole)]


class Spacing(StrEnum):
    """How the values of a range are spaced."""

    LINEAR = "linear"
    LOG = "log"


class Values(Document, Generic[Number]):
    """The values of one axis, in the order given.

    Raises:
        ValueError: two values are equal (to 12 significant digits): their runs could not be told apart.
    """

    values: Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_VALUES, strict=False, fail_fast=True)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({rounded(value) for value in self.values}) < len(self.values):
            raise ValueError("values repeat (to 12 significant digits)")
        return self


class Range(Document, Generic[Number]):
    """`num` values from `start` to `stop`, both included, spaced linearly or by a constant factor."""

    start: Number
    stop: Number
    num: Annotated[Integer, Field(ge=1, le=MAX_VALUES)]
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
        if len(set(self.points())) < self.num:
            raise ValueError("values repeat (to 12 significant digits)")
        whole = type(self.start) is int
        if whole and not all(is_integral(point) for point in self.points()):
            raise ValueError("this range meets numbers that are not whole; give the values instead")
        return self

    def points(self) -> list[float]:
        """The values, rounded to 12 significant digits."""
        space = np.geomspace if self.spacing is Spacing.LOG else np.linspace
        return [rounded(value) for value in space(self.start, self.stop, self.num).tolist()]


def form(value: Any) -> str:
    """Which of the three forms a JSON value is meant as, so that an error speaks of that form alone."""
    fields: Any = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if "values" in fields:
        return VALUES_TAG
    return RANGE_TAG if isinstance(value, dict | Range) else NUMBER_TAG


# Pydantic does not carry a type variable's constraints through an alias of a union: each kind of number is spelled out.
Count = Annotated[Integer, Field(ge=1, le=MAX_WHOLE)]
Whole = Annotated[Integer, Field(ge=0, le=MAX_WHOLE)]
Depth = Annotated[Integer, Field(ge=2, le=MAX_DEPTH)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Scale = Annotated[float, Field(ge=1e-100, le=1e100)]
Fraction = Annotated[float, Field(ge=0, le=BELOW_ONE)]
Shape = Annotated[float, Field(ge=-BELOW_ONE, le=BELOW_ONE)]

_N, _V, _R = Tag(NUMBER_TAG), Tag(VALUES_TAG), Tag(RANGE_TAG)
_BY_FORM = Discriminator(form)
SweptCount = Annotated[Annotated[Count, _N] | Annotated[Values[Count], _V] | Annotated[Range[Count], _R], _BY_FORM]
SweptWhole = Annotated[Annotated[Whole, _N] | Annotated[Values[Whole], _V] | Annotated[Range[Whole], _R], _BY_FORM]
SweptDepth = Annotated[Annotated[Depth, _N] | Annotated[Values[Depth], _V] | Annotated[Range[Depth], _R], _BY_FORM]
SweptReal = Annotated[Annotated[float, _N] | Annotated[Values[float], _V] | Annotated[Range[float], _R], _BY_FORM]
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
SweptShape = Annotated[Annotated[Shape, _N] | Annotated[Values[Shape], _V] | Annotated[Range[Shape], _R], _BY_FORM]


def axis_values(swept: Any) -> list[float] | None:
    """The values of an axis, rounded; None where the field holds one plain number.

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
