"""How near the moments of a sample are to those of its distribution: what Lemma 5.1 of Nacson et al. 2022 rests on."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.report.evidence import Evidence

CONCENTRATION: Final = 1.1
"""By what factor the moments of enough samples may be further apart than those of the distribution, in Lemma 5.1."""

EACH: Final = CONCENTRATION**0.5
"""The share of the means in it, and that of the second moments: where both keep to theirs, κ ≤ 1.1·ζ."""


def zeta(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    """ζ = 1 + σ²/μ² of each problem; NaN for user data and at μ = 0."""
    mean, variance = evidence.drawn["mean"], evidence.drawn["variance"]
    found: Float64[np.ndarray, " problem"] = 1 + variance / np.square(mean)
    return np.where(np.isfinite(found), found, np.nan)


def realised_factor(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    """κ = max_i Ê[x_i²] / min_i (Êx_i)² of each problem's own data, near ζ for many samples; NaN where infinite."""
    largest, least = evidence.analysed["largest_second_moment"], evidence.analysed["least_squared_mean"]
    found: Float64[np.ndarray, " problem"] = largest / least
    return np.where(np.isfinite(found), found, np.nan)


def means_margin(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    """μ²/(√1.1·min (Êx_i)²), at most 1 where the means have concentrated; NaN for user data and at μ = 0."""
    squared = np.square(evidence.drawn["mean"])
    margin: Float64[np.ndarray, " problem"] = squared / (EACH * evidence.analysed["least_squared_mean"])
    return np.where(squared > 0, margin, np.nan)


def moments_margin(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    """The ratio max Ê[x_i²]/(√1.1·(μ² + σ²)), at most 1 where second moments have concentrated; NaN for user data."""
    promised = EACH * (np.square(evidence.drawn["mean"]) + evidence.drawn["variance"])
    margin: Float64[np.ndarray, " problem"] = evidence.analysed["largest_second_moment"] / promised
    return margin


def too_few(evidence: Evidence, where: Bool[np.ndarray, " problem"]) -> str:
    """The sentence for problems whose data have not concentrated, with the numbers of the one furthest off."""
    factor, promised = realised_factor(evidence), CONCENTRATION * zeta(evidence)
    if not where.any():
        return ""
    worst = int(np.where(where, factor / promised, -np.inf).argmax())
    samples = evidence.drawn["samples"][worst]
    return (
        f"N = {samples:.0f} samples are too few for it, in the worst case: there the data's own factor "
        f"max Ê[x_i²]/min (Êx_i)² is {factor[worst]:.3g}, and at most 1.1·ζ = {promised[worst]:.3g} is wanted."
    )
