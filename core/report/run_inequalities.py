"""The inequalities that are checked on every run at its limit: stability, bounds of the sharpness, and certificates.

Throughout, c are the tangent weights of the network at the end of a run, so that λ_max is the top eigenvalue of
(1/N)·X diag(c) Xᵀ, and c(β) the least tangent weights with which the network can make β; η* = 2/min λ_max. With
momentum, the stability limit of the optimiser stands for the 2 of 2/η.
"""

import math
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.report.evidence import Evidence
from core.report.exemptions import without_interpolators
from core.report.verdict import LARGEST_RESIDUAL, LIMIT, Comparison, Exemption, Scope, Statement, Tolerance, by_family
from core.stability.bounds import ROUNDING

SLOPE: Final = 30.0
"""By how much the least sharpness may answer a relative change of y: its slope in y was 2 to 25 on Gaussian data."""

_ROUNDED: Final = Tolerance(value=ROUNDING, reason="both sides are sums over coordinates of one point: rounding alone")


def _linear_stability(evidence: Evidence) -> Comparison:
    runs = evidence.runs
    return Comparison(left=runs["sharpness"], right=runs["stability_threshold"], tolerance=_ROUNDED)


def _above_lower_bound(evidence: Evidence) -> Comparison:
    runs = evidence.runs
    return Comparison(left=runs["sharpness_lower_bound"], right=runs["gauss_newton_sharpness"], tolerance=_ROUNDED)


def _below_upper_bound(evidence: Evidence) -> Comparison:
    runs = evidence.runs
    return Comparison(left=runs["gauss_newton_sharpness"], right=runs["sharpness_upper_bound"], tolerance=_ROUNDED)


def _norm_below_measure(evidence: Evidence) -> Comparison:
    """|u₊^D − u₋^D|^p ≤ u₊^(2(D−1)) + u₋^(2(D−1)) wants u₊^D and u₋^D of one sign: at odd D, u₋ = −u₊ violates it."""
    runs = evidence.runs
    odd, smallest = evidence.per_run(evidence.depth % 2 == 1), runs["smallest_parameter"]
    crossed = "at odd depth it needs parameters θ ≥ 0, and some entry of these has become negative."
    unseen = "at odd depth it needs parameters θ ≥ 0, and whether these are is not known."
    return Comparison(
        left=runs["weighted_norm"],
        right=runs["sharpness_lower_bound"],
        tolerance=_ROUNDED,
        exemptions=(
            Exemption(where=odd & (smallest < 0), reason=crossed),
            Exemption(where=odd & np.isnan(smallest), reason=unseen),
        ),
    )


def _measure_below_threshold(evidence: Evidence) -> Comparison:
    runs = evidence.runs
    return Comparison(left=runs["sharpness_lower_bound"], right=runs["stability_threshold"], tolerance=_ROUNDED)


def least_sharpness(evidence: Evidence) -> Float64[np.ndarray, " run"]:
    """The certified lower bound of min λ_max over the interpolators that a run can end at; NaN without analysis.

    At odd depth parameters of any sign reach flatter interpolators than θ ≥ 0, so only a run whose parameters are known
    to be ≥ 0 is held to the larger bound.
    """
    odd = evidence.depth % 2 == 1
    of_any_sign = evidence.per_run(odd) & ~(evidence.runs["smallest_parameter"] >= 0)
    restricted = evidence.per_run(evidence.analysed["min_sharpness_lower"])
    sign_free = evidence.per_run(evidence.analysed["min_sharpness_sign_free_lower"])
    return np.where(of_any_sign, sign_free, restricted)


def _no_flatter_than_flattest(evidence: Evidence) -> Comparison:
    return _against_least_sharpness(evidence, "gauss_newton_sharpness")


def _no_larger_step(evidence: Evidence) -> Comparison:
    return _against_least_sharpness(evidence, "stability_threshold")


def _against_least_sharpness(evidence: Evidence, quantity: str) -> Comparison:
    exemptions = tuple(
        Exemption(where=evidence.per_run(exemption.where), reason=exemption.reason)
        for exemption in without_interpolators(evidence)
    )
    return Comparison(
        left=least_sharpness(evidence),
        right=evidence.runs[quantity],
        tolerance=_unfinished(evidence),
        exemptions=exemptions,
    )


