"""Data of the user as a regression problem: centred, standardised, offset, or left as they are.

Every transform is a shift and a scale: x ↦ (x + a)/s and y ↦ (y + b)/t, with a, s, b and t from the training samples
alone and used for the held-out ones as well; s and t are 1 unless standardised. The model ⟨β, x⟩ has no intercept, so a
shift is a question put to it and no mere cosmetics: trained on shifted data, β stands for the affine predictor
f(x) = t⟨β, (x + a)/s⟩ − b of the data as they were given.

* The held-out loss is that of f on the held-out samples as they were given, over t².
* Standardised: centred, then divided by the population's standard deviation √Ê[(x_i − x̄_i)²] (ddof 0) of the training
  samples, 1 for a constant column. It changes what small norms and flat minima are: each column counts alike.
* Both centred: f(x) = ȳ + ⟨β, x − x̄⟩, least squares with an intercept that is not trained.
* X alone centred: f vanishes at x̄. The rows of X then sum to zero, so Xβ = y has no solution unless y sums to zero too:
  without y centred (or of mean zero) nothing interpolates, and the training loss ends no lower than ½ȳ².
* y alone centred: f(0) = −b = ȳ, and X keeps its mean, the quantity on which the implicit bias of the step size rests.
* A true predictor β* is the slope of y = ⟨β*, x⟩ + noise, which no shift changes: the error ‖β − β*‖ keeps its meaning.
  After a shift y = ⟨β*, x⟩ + (b − ⟨β*, a⟩) + noise; the constant vanishes, up to the mean of the noise, where both are
  centred. Of scaled data the slope is β*∘s/t. The law of x is not known, so there is no excess risk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import ArrayLike

from core.data.regression import Dataset, HeldOut

CONSTANT: Final = 1e-14
"""A column whose entries differ by at most this fraction of the largest is constant: about 45 roundings."""

Array = Float64[np.ndarray, "..."]
Constant = Bool[np.ndarray, "..."]


def user_dataset(  # noqa: PLR0913 - the arrays that a user may give, all named, and what is done to them
    *,
    X: ArrayLike,
    y: ArrayLike,
    true_predictor: ArrayLike | None = None,
    held_out_X: ArrayLike | None = None,
    held_out_y: ArrayLike | None = None,
    transform: Mapping[str, Any],
) -> Dataset:
    """The training set ((X + a)/s, (y + b)/t), with held-out samples and true predictor as that makes them.

    `transform` says for "X" and for "y" what is done: "none"; "centre", minus the mean of each column of X, or of y,
    over the training samples; "standardise", that over their standard deviation; "offset", plus the number under
    "offset" for every entry.

    A column that is constant to rounding becomes exactly zero where it is centred: what rounding leaves of it, some
    1e-16, would else be a feature that fits y with a coefficient of 1e16 at no cost in sharpness.

    Raises:
        InvalidData: the arrays are no regression problem.
    """
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    held_out = None
    if held_out_X is not None and held_out_y is not None:
        held_out = HeldOut(X=np.asarray(held_out_X), y=np.asarray(held_out_y))
    truth = None if true_predictor is None else np.asarray(true_predictor)
    given = Dataset(X=X, y=y, true_predictor=truth, held_out=held_out)  # which refuses what has no columns to centre
    of_X, of_y = (
        _Affine.of(transform[name], values, float(transform["offset"]))
        for name, values in (("X", given.X), ("y", given.y))
    )
    if given.held_out is not None:
        held_out = HeldOut(X=of_X.applied(given.held_out.X), y=of_y.applied(given.held_out.y))
    return Dataset(
        X=of_X.applied(given.X),
        y=of_y.applied(given.y),
        true_predictor=None if given.true_predictor is None else given.true_predictor * (of_X.scale / of_y.scale),
        held_out=held_out,
    )


def is_constant(training: Array) -> Constant:
    """Whether each column is constant to rounding."""
    low, high = training.min(axis=0), training.max(axis=0)
    constant: Constant = np.asarray(high - low <= CONSTANT * np.maximum(np.abs(low), np.abs(high)))
    return constant


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Affine:
    """x ↦ (x − origin)/scale of each column; exactly 0 where x is between `zero_from` and `zero_to`."""

    origin: Array
    scale: Array
    zero_from: Array
    zero_to: Array

    @classmethod
    def of(cls, kind: str, training: Array, offset: float) -> Self:
        """That of one kind of transform."""
        zero = np.zeros(training.shape[1:])
        still = cls(
            origin=zero,
            scale=np.ones_like(zero),
            zero_from=np.full_like(zero, np.inf),
            zero_to=np.full_like(zero, -np.inf),
        )
        if kind == "none":
            return still
        if kind == "offset":
            return replace(still, origin=np.full_like(zero, -offset))
        low, high, constant = training.min(axis=0), training.max(axis=0), is_constant(training)
        mean = np.asarray(training.mean(axis=0))
        # The sum over many samples has rounded; what it lost is the mean of what is left.
        mean += (training - mean).mean(axis=0)
        centred = replace(
            still, origin=mean, zero_from=np.where(constant, low, np.inf), zero_to=np.where(constant, high, -np.inf)
        )
        return centred if kind == "centre" else replace(centred, scale=_deviation(centred.applied(training)))

    def applied(self, values: Array) -> Array:
        """These values, transformed."""
        is_zero = (values >= self.zero_from) & (values <= self.zero_to)
        return np.where(is_zero, 0.0, (values - self.origin) / self.scale)


def _deviation(centred: Array) -> Array:
    """√Ê[x²] of each column, 1 of one that is 0."""
    largest = np.abs(centred).max(axis=0)
    size = np.where(largest > 0, largest, 1.0)  # the squares of what is divided by it neither vanish nor overflow
    return np.where(largest > 0, size * np.sqrt(np.square(centred / size).mean(axis=0)), 1.0)
