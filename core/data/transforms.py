"""Data of the user as a regression problem: centred, offset, or left as they are.

Every transform is a shift: x ↦ x + a and y ↦ y + b, with a and b from the training samples alone and used for the
held-out ones as well. The model ⟨β, x⟩ has no intercept, so a shift is a question put to it and no mere cosmetics:
trained on shifted data, β stands for the affine predictor f(x) = ⟨β, x + a⟩ − b of the data as they were given.

* The held-out loss is the loss of f on the held-out samples as they were given, for every choice of a and b.
* Both centred: f(x) = ȳ + ⟨β, x − x̄⟩, least squares with an intercept that is not trained.
* X alone centred: f vanishes at x̄. The rows of X then sum to zero, so Xβ = y has no solution unless y sums to zero too:
  without y centred (or of mean zero) nothing interpolates, and the training loss ends no lower than ½ȳ².
* y alone centred: f(0) = −b = ȳ, and X keeps its mean, the quantity on which the implicit bias of the step size rests.
* A true predictor β* is the slope of y = ⟨β*, x⟩ + noise, which no shift changes: the error ‖β − β*‖ keeps its meaning.
  After a shift y = ⟨β*, x⟩ + (b − ⟨β*, a⟩) + noise; the constant vanishes, up to the mean of the noise, where both are
  centred. The law of x is not known, so there is no excess risk.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from core.data.regression import Dataset, HeldOut

CONSTANT: Final = 1e-14
"""A column whose entries differ by at most this fraction of the largest is constant: about 45 roundings."""

Array = Float64[np.ndarray, "..."]


def user_dataset(  # noqa: PLR0913 - the arrays that a user may give, all named, and what is done to them
    *,
    X: ArrayLike,
    y: ArrayLike,
    true_predictor: ArrayLike | None = None,
    held_out_X: ArrayLike | None = None,
    held_out_y: ArrayLike | None = None,
    transform: Mapping[str, Any],
) -> Dataset:
    """The training set (X + a, y + b) with held-out samples shifted by the same a (d entries) and b.

    `transform` says for "X" and for "y" what the shift is: "none"; "centre", minus the mean of each column of X, or of
    y, over the training samples; "offset", the number under "offset" for every entry.

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
    shift_X, shift_y = (_SHIFTS[transform[name]] for name in ("X", "y"))
    offset = float(transform["offset"])
    if given.held_out is not None:
        held_out = HeldOut(X=shift_X(given.held_out.X, given.X, offset), y=shift_y(given.held_out.y, given.y, offset))
    return Dataset(
        X=shift_X(given.X, given.X, offset),
        y=shift_y(given.y, given.y, offset),
        true_predictor=truth,
        held_out=held_out,
    )


def _unshifted(values: Array, _training: Array, _offset: float) -> Array:
    return values


def _centred(values: Array, training: Array, _offset: float) -> Array:
    low, high = training.min(axis=0), training.max(axis=0)
    mean = training.mean(axis=0)
    # The sum over many samples has rounded; what it lost is the mean of what is left.
    mean += (training - mean).mean(axis=0)
    is_constant = high - low <= CONSTANT * np.maximum(np.abs(low), np.abs(high))
    return np.where(is_constant & (values >= low) & (values <= high), 0.0, values - mean)


def _offset(values: Array, _training: Array, offset: float) -> Array:
    return values + offset


_SHIFTS: Final[Mapping[str, Callable[[Array, Array, float], Array]]] = MappingProxyType(
    {"none": _unshifted, "centre": _centred, "offset": _offset}
)
