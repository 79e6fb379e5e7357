"""The inequalities that are checked on every problem before any training: between interpolators, and of the data.

c(β) are the least tangent weights with which the network can make β, λ_max that of an interpolator at such parameters.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.report.concentration import (
    CONCENTRATION,
    realised_factor,
    too_few,
    zeta,
)
from core.report.evidence import Evidence
from core.report.exemptions import without_interpolators, without_squares, without_zeta
from core.report.verdict import LARGEST_RESIDUAL, LIMIT, Comparison, Exemption, Scope, Statement, Tolerance, by_family

_SOLVED: Final = Tolerance(value=1e-6, reason="interpolators solve Xβ = y to about 1e-10, and their norms follow")

_INTERPOLATORS: Final = (
    "min_l1",
    "min_l2",
    "least_trace",
    "least_stability_measure",
    "flattest",
    "least_parameter_norm",
)


def _measure_below_least_sharpness(evidence: Evidence) -> Comparison:
    return Comparison(
        left=evidence.analysed["interpolators.least_stability_measure.lower_bound"],
        right=evidence.analysed["min_sharpness_upper"],
        tolerance=_SOLVED,
        exemptions=without_interpolators(evidence),
    )


def _least_sharpness_below_trace(evidence: Evidence) -> Comparison:
    return Comparison(
        left=evidence.analysed["min_sharpness_lower"],
        right=evidence.analysed["interpolators.least_trace.objective"],
        tolerance=_SOLVED,
        exemptions=without_interpolators(evidence),
    )


def _flattest_l1(evidence: Evidence) -> Comparison:
    """Where the data's own factor is at most 1.1ζ, Lemma 5.1 is the next statement; elsewhere it may fail."""
    promised = CONCENTRATION * zeta(evidence)
    comparison = Comparison(
        left=evidence.analysed["interpolators.flattest.l1_norm"],
        right=promised * evidence.analysed["interpolators.min_l1.l1_norm"],
        tolerance=_SOLVED,
        exemptions=(*without_zeta(evidence), *without_interpolators(evidence), *without_squares(evidence)),
    )
    unlucky = comparison.fails & (_certain_factor(evidence) > promised)
    reason = f"the ℓ1 norm is larger, and the lemma's premise is not met: {too_few(evidence, unlucky)}"
    small = Exemption(where=unlucky, reason=reason)
    return replace(comparison, exemptions=(*comparison.exemptions, small))


def _flattest_l1_realised(evidence: Evidence) -> Comparison:
    """‖β_f‖₁ ≤ κ·(λ_f/λ_low)·‖β‖₁ for the flattest interpolator found and every other one, at depth 2 and for UV.

    Proof. There c(β) = a·|β| with a = 4 or 2, and at the parameters of least tangent weights
    Σ c_i(β)(Êx_i)² ≤ λ(β) ≤ Σ c_i(β)Ê[x_i²]: the quotient of (1/N)·X diag(c) Xᵀ at the constant vector, and its trace.
    With β = β_f on the left, a·min(Êx_i)²·‖β_f‖₁ ≤ λ_f, its sharpness; with any interpolator β on the right,
    λ_low ≤ min λ_max ≤ λ(β) ≤ a·max Ê[x_i²]·‖β‖₁. Divide. (λ_f/λ_low is 1 up to the gap of the search.)
    """
    factor = _certain_factor(evidence)
    infinite = (evidence.analysed["least_squared_mean"] == 0) | (evidence.analysed["min_sharpness_lower"] == 0)
    reason = "a column of X has mean zero or the least sharpness has no positive lower bound: the factor is infinite."
    return Comparison(
        left=evidence.analysed["interpolators.flattest.l1_norm"],
        right=factor * evidence.analysed["interpolators.min_l1.l1_norm"],
        tolerance=_SOLVED,
        exemptions=(
            *without_interpolators(evidence),
            *without_squares(evidence),
            Exemption(where=infinite, reason=reason),
        ),
    )


def _certain_factor(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    """κ·λ_f/λ_low, NaN where it is infinite or not known."""
    upper, lower = evidence.analysed["min_sharpness_upper"], evidence.analysed["min_sharpness_lower"]
    factor: Float64[np.ndarray, " problem"] = realised_factor(evidence) * upper / np.where(lower > 0, lower, np.nan)
    return factor


def _interpolator_residual(evidence: Evidence) -> Comparison:
    residuals = [evidence.analysed[f"interpolators.{name}.residual"] for name in _INTERPOLATORS]
    worst = np.fmax.reduce(residuals)  # NaN only where none of them is known
    return Comparison(
        left=worst,
        right=np.full(len(worst), LARGEST_RESIDUAL),
        tolerance=LIMIT,
        exemptions=without_interpolators(evidence),
    )


PROBLEM_INEQUALITIES: Final = (
    Statement(
        key="measure_below_least_sharpness",
        formula="min Σ c(β)_i(Êx_i)² ≤ min λ_max",
        words="The least stability measure, as far as proven, is at most the least sharpness.",
        source=by_family("Lemma D.2", "as Lemma D.2", "as Lemma D.2"),
        scope=Scope.PROBLEM,
        compare=_measure_below_least_sharpness,
    ),
    Statement(
        key="least_sharpness_below_trace",
        formula="min λ_max ≤ min Σ c(β)_iÊ[x_i²]",
        words="The least sharpness, as far as proven, is at most the least trace.",
        source=by_family("Lemma D.2", "as Lemma D.2", "as Lemma D.2"),
        scope=Scope.PROBLEM,
        compare=_least_sharpness_below_trace,
    ),
    Statement(
        key="flattest_l1",
        formula="‖β_flattest‖₁ ≤ 1.1·(1 + σ²/μ²)·min ‖β‖₁",
        words="Far off centre the flattest interpolator has nearly the least ℓ1 norm.",
        source=by_family("Lemma 5.1"),
        scope=Scope.PROBLEM,
        compare=_flattest_l1,
    ),
    Statement(
        key="flattest_l1_realised",
        formula="‖β_flattest‖₁ ≤ κ·min ‖β‖₁",
        words="The same with the data's own factor κ = max Ê[x_i²]/min (Êx_i)²: certain, whatever the data.",
        source=by_family("from Lemma D.2"),
        scope=Scope.PROBLEM,
        compare=_flattest_l1_realised,
    ),
    Statement(
        key="interpolator_residual",
        formula="max |Xβ − y|/max |y| ≤ 1e-8",
        words="The reference interpolators interpolate, the worst of those of each problem.",
        source=by_family("certificate"),
        scope=Scope.PROBLEM,
        compare=_interpolator_residual,
    ),
)
"""In the order of a report."""