def _unfinished(evidence: Evidence) -> Tolerance:
    """A run stops at ‖Xβ − y‖ ≤ √tolerance·‖y‖, so it interpolates another y, whose least sharpness may be smaller."""
    distance = math.sqrt(evidence.grid.spec.stopping.loss_tolerance)
    reason = (
        f"a run stops when Xβ is within {distance:.2g} of y, where min λ_max may be up to {SLOPE:g} times that less"
    )
    return Tolerance(value=ROUNDING + SLOPE * distance, reason=reason)


def _certificate(evidence: Evidence) -> Comparison:
    deep = evidence.per_run(evidence.depth > 2)
    lost = np.isnan(evidence.runs["certificate_residual"])
    elsewhere = lost & (not evidence.optimizer.keeps_row_space_form)  # with momentum 0 it does
    return Comparison(
        left=evidence.runs["certificate_residual"],
        right=np.full(len(deep), LARGEST_RESIDUAL),
        tolerance=LIMIT,
        exemptions=(
            Exemption(where=elsewhere, reason=f"{evidence.optimizer.name} has no such conserved quantity."),
            Exemption(where=deep, reason="there is no such conserved quantity of finite steps at depth 3 and beyond."),
            Exemption(
                where=lost, reason="a coordinate of u has vanished or overflowed, and with it what it certifies."
            ),
        ),
    )


def _sharpness_residual(evidence: Evidence) -> Comparison:
    residual = evidence.runs["sharpness_residual"]
    return Comparison(left=residual, right=np.full(len(residual), LARGEST_RESIDUAL), tolerance=LIMIT)


RUN_INEQUALITIES: Final = (
    Statement(
        key="linear_stability",
        formula="λ_max ≤ 2/η",
        words="Where gradient descent stays, it is linearly stable.",
        source=by_family("Lemma 2.3"),
        scope=Scope.RUN,
        compare=_linear_stability,
    ),
    Statement(
        key="sharpness_above_lower_bound",
        formula="Σ c_i(Êx_i)² ≤ λ_max",
        words="The stability measure is a lower bound of the sharpness.",
        source=by_family("Lemma 4.1", "Lemma 6.1", "Lemma C.1"),
        scope=Scope.RUN,
        compare=_above_lower_bound,
    ),
    Statement(
        key="sharpness_below_upper_bound",
        formula="λ_max ≤ Σ c_iÊ[x_i²]",
        words="The trace of the Hessian is an upper bound of the sharpness.",
        source=by_family("Lemma 4.1", "Lemma 6.1", "the trace, for UV added here"),
        scope=Scope.RUN,
        compare=_below_upper_bound,
    ),
    Statement(
        key="weighted_norm_below_measure",
        formula="Σ c(β)_i(Êx_i)² ≤ Σ c_i(Êx_i)²",
        words="The weighted norm of the predictor is at most the stability measure.",
        source=by_family("Theorem 4.2", "Theorem 6.2", "Theorem B.1"),
        scope=Scope.RUN,
        compare=_norm_below_measure,
    ),
    Statement(
        key="measure_below_threshold",
        formula="Σ c_i(Êx_i)² ≤ 2/η",
        words="A large step size leaves only solutions of small stability measure.",
        source=by_family("Theorem 4.2", "Theorem 6.2", "Theorem B.1"),
        scope=Scope.RUN,
        compare=_measure_below_threshold,
    ),
    Statement(
        key="no_flatter_than_flattest",
        formula="min λ_max ≤ λ_max",
        words="No run ends flatter than the flattest interpolator is proven to be.",
        source=by_family("dual certificate"),
        scope=Scope.RUN,
        compare=_no_flatter_than_flattest,
    ),
    Statement(
        key="no_larger_step",
        formula="min λ_max ≤ 2/η, that is η ≤ η*",
        words="No run has converged above the step size at which no interpolator is stable.",
        source=by_family("Lemma 2.3, dual certificate"),
        scope=Scope.RUN,
        compare=_no_larger_step,
    ),
    Statement(
        key="certificate",
        formula="certificate_residual ≤ 1e-8",
        words="The end point is the one that the run's own step sizes and gradients imply.",
        source=by_family("Even et al. 2023"),
        scope=Scope.RUN,
        compare=_certificate,
    ),
    Statement(
        key="sharpness_residual",
        formula="‖Hv − λv‖/λ ≤ 1e-8",
        words="The sharpness is an eigenvalue.",
        source=by_family("certificate"),
        scope=Scope.RUN,
        compare=_sharpness_residual,
    ),
)
"""In the order of a report."""
