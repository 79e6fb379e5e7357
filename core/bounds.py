"""Bounds on the sharpness at an interpolator that need no eigenvalue, and what stability makes of them (depth 2)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

ROUNDING = 1e-9
"""Relative excess that a comparison of `StabilityChain` forgives: rounding, and the tolerance of a converged run."""

Values = Float64[np.ndarray, "*run"] | np.float64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StabilityChain:
    """The two inequalities of Theorem 4.2 of Nacson et al. 2022 as numbers, each with one entry a run.

    weighted_norm ≤ stability_measure holds at every (u₊, u₋); stability_measure ≤ stability_threshold (2/η) only at an
    interpolator that is linearly stable for gradient descent at step size η.
    """

    weighted_norm: Values
    stability_measure: Values
    stability_threshold: Values

    @property
    def norm_within_measure(self) -> Bool[np.ndarray, "*run"] | np.bool_:
        """Whether the first inequality holds, up to rounding."""
        return self.weighted_norm <= self.stability_measure * (1 + ROUNDING)

    @property
    def measure_within_threshold(self) -> Bool[np.ndarray, "*run"] | np.bool_:
        """Whether the second inequality holds, up to rounding."""
        return self.stability_measure <= self.stability_threshold * (1 + ROUNDING)


def stability_weights(X: Float64[np.ndarray, "sample dim"]) -> Float64[np.ndarray, " dim"]:
    """4(Êx_i)², the price of coordinate i in eq. 8 of Nacson et al. 2022, the factor 4 outside the square."""
    weights: Float64[np.ndarray, " dim"] = 4 * np.square(X.mean(axis=0))
    return weights


def trace_weights(X: Float64[np.ndarray, "sample dim"]) -> Float64[np.ndarray, " dim"]:
    """4Ê[x_i²], the price of coordinate i in the trace of the Hessian at an interpolator."""
    weights: Float64[np.ndarray, " dim"] = 4 * np.square(X).mean(axis=0)
    return weights


def stability_measure(
    X: Float64[np.ndarray, "sample dim"],
    u_plus: Float64[np.ndarray, "*run dim"],
    u_minus: Float64[np.ndarray, "*run dim"],
) -> Values:
    """Σ 4(Êx_i)²(u₊² + u₋²)_i ≤ λ_max at an interpolator: the lower bound of Lemma 4.1 of Nacson et al. 2022.

    It is the Rayleigh quotient of the Gram matrix at the constant vector, so it is nearly sharp where data are far off
    centre and vanishes where they are centred.
    """
    return _weighted_sum(stability_weights(X), np.square(u_plus) + np.square(u_minus))


def sharpness_upper_bound(
    X: Float64[np.ndarray, "sample dim"],
    u_plus: Float64[np.ndarray, "*run dim"],
    u_minus: Float64[np.ndarray, "*run dim"],
) -> Values:
    """Σ 4Ê[x_i²](u₊² + u₋²)_i ≥ λ_max at an interpolator: the trace, upper bound of Lemma 4.1 of Nacson et al. 2022."""
    return _weighted_sum(trace_weights(X), np.square(u_plus) + np.square(u_minus))


def weighted_norm(X: Float64[np.ndarray, "sample dim"], predictor: Float64[np.ndarray, "*run dim"]) -> Values:
    """‖4(Êx)²∘β‖₁, at most the stability measure since |u₊² − u₋²| ≤ u₊² + u₋²."""
    return _weighted_sum(stability_weights(X), np.abs(predictor))


def stability_threshold(step_size: Values) -> Values:
    """2/η: gradient descent at step size η is linearly stable at a minimum only where λ_max ≤ 2/η."""
    return 2 / step_size


def stability_chain(
    X: Float64[np.ndarray, "sample dim"],
    u_plus: Float64[np.ndarray, "*run dim"],
    u_minus: Float64[np.ndarray, "*run dim"],
    step_size: Values,
) -> StabilityChain:
    """The quantities of Theorem 4.2 of Nacson et al. 2022 at (u₊, u₋), one step size a run."""
    return StabilityChain(
        weighted_norm=weighted_norm(X, np.square(u_plus) - np.square(u_minus)),
        stability_measure=stability_measure(X, u_plus, u_minus),
        stability_threshold=stability_threshold(step_size),
    )


def _weighted_sum(weights: Float64[np.ndarray, " dim"], amounts: Float64[np.ndarray, "*run dim"]) -> Values:
    # not amounts @ weights: a row of a matrix product may change its last bits with the number of rows
    total: Values = (amounts * weights).sum(axis=-1)
    return total
