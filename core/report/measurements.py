"""What a report measures without judging it: quantities of runs and of problems, and their distribution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from core.report.concentration import realised_factor, zeta
from core.report.evidence import Evidence
from core.report.frequencies import risk_of_zero
from core.report.regimes import EDGE
from core.report.step_limits import step_limits
from core.report.verdict import Scope


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Quantity:
    """A number of every run at a limit or of every problem; NaN where it is not defined, which `undefined` explains."""

    key: str
    formula: str
    label: str
    source: str
    scope: Scope
    undefined: str
    values: Callable[[Evidence], Float64[np.ndarray, " case"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """The distribution of a quantity over the cases where it is known; None where it is known in none."""

    key: str
    formula: str
    label: str
    source: str
    scope: Scope
    known: int
    unknown: int
    unknown_reason: str | None
    least: float | None
    median: float | None
    greatest: float | None

    def to_document(self) -> dict[str, Any]:
        """The measurement as JSON."""
        fields = {field: getattr(self, field) for field in type(self).__slots__}
        return fields | {"scope": self.scope.value}


def measure(quantity: Quantity, evidence: Evidence) -> Measurement:
    """The quantity over all runs that ended at a limit, or all problems."""
    values = quantity.values(evidence)
    if quantity.scope is Scope.RUN:
        values = values[evidence.at_limit]
    known = values[np.isfinite(values)]
    unknown = len(values) - len(known)
    least, median, greatest = np.quantile(known, (0, 0.5, 1)).tolist() if known.size else (None, None, None)
    return Measurement(
        key=quantity.key,
        formula=quantity.formula,
        label=quantity.label,
        source=quantity.source,
        scope=quantity.scope,
        known=len(known),
        unknown=unknown,
        unknown_reason=quantity.undefined if unknown else None,
        least=least,
        median=median,
        greatest=greatest,
    )


def of_each_problem(evidence: Evidence) -> Mapping[str, list[float | None]]:
    """Every quantity of problems, by key, one number or None for each of them."""
    columns = {quantity.key: quantity.values(evidence) for quantity in MEASURED if quantity.scope is Scope.PROBLEM}
    return {
        key: [value if np.isfinite(value) else None for value in column.tolist()] for key, column in columns.items()
    }


def _edge_ratio(evidence: Evidence) -> Float64[np.ndarray, " run"]:
    ratio: Float64[np.ndarray, " run"] = evidence.runs["sharpness"] / evidence.runs["stability_threshold"]
    return ratio


def _flatness_near_limit(evidence: Evidence) -> Float64[np.ndarray, " run"]:
    """By Lemma 2.3 at most η*/η, and at least 1 for parameters ≥ 0: towards η* the sharpness is squeezed."""
    least = evidence.per_run(evidence.analysed["min_sharpness_upper"])
    near = evidence.runs["stability_threshold"] * EDGE <= least
    return np.where(near & (least > 0), evidence.runs["sharpness"] / np.where(least > 0, least, 1.0), np.nan)


def _mean_concentration(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    return _over(evidence.analysed["least_squared_mean"], np.square(evidence.drawn["mean"]))


def _moment_concentration(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    second = np.square(evidence.drawn["mean"]) + evidence.drawn["variance"]
    return _over(evidence.analysed["largest_second_moment"], second)


def _l1_ratio(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    norms = [evidence.analysed[f"interpolators.{name}.l1_norm"] for name in ("flattest", "min_l1")]
    return _over(*norms)


def _sample_complexity(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    return _over(np.square(zeta(evidence)) * evidence.drawn["sparsity"], evidence.drawn["samples"])


def _excess_of_flattest(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    return _over(evidence.analysed["interpolators.flattest.excess_risk"], risk_of_zero(evidence))


def _excess_of_descent(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    return _over(step_limits(evidence).excess_risk, risk_of_zero(evidence))


def _over(part: Float64[np.ndarray, " case"], whole: Float64[np.ndarray, " case"]) -> Float64[np.ndarray, " case"]:
    return part / np.where(whole > 0, whole, np.nan)


_NOT_OF_USER_DATA: Final = "not of user data, and not before the analysis"

MEASURED: Final = (
    Quantity(
        key="kernel_change",
        formula="‖K − K₀‖_F/‖K₀‖_F",
        label="change of the tangent kernel",
        source="eqs. 5 and 6",
        scope=Scope.RUN,
        undefined="the run does not report it",
        values=lambda evidence: evidence.runs["kernel_change"],
    ),
    Quantity(
        key="kernel_distance",
        formula="‖β − β_K‖₂/‖β_K‖₂",
        label="distance to the kernel regime",
        source="eqs. 5 and 6",
        scope=Scope.RUN,
        undefined="the run does not report it, or β_K = 0",
        values=lambda evidence: evidence.runs["kernel_distance"],
    ),
    Quantity(
        key="sharpness",
        formula="λ_max",
        label="sharpness λ_max at the end",
        source="Hessian at the end",
        scope=Scope.RUN,
        undefined="the run does not report it",
        values=lambda evidence: evidence.runs["sharpness"],
    ),
    Quantity(
        key="limit_error",
        formula="‖Δβ‖₂/‖β‖₂",
        label="error of the limit ‖Δβ‖/‖β‖",
        source="estimate",
        scope=Scope.RUN,
        undefined="the run does not report it",
        values=lambda evidence: evidence.runs["limit_error"],
    ),
    Quantity(
        key="risk_error",
        formula="|ΔR|",
        label="error of the risk |ΔR|",
        source="estimate",
        scope=Scope.RUN,
        undefined="the risk is not known",
        values=lambda evidence: evidence.runs["risk_error"],
    ),
    Quantity(
        key="edge_ratio",
        formula="ηλ_max/2",
        label="sharpness over 2/η",
        source="Lemma 2.3",
        scope=Scope.RUN,
        undefined="the run does not report its sharpness",
        values=_edge_ratio,
    ),
    Quantity(
        key="flatness_near_limit",
        formula="λ_max/min λ_max where η ≥ 0.9·η*",
        label="sharpness over the least, η ≥ 0.9·η*",
        source="Lemma 2.3",
        scope=Scope.RUN,
        undefined="only of runs with η ≥ 0.9·η*, after the analysis",
        values=_flatness_near_limit,
    ),
    Quantity(
        key="min_sharpness_gap",
        formula="(upper − lower)/upper of min λ_max",
        label="uncertainty of the least sharpness",
        source="dual certificate",
        scope=Scope.PROBLEM,
        undefined="not without interpolators, and not before the analysis",
        values=lambda evidence: evidence.analysed["min_sharpness_gap"],
    ),
    Quantity(
        key="zeta",
        formula="ζ = 1 + σ²/μ²",
        label="ζ of the distribution",
        source="Lemma 5.1",
        scope=Scope.PROBLEM,
        undefined="not of user data, and infinite at μ = 0",
        values=zeta,
    ),
    Quantity(
        key="realised_factor",
        formula="κ = max Ê[x_i²]/min (Êx_i)²",
        label="the data's own factor κ",
        source="Lemmas D.4 and D.5",
        scope=Scope.PROBLEM,
        undefined="not before the analysis, and infinite where a column has mean zero",
        values=realised_factor,
    ),
    Quantity(
        key="mean_concentration",
        formula="min (Êx_i)²/μ²",
        label="least squared mean over μ²",
        source="Lemmas D.4 and D.5",
        scope=Scope.PROBLEM,
        undefined=f"{_NOT_OF_USER_DATA}; at μ = 0 it is infinite",
        values=_mean_concentration,
    ),
    Quantity(
        key="moment_concentration",
        formula="max Ê[x_i²]/(μ² + σ²)",
        label="largest second moment over μ² + σ²",
        source="Lemmas D.4 and D.5",
        scope=Scope.PROBLEM,
        undefined=_NOT_OF_USER_DATA,
        values=_moment_concentration,
    ),
    Quantity(
        key="l1_ratio",
        formula="‖β_flattest‖₁/min ‖β‖₁",
        label="ℓ1 norm of the flattest over the least",
        source="Lemma 5.1",
        scope=Scope.PROBLEM,
        undefined="not without interpolators, and not before the analysis",
        values=_l1_ratio,
    ),
    Quantity(
        key="sample_complexity",
        formula="ζ²k/N",
        label="ζ²k/N with k = r*",
        source="Theorem 5.2",
        scope=Scope.PROBLEM,
        undefined="not of user data, and infinite at μ = 0",
        values=_sample_complexity,
    ),
    Quantity(
        key="flattest_excess_ratio",
        formula="R(β_flattest)/R(0)",
        label="excess risk of the flattest over that of 0",
        source="Theorem 5.2",
        scope=Scope.PROBLEM,
        undefined=_NOT_OF_USER_DATA,
        values=_excess_of_flattest,
    ),
    Quantity(
        key="descent_excess_ratio",
        formula="R(β)/R(0) at the largest η that converged",
        label="the same of runs, largest converging η",
        source="Corollary 5.5",
        scope=Scope.PROBLEM,
        undefined="not of user data, and not where no run has converged",
        values=_excess_of_descent,
    ),
)
"""Every quantity that a report measures, in its order."""
