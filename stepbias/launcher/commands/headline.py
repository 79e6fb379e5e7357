"""The few numbers by which one sees what a Figure 1 sweep has found."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepbias.progress import outcome_counts

Summary = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Headline:
    """One number with its name; `note` says how it was chosen, or how sure it is."""

    name: str
    value: str
    note: str = ""


def headlines(summaries: Sequence[Summary], analyses: Sequence[Summary]) -> Iterator[Headline]:
    """Reference points, runs of small and large step size, the certificates, and how the runs ended.

    Args:
        summaries: of the stored runs.
        analyses: of the data sets that could be analysed; the first stands for all.
    """
    if analyses:
        yield from _references(analyses[0])
    if summaries:
        yield from (_flow(summaries, init_scale) for init_scale in (0.0464, 1.0))
        largest = _largest_converged_step(summaries)
        yield from (_run(summaries, init_scale, largest) for init_scale in (0.3, 1.0))
        yield _worst_certificate(summaries)
    counts = Counter(str(summary["outcome"]) for summary in summaries)
    yield Headline(name="outcomes", value=outcome_counts(counts))


def _references(analysis: Summary) -> Iterator[Headline]:
    for name, title in (("min_l1", "least ℓ1"), ("min_l2", "least ℓ2")):
        risk = analysis["interpolators"].get(name, {}).get("excess_risk")
        yield Headline(name=f"excess risk, {title} interpolator", value=number(risk))
    yield Headline(
        name="min λ_max over interpolators",
        value=number(analysis["min_sharpness_upper"], digits=7),
        note=f"gap to the certified lower bound {number(analysis['min_sharpness_gap'], digits=2)}",
    )
    yield Headline(name="largest stable step, 2/min λ_max", value=number(analysis["max_stable_step"]))


def _flow(summaries: Sequence[Summary], init_scale: float) -> Headline:
    nearest = _nearest(summaries, "init_scale", init_scale)[0]
    return Headline(
        name=f"excess risk, gradient flow, α = {nearest['init_scale']:.3g}",
        value=number(nearest["flow_excess_risk"]),
        note="the limit η → 0, exact",
    )


def _run(summaries: Sequence[Summary], init_scale: float, step_size: float) -> Headline:
    same_scale = _nearest(summaries, "init_scale", init_scale)
    run = _nearest(same_scale, "step_size", step_size)[0]
    return Headline(
        name=f"excess risk, gradient descent, α = {run['init_scale']:.3g}, η = {run['step_size']:.3g}",
        value=number(run["excess_risk"]),
        note=f"{run['outcome']} after {run['steps']:,} steps",
    )


def _worst_certificate(summaries: Sequence[Summary]) -> Headline:
    residuals = [summary["certificate_residual"] for summary in summaries if summary["outcome"] == "converged"]
    known = [residual for residual in residuals if residual is not None]
    return Headline(
        name="worst certificate residual",
        value=number(max(known, default=None), digits=2),
        note=f"over {len(known)} converged runs",
    )


def _largest_converged_step(summaries: Iterable[Summary]) -> float:
    """The largest step size at which some run converged; the largest of all where none did."""
    steps = [(summary["outcome"] == "converged", float(summary["step_size"])) for summary in summaries]
    return max(steps)[1]


def _nearest(summaries: Sequence[Summary], name: str, wanted: float) -> list[Summary]:
    """The runs whose positive parameter is nearest in ratio to the one wanted."""

    def distance(summary: Summary) -> float:
        return abs(math.log(summary[name] / wanted))

    least = min(distance(summary) for summary in summaries)
    return [summary for summary in summaries if distance(summary) == least]


def number(value: float | None, *, digits: int = 4) -> str:
    """A number to so many significant digits."""
    return "unknown" if value is None else f"{value:.{digits}g}"
