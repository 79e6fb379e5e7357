"""Ridge and lasso along their paths: what predictors are compared with where nothing interpolates.

With κ > 0 and L = ‖Xβ − y‖²/(2N) the lasso minimises L + κ‖β‖₁ and the ridge L + ½κ‖β‖₂². Both are asked for by their
norm, as a fraction of what it is at κ → 0, and each comes with the duality gap that proves it.

* Lasso: the homotopy of Osborne, Presnell & Turlach 2000. Between two events, of a coordinate that joins or leaves the
  support A, β_A = X_A⁺y − κ·N(X_AᵀX_A)⁻¹s with the signs s, a straight line in κ; it is computed anew after each event,
  never step upon step, so that nothing drifts.
* Ridge: closed form in the singular values, with κ by bisection of the norm, which falls in κ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64
from scipy.linalg import solve_triangular
from scipy.optimize import brentq

MOST_EVENTS: Final = 20
"""Events of the lasso per coordinate, after which its path is given up; some two are usual."""

SAME: Final = 1e-12
"""Relative distance within which two numbers are one."""

PROVEN: Final = 1e-9
"""Relative gap of a path that is taken as it is."""

UNTIED: Final = 1e-9
"""Relative change of the columns at which no two events fall together: it costs as much of a gap."""

Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Penalised:
    """A minimiser for the `penalty` κ > 0; `gap` bounds by how much its objective exceeds the least one, relatively."""

    predictor: Vector
    penalty: float
    gap: float


def ridge_path(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], fractions: Sequence[float]
) -> list[Penalised]:
    """The ridge predictors whose ‖β‖₂ is each of these fractions, between 0 and 1, of that of the least squares.

    The gap is ‖∇F‖²/(2κ), since F = L + ½κ‖β‖₂² is κ-strongly convex. Cost O(Nd·min(N, d)). Empty where Xᵀy = 0.
    """
    left, values, right = np.linalg.svd(X, full_matrices=False)
    kept = values > max(X.shape) * np.finfo(np.float64).eps * values[0]
    values, right, along = values[kept], right[kept], left.T[kept] @ y
    moments = np.square(values) / len(y)

    def predictor(penalty: float) -> Vector:
        coefficients: Vector = right.T @ (along / values * moments / (moments + penalty))
        return coefficients

    norm = float(np.linalg.norm(predictor(0.0)))
    if _is_orthogonal(X, y):
        return []
    found = []
    for fraction in fractions:

        def excess(log_penalty: float, wanted: float = fraction * norm) -> float:
            return float(np.linalg.norm(predictor(np.exp(log_penalty)))) / wanted - 1

        # ‖β(κ)‖ is between m/(m + κ) of the norm for the least moment m and for the largest
        low, high = moments[-1] * (1 / fraction - 1) / 2, moments[0] * (1 / fraction - 1) * 2
        penalty = float(np.exp(brentq(excess, np.log(low), np.log(high))))
        found.append(_ridge(X, y, predictor(penalty), penalty))
    return found


def _ridge(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], predictor: Vector, penalty: float
) -> Penalised:
    residual = X @ predictor - y
    gradient = X.T @ residual / len(y) + penalty * predictor
    objective = float(residual @ residual) / (2 * len(y)) + penalty * float(predictor @ predictor) / 2
    return Penalised(predictor=predictor, penalty=penalty, gap=float(gradient @ gradient) / (2 * penalty * objective))


def lasso_path(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], fractions: Sequence[float]
) -> list[Penalised]:
    """The lasso predictors whose ‖β‖₁ is each of these fractions, between 0 and 1, of what it is at κ → 0.

    The gap is that to the dual point yᵀν − ½N‖ν‖² at ν = r/N, shrunk until ‖Xᵀν‖_∞ ≤ κ. Some 2·min(N, d) events of
    O(N·|A|²). Where coordinates join or leave at one κ, as in tables of 0 and 1, the path is followed once more on
    columns that differ from X in the ninth digit, and the better of the two is taken; the gap is always that of X.
    Empty where Xᵀy = 0, or where the path was given up.
    """
    if _is_orthogonal(X, y):
        return []
    found = _followed(X, y, fractions, np.ones(X.shape[1]))
    if found and max(point.gap for point in found) <= PROVEN:
        return found
    untied = _followed(X, y, fractions, np.random.default_rng(0).uniform(1 - UNTIED, 1 + UNTIED, X.shape[1:]))
    return min(filter(None, (found, untied)), key=lambda path: max(point.gap for point in path), default=[])


def _followed(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], fractions: Sequence[float], scales: Vector
) -> list[Penalised]:
    """The path of the columns times `scales`, as predictors of X; empty where it was given up."""
    penalties, predictors = lasso_corners(*_reduced(X * scales, y))
    if penalties[-1] > 0:
        return []
    norms = np.abs(predictors).sum(axis=1)
    found = []
    for fraction in fractions:
        # ‖β‖₁ is linear between corners, for no sign changes there
        place = float(np.interp(fraction * norms[-1], norms, np.arange(len(norms))))
        corner = min(int(place), len(norms) - 2)
        share = place - corner
        predictor = (1 - share) * predictors[corner] + share * predictors[corner + 1]
        penalty = float((1 - share) * penalties[corner] + share * penalties[corner + 1])
        found.append(_lasso(X, y, scales * predictor, penalty))
    return found


def _reduced(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]
) -> tuple[Float64[np.ndarray, "combination dim"], Float64[np.ndarray, " combination"]]:
    """Data of at most d + 1 samples with the same L for every β: the triangle of [X y], so scaled that N may differ."""
    rows = X.shape[1] + 1
    if len(X) <= rows:
        return X, y
    triangle = np.linalg.qr(np.column_stack([X, y]), mode="r") * np.sqrt(rows / len(X))
    return triangle[:, :-1], triangle[:, -1]


def _is_orthogonal(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> bool:
    """Whether Xᵀy = 0 but for rounding, so that β = 0 is all that there is."""
    return bool((np.abs(X.T @ y) <= SAME * np.linalg.norm(X, axis=0) * np.linalg.norm(y)).all())


def _lasso(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], predictor: Vector, penalty: float
) -> Penalised:
    residual = y - X @ predictor
    objective = float(residual @ residual) / (2 * len(y)) + penalty * float(np.abs(predictor).sum())
    steepest = float(np.abs(X.T @ residual).max())
    dual = residual / len(y) * (min(1.0, penalty * len(y) / steepest) if steepest else 1.0)
    gap = objective - float(y @ dual - len(y) * (dual @ dual) / 2)
    return Penalised(predictor=predictor, penalty=penalty, gap=max(gap, 0.0) / objective)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Piece:
    """A straight piece of the path: on the support β = `at_zero` − κ·`slope`, and Xᵀr/N = `left` + κ·`pull`."""

    support: Bool[np.ndarray, " dim"]
    at_zero: Vector
    slope: Vector
    left: Vector
    pull: Vector

    def predictor(self, penalty: float) -> Vector:
        """β(κ)."""
        return self.at_zero - penalty * self.slope

    def next_event(self, penalty: float, changed: int, least: float) -> tuple[float, int]:
        """The largest κ below `penalty` at which a coordinate leaves or joins, and which one; (0, −1) if none does.

        An event at `least` or below is one of rounding: where β(κ → 0) interpolates, Xᵀr goes to 0 in all coordinates.

        `changed` is the one that did last, at `penalty`: on a straight piece it does not do the same again.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            leave = self._below(self.at_zero / self.slope, penalty)
            joins = [self._below(sign * self.left / (1 - sign * self.pull), penalty) for sign in (1, -1)]
        is_negative = self.left[changed] + penalty * self.pull[changed] < 0
        leave[changed] = joins[int(is_negative)][changed] = 0.0
        events = np.where(self.support, leave, np.maximum(*joins))
        first = int(np.argmax(events))
        return (float(events[first]), first) if events[first] > least else (0.0, -1)

    @staticmethod
    def _below(events: Vector, penalty: float) -> Vector:
        return np.where(np.isfinite(events) & (events <= penalty * (1 + SAME)) & (events > 0), events, 0.0)


