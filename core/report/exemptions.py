"""What several statements do not apply to: problems without the thing that they speak of."""

from typing import Final

import numpy as np

from core.report.concentration import realised_factor
from core.report.evidence import Evidence
from core.report.verdict import Exemption

OTHER_LAW: Final = (
    "ζ = 1 + σ²/μ² is of independent features with one mean and one variance, and of equal positive entries of β* with "
    "norm 1; these data have another law."
)


def without_analysis(evidence: Evidence) -> Exemption:
    """Problems of which nothing is known yet."""
    where = np.array([problem.analysis is None for problem in evidence.problems])
    return Exemption(where=where, reason="the problem is not analysed yet.")


def without_interpolators(evidence: Evidence) -> tuple[Exemption, ...]:
    """Those, and the ones that no predictor fits; the sentence quotes the first of these."""
    sentences = [problem.analysis.no_interpolator if problem.analysis else None for problem in evidence.problems]
    first = next((sentence for sentence in sentences if sentence), "")
    where = np.array([sentence is not None for sentence in sentences])
    return without_analysis(evidence), Exemption(where=where, reason=f"there are no interpolators: {first}.")


def without_squares(evidence: Evidence) -> tuple[Exemption, ...]:
    """Problems at whose interpolators the least tangent weights do not grow as |β|."""
    reason = (
        "it is about depth 2 (and UV, which has the same flattest interpolator); the ratio is measured all the same."
    )
    return (Exemption(where=evidence.depth != 2, reason=reason),)


def without_zeta(evidence: Evidence) -> tuple[Exemption, ...]:
    """Problems whose ζ is not known, or infinite."""
    user, centred = ~evidence.is_drawn, evidence.drawn["mean"] == 0
    factor = realised_factor(evidence)[user]
    known = factor[~np.isnan(factor)]
    own = f"; the data's own factor is up to {known.max():.3g}" if known.size else ""
    return (
        Exemption(where=user, reason=f"ζ of the distribution behind user data is not known{own}."),
        Exemption(where=evidence.is_drawn & ~evidence.is_of_the_paper, reason=OTHER_LAW),
        Exemption(where=centred, reason="μ = 0: ζ = 1 + σ²/μ² is infinite."),
    )
