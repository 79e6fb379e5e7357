"""How often what holds with high probability has held, over the data seeds of one distribution and network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from core.data import regression
from core.data.regression import RECOVERED
from core.report.concentration import CONCENTRATION, means_margin, moments_margin, zeta
from core.report.evidence import Evidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Frequency:
    """Problems that differ in their seed alone: their place, how many are analysed, and how often each event happened.

    `happened` counts by event, None where it has no meaning, as recovery under noise has not.
    """

    coordinates: Mapping[str, float]
    problems: int
    happened: Mapping[str, int | None]

    def to_document(self) -> dict[str, Any]:
        """The row as JSON."""
        return {"coordinates": dict(self.coordinates), "problems": self.problems, "happened": dict(self.happened)}


def frequencies(evidence: Evidence) -> tuple[Frequency, ...]:
    """A row for each distribution with its network, in the order of the grid; none for users' data or other laws."""
    events, drawn = _events(evidence), evidence.is_of_the_paper
    groups: dict[tuple[tuple[str, float], ...], list[int]] = {}
    for index in np.flatnonzero(drawn).tolist():
        place = evidence.problems[index].coordinates
        groups.setdefault(tuple((name, value) for name, value in place.items() if name != "seed"), []).append(index)
    return tuple(
        Frequency(
            coordinates=dict(place),
            problems=sum(evidence.problems[index].analysis is not None for index in members),
            happened={name: _count(event[members]) for name, event in events.items()},
        )
        for place, members in groups.items()
    )


def _count(event: Float64[np.ndarray, " problem"]) -> int | None:
    known = event[~np.isnan(event)]
    return int(known.sum()) if known.size else None


def _events(evidence: Evidence) -> Mapping[str, Float64[np.ndarray, " problem"]]:
    """1 where an event happened, 0 where not, NaN where that is not known."""
    norms = [evidence.analysed[f"interpolators.{name}.l1_norm"] for name in ("flattest", "min_l1")]
    margins = {
        "means": means_margin(evidence),
        "moments": moments_margin(evidence),
        "lemma_5_1": norms[0] / (CONCENTRATION * zeta(evidence) * norms[1]),
        "recovered_by_l1": _relative_risk(evidence, "min_l1") / RECOVERED,
        "recovered_by_flattest": _relative_risk(evidence, "flattest") / RECOVERED,
    }
    return {name: _known(margin <= 1, margin) for name, margin in margins.items()}


def _known(
    happened: Bool[np.ndarray, " problem"], margin: Float64[np.ndarray, " problem"]
) -> Float64[np.ndarray, " problem"]:
    return np.where(np.isnan(margin), np.nan, happened)


def _relative_risk(evidence: Evidence, interpolator: str) -> Float64[np.ndarray, " problem"]:
    """R(β)/R(0), NaN under noise: no interpolator is β* there."""
    risk = evidence.analysed[f"interpolators.{interpolator}.excess_risk"] / risk_of_zero(evidence)
    return np.where(evidence.drawn["noise_variance"] == 0, risk, np.nan)


def risk_of_zero(evidence: Evidence) -> Float64[np.ndarray, " problem"]:
    """R(0) of each problem."""
    drawn = evidence.drawn
    return regression.risk_of_zero(drawn["mean"], drawn["variance"], drawn["sparsity"])