def lasso_corners(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]
) -> tuple[Float64[np.ndarray, " corner"], Float64[np.ndarray, "corner dim"]]:
    """κ and β at the corners of the lasso's path, from β = 0 to κ = 0, or to where it was given up."""
    correlation = X.T @ y / len(y)
    changed = int(np.argmax(np.abs(correlation)))
    penalty, predictor = float(np.abs(correlation[changed])), np.zeros(X.shape[1])
    support, signs = np.zeros(X.shape[1], dtype=np.bool_), np.zeros(X.shape[1])
    support[changed], signs[changed] = True, np.sign(correlation[changed])
    penalties, predictors = [penalty], [predictor]
    for _ in range(MOST_EVENTS * X.shape[1]):
        piece = _piece(X, y, support, signs)
        penalty, changed = piece.next_event(penalty, changed, SAME * penalties[0])
        penalties.append(penalty)
        predictors.append(piece.predictor(penalty))
        if changed < 0:
            break
        support[changed] = not support[changed]
        if not support.any():  # two that took each other's place, at one κ
            break
        signs[changed] = np.sign(piece.left[changed] + penalty * piece.pull[changed]) if support[changed] else 0.0
    return np.array(penalties), np.array(predictors)


def _piece(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    support: Bool[np.ndarray, " dim"],
    signs: Vector,
) -> _Piece:
    at_zero, slope = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    orthonormal, triangle = np.linalg.qr(X[:, support])
    sizes = np.abs(np.diag(triangle))
    if len(sizes) == support.sum() and sizes.min() > SAME * sizes.max():
        at_zero[support] = solve_triangular(triangle, orthonormal.T @ y)
        slope[support] = len(y) * solve_triangular(triangle, solve_triangular(triangle, signs[support], trans="T"))
    else:  # columns that depend on one another
        inverse = np.linalg.pinv(X[:, support])
        at_zero[support] = inverse @ y
        slope[support] = len(y) * (inverse @ (inverse.T @ signs[support]))
    return _Piece(
        support=support.copy(),
        at_zero=at_zero,
        slope=slope,
        left=X.T @ (y - X @ at_zero) / len(y),
        pull=X.T @ (X @ slope) / len(y),
    )


