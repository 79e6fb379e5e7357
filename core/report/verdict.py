"""The verdict on an inequality: in how many cases it holds, how closely, and why some cases are none of its business.

A case is a run that ended at a limit, converged or stationary at the least squares, or a problem. Where a condition of
the statement is not met, the case is not applicable, with a reason, and not a failure. So are with-high-probability
statements in cases that turned out otherwise: a sample in which an improbable thing happened contradicts nothing, and
neither does a sample too small for the probability.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64

from core.report.evidence import Evidence, Family

UNKNOWN: Final = "one of the numbers that it compares is not known."

NO_CASE: Final = "no run has ended at a limit."

LARGEST_RESIDUAL: Final = 1e-8
"""Largest residual of a certificate that is worth its name: correct arithmetic leaves 1e-15 to 1e-10."""


class Scope(StrEnum):
    """What one case of a statement is: a run at its limit, or a problem, whatever its runs."""

    RUN = "run"
    PROBLEM = "problem"


class Status(StrEnum):
    """Whether a statement holds in every case that it applies to."""

    HOLDS = "holds"
    VIOLATED = "violated"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """By what fraction of the right side the left side may exceed it, and why that much."""

    value: float
    reason: str


LIMIT: Final = Tolerance(value=0.0, reason="the right side is the tolerance itself")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Exemption:
    """Cases that a statement does not apply to, and the sentence that says why, to be read after the statement."""

    where: Bool[np.ndarray, " case"]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Comparison:
    """left ≤ right·(1 + tolerance), both sides ≥ 0, in every case to which no exemption applies."""

    left: Float64[np.ndarray, " case"]
    right: Float64[np.ndarray, " case"]
    tolerance: Tolerance
    exemptions: tuple[Exemption, ...] = ()

    @property
    def slack(self) -> Float64[np.ndarray, " case"]:
        """(right − left)/right: 0 where both vanish, −∞ where only the right side does."""
        slack: Float64[np.ndarray, " case"] = (self.right - self.left) / self.right
        slack[(self.left == 0) & (self.right == 0)] = 0.0
        return slack

    @property
    def holds(self) -> Bool[np.ndarray, " case"]:
        """Where the inequality holds; not where a side is NaN."""
        holds: Bool[np.ndarray, " case"] = self.slack >= -self.tolerance.value
        return holds

    @property
    def fails(self) -> Bool[np.ndarray, " case"]:
        """Where the inequality is violated; not where a side is NaN."""
        fails: Bool[np.ndarray, " case"] = self.slack < -self.tolerance.value
        return fails


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Statement:
    """An inequality: its formula, what it says in words, where it is from for each kind of network, its two sides."""

    key: str
    formula: str
    words: str
    source: Mapping[Family, str]
    scope: Scope
    compare: Callable[[Evidence], Comparison]


def by_family(squared: str, deep: str | None = None, uv: str | None = None) -> Mapping[Family, str]:
    """Where a statement is from, for each kind of network; the first serves where another is not given."""
    sources = {Family.SQUARED: squared, Family.DEEP: deep or squared, Family.UV: uv or squared}
    return MappingProxyType(sources)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a statement does not apply in so many cases."""

    sentence: str
    cases: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Worst:
    """The case that comes closest to violating a statement, or violates it most: its index, place and two sides."""

    index: int
    coordinates: Mapping[str, float]
    left: float
    right: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of a statement. `worst_slack` is (right − left)/right of `worst`; None where right alone is 0."""

    key: str
    formula: str
    words: str
    source: str
    scope: Scope
    status: Status
    applicable: int
    holds: int
    not_applicable: int
    reasons: tuple[Reason, ...]
    worst_slack: float | None
    worst: Worst | None
    tolerance: Tolerance

    def to_document(self) -> dict[str, Any]:
        """The verdict as JSON; `worst` names its case by `run` or `problem`, as the scope is."""
        worst = self.worst and {
            self.scope.value: self.worst.index,
            "coordinates": dict(self.worst.coordinates),
            "left": self.worst.left,
            "right": self.worst.right,
        }
        return {
            "key": self.key,
            "statement": self.formula,
            "explanation": self.words,
            "source": self.source,
            "scope": self.scope.value,
            "status": self.status.value,
            "applicable": self.applicable,
            "holds": self.holds,
            "not_applicable": self.not_applicable,
            "reasons": [{"reason": reason.sentence, "cases": reason.cases} for reason in self.reasons],
            "worst_slack": self.worst_slack,
            "worst": worst,
            "tolerance": self.tolerance.value,
            "tolerance_reason": self.tolerance.reason,
        }


def judge(statement: Statement, evidence: Evidence) -> Verdict:
    """Compare the two sides in every case: on every run that ended at a limit, or on every problem."""
    comparison = statement.compare(evidence)
    of_runs = statement.scope is Scope.RUN
    cases = evidence.at_limit if of_runs else np.ones(len(evidence.problems), dtype=bool)
    applicable, reasons = _sorted_out(comparison, cases)
    holding = int((applicable & comparison.holds).sum())
    count = int(applicable.sum())
    worst = _worst(comparison, applicable, evidence, of_runs=of_runs)
    slack = None if worst is None else float(comparison.slack[worst.index])
    return Verdict(
        key=statement.key,
        formula=statement.formula,
        words=statement.words,
        source=", ".join(dict.fromkeys(statement.source[family] for family in evidence.families)),
        scope=statement.scope,
        status=_status(count, holding),
        applicable=count,
        holds=holding,
        not_applicable=int(cases.sum()) - count,
        reasons=reasons,
        worst_slack=slack if slack is not None and np.isfinite(slack) else None,
        worst=worst,
        tolerance=comparison.tolerance,
    )


def _status(applicable: int, holding: int) -> Status:
    if holding < applicable:
        return Status.VIOLATED
    return Status.HOLDS if applicable else Status.NOT_APPLICABLE


def _sorted_out(
    comparison: Comparison, cases: Bool[np.ndarray, " case"]
) -> tuple[Bool[np.ndarray, " case"], tuple[Reason, ...]]:
    """The cases that a statement applies to, and why not the others: each has the first reason that fits it."""
    if not cases.any():
        return cases, (Reason(sentence=NO_CASE, cases=0),)
    reasons = []
    for exemption in (*comparison.exemptions, *_unknown(comparison)):
        if exempt := int((cases & exemption.where).sum()):
            reasons.append(Reason(sentence=exemption.reason, cases=exempt))
            cases = cases & ~exemption.where
    return cases, tuple(reasons)


def _unknown(comparison: Comparison) -> Iterator[Exemption]:
    yield Exemption(where=~(np.isfinite(comparison.left) & np.isfinite(comparison.right)), reason=UNKNOWN)


def _worst(
    comparison: Comparison, applicable: Bool[np.ndarray, " case"], evidence: Evidence, *, of_runs: bool
) -> Worst | None:
    if not applicable.any():
        return None
    index = int(np.where(applicable, comparison.slack, np.inf).argmin())
    coordinates = evidence.grid.coordinates(index) if of_runs else evidence.problems[index].coordinates
    return Worst(
        index=index,
        coordinates=coordinates,
        left=float(comparison.left[index]),
        right=float(comparison.right[index]),
    )