class LassoPath:
    """The lasso of one data set at any κ: its path is followed once, and read off between its corners."""

    def __init__(self, X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> None:
        """Follow the path. Cost: some 2·min(N, d) events of O(N·|A|²)."""
        self._X, self._y = X, y
        self._path = None if _is_orthogonal(X, y) else _scaled_corners(X, y, np.ones(X.shape[1]))

    def at(self, penalty: float) -> Penalised:
        """The minimiser of L + κ‖β‖₁ at this κ > 0, with its gap; β = 0 from ‖Xᵀy/N‖_∞ on.

        Where the path is not proven, because coordinates join or leave at one κ, it is followed once more as in
        `lasso_path`, and the better of the two is taken.
        """
        if not np.any(self._y):
            return Penalised(predictor=np.zeros(self._X.shape[1]), penalty=penalty, gap=0.0)
        if not penalty < float(np.abs(self._X.T @ self._y).max()) / len(self._y) or self._path is None:
            return _lasso(self._X, self._y, np.zeros(self._X.shape[1]), penalty)
        found = self._read(penalty, *self._path)
        if found.gap <= PROVEN:
            return found
        return min(
            (found, self._read(penalty, *self._untied)),
            key=lambda point: point.gap if np.isfinite(point.gap) else np.inf,
        )

    @cached_property
    def _untied(self) -> tuple[Float64[np.ndarray, " corner"], Float64[np.ndarray, "corner dim"]]:
        """The path of columns of other sizes, for any κ at which the first is not proven.

        What is found at one κ does not depend on those that were asked for before it.
        """
        scales = np.random.default_rng(0).uniform(1 - UNTIED, 1 + UNTIED, self._X.shape[1:])
        return _scaled_corners(self._X, self._y, scales)

    def _read(
        self, penalty: float, penalties: Float64[np.ndarray, " corner"], predictors: Float64[np.ndarray, "corner dim"]
    ) -> Penalised:
        """β is linear in κ between corners, at which κ falls."""
        corner = int(np.clip(np.searchsorted(-penalties, -penalty) - 1, 0, len(penalties) - 2))
        width = penalties[corner] - penalties[corner + 1]
        share = float(np.clip((penalties[corner] - penalty) / width, 0, 1)) if width else 0.0
        predictor = (1 - share) * predictors[corner] + share * predictors[corner + 1]
        return _lasso(self._X, self._y, predictor, penalty)


def _scaled_corners(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], scales: Vector
) -> tuple[Float64[np.ndarray, " corner"], Float64[np.ndarray, "corner dim"]]:
    """The corners of the path of the columns times `scales`, as predictors of X."""
    penalties, predictors = lasso_corners(*_reduced(X * scales, y))
    return penalties, predictors * scales
