"""The report of an experiment as one page of text, at most 80 columns wide, to be read from top to bottom."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from core.outcome import Outcome
from core.report.findings import Basis, ProblemRow, Report
from core.report.measurements import Measurement
from core.report.regimes import EDGE, KERNEL, RICH, UNKNOWN, Counts
from core.report.verdict import Scope, Status, Verdict, Worst
from core.results.variables import COORDINATES

WIDTH: Final = 80

MOST_PROBLEMS: Final = 8
"""Most problems that are listed: the page stays one page; JSON has all of them."""

MOST_ENDINGS: Final = 6
"""Most ways to end that are explained."""

_INDENT: Final = 4


def page(report: Report, *, title: str) -> str:
    """The page. A violated statement is in capital letters; what did not apply, and why, stands at the end."""
    sections = (
        _head(report, title),
        _inequalities(report),
        _measurements(report),
        _regimes(report),
        _endings(report),
        _frequencies(report),
        _problems(report),
        _not_measured(report),
        _not_applicable(report),
    )
    return "\n\n".join("\n".join(section) for section in (list(lines) for lines in sections) if section) + "\n"


def _head(report: Report, title: str) -> Iterator[str]:
    basis, statuses = report.basis, report.statuses
    yield from _wrapped(f"REPORT  {title}")
    yield ""
    yield from _wrapped(_rests_on(basis))
    yield from _wrapped(f"The runs ended: {_counts(basis.outcomes) or 'none yet'}.")
    if basis.perturbations:
        yield from _wrapped(
            f"{basis.perturbed} of them had to be pushed off an unstable point, {basis.perturbations} times in all."
        )
    if set(basis.paths) - {UNKNOWN}:
        yield from _wrapped(f"Their paths: {_counts(basis.paths)}. {_decided(basis.decided_by_rounding)}")
    yield from _wrapped(
        f"Statements: {statuses[Status.HOLDS]} hold, {statuses[Status.VIOLATED]} violated, "
        f"{statuses[Status.NOT_APPLICABLE]} without a case here that they apply to."
    )


def _decided(runs: int) -> str:
    return f"Rounding decided the end of {runs}." if runs else "None is known to be decided by rounding."


def _rests_on(basis: Basis) -> str:
    rest = f"{basis.missing} are not stored yet" if basis.missing else "none is missing"
    return (
        f"Based on {basis.stored} of {basis.runs} runs ({rest}), of which {basis.converged} have converged"
        f"{_at_rest(basis)}, and on {basis.analysed} of {basis.problems} analysed problems "
        "(a problem is a data set with a network)."
    )


def _at_rest(basis: Basis) -> str:
    """Of data that nothing interpolates."""
    stationary = basis.outcomes.get(Outcome.STATIONARY, 0)
    return f" and {stationary} are at the least squares" if stationary else ""


def _inequalities(report: Report) -> Iterator[str]:
    applicable = [verdict for verdict in report.verdicts if verdict.status is not Status.NOT_APPLICABLE]
    yield "INEQUALITIES" if applicable else "INEQUALITIES: none applies to what is there so far"
    if applicable:
        yield from _wrapped(
            "How many cases each holds in, runs at a limit (converged, or stationary at the least squares) or "
            "problems; the closest of them, with its room: "
            "(right − left)/right. c are the tangent weights at a run's end, c(β) the least they can be; "
            "with momentum the optimiser's stability limit stands for the 2 of 2/η."
        )
    for verdict in applicable:
        yield ""
        yield from _verdict(verdict)


def _verdict(verdict: Verdict) -> Iterator[str]:
    status = "VIOLATED" if verdict.status is Status.VIOLATED else "holds"
    line = f"{status:<9}{f'{verdict.holds}/{verdict.applicable}':<14}{verdict.formula}"
    room = WIDTH - len(line) - 2
    fits = len(verdict.source) <= room
    yield f"{line}  {verdict.source:>{room}}" if fits else line
    yield from _wrapped(verdict.words if fits else f"{verdict.source}: {verdict.words}", indent=_INDENT)
    if verdict.worst is not None:
        yield from _wrapped(_closest(verdict, verdict.worst), indent=_INDENT)


def _closest(verdict: Verdict, worst: Worst) -> str:
    room = "" if verdict.worst_slack is None else f", room {verdict.worst_slack:.2g}"
    needed = verdict.worst_slack is None or verdict.worst_slack < 0
    tolerance = f" Tolerance {verdict.tolerance.value:.2g}: {verdict.tolerance.reason}." if needed else ""
    where = f"{verdict.scope} {worst.index}{_place(worst.coordinates)}"
    name = "Worst" if verdict.status is Status.VIOLATED else "Closest"
    sign = "≤" if worst.left <= worst.right else ">"
    return f"{name}: {worst.left:.5g} {sign} {worst.right:.5g}{room}, {where}.{tolerance}"


def _measurements(report: Report) -> Iterator[str]:
    known = [measurement for measurement in report.measurements if measurement.known]
    if known:
        yield f"{'MEASURED':<42}{'least':>10}{'median':>10}{'greatest':>10}{'of':>7}"
        for measurement in known:
            yield _measurement(measurement)


def _measurement(measurement: Measurement) -> str:
    numbers = (measurement.least, measurement.median, measurement.greatest)
    return f"{measurement.label:<42}{''.join(f'{_number(number):>10}' for number in numbers)}{measurement.known:>7}"


def _regimes(report: Report) -> Iterator[str]:
    yield "REGIMES"
    kernel, edge = report.kernel_regimes, report.edge_of_stability
    yield from _wrapped(
        f"Kernel or rich (eqs. 5 and 6): the tangent kernel changed by less than {KERNEL:g} in {kernel['kernel']} "
        f"runs at a limit, by more than {RICH:g} in {kernel['rich']}, in between in {kernel['between']}"
        f"{_unknown(kernel)}."
    )
    yield from _wrapped(
        f"Edge of stability: λ_max at least {EDGE:g} of 2/η in {edge['riding']} runs at a limit, "
        f"below in {edge['below']}{_unknown(edge)}."
    )
    yield from _wrapped(_unstable_ends(report.basis))
    yield from _wrapped(
        "Assumption 5.4, as we read it: every stable step size converges. Runs ended, by step size: "
        f"{'; '.join(_ends(report.ends_by_step_size))}."
    )


def _unstable_ends(basis: Basis) -> str:
    """Assumption 5.3 of Nacson et al. 2022, and why nothing here can speak against it."""
    left = basis.outcomes.get(Outcome.UNSTABLE_INTERPOLATOR, 0)
    return (
        "Assumption 5.3: with probability zero descent converges to an interpolator that is not linearly stable. Here "
        f"it is so by construction: {basis.perturbed} runs that had come to one were perturbed until they left it, and "
        f"{left} that stayed, as perturbations were off, are not called converged."
    )


_PLACES: Final = {
    "below_max_stable_step": "below η*",
    "between": "within the uncertainty of η*",
    "above_never_stable": "above η*",
    UNKNOWN: "where η* is not known",
}


def _ends(ends: Mapping[str, Counts]) -> Iterator[str]:
    for place, words in _PLACES.items():
        if ends[place] or place in {"below_max_stable_step", "above_never_stable"}:
            yield f"{words}: {_counts(ends[place]) or 'none'}"


_COLUMNS: Final = {
    "means": "means",
    "moments": "moments",
    "lemma_5_1": "L. 5.1",
    "recovered_by_l1": "ℓ1 = β*",
    "recovered_by_flattest": "flat = β*",
}


def _endings(report: Report) -> Iterator[str]:
    if report.endings:
        yield "WHY RUNS ENDED AS THEY DID"
    for ending in report.endings[:MOST_ENDINGS]:
        others = f", of {ending.runs} alike" if ending.runs > 1 else ""
        yield from _wrapped(f"Run {ending.run}{others}: {ending.explanation}")
    more = len(report.endings) - MOST_ENDINGS
    if more > 0:
        yield f"… and {more} more: the JSON of the report has all of them."


def _frequencies(report: Report) -> Iterator[str]:
    """Where there are several data sets of one distribution."""
    rows = report.frequencies
    if max((row.problems for row in rows), default=0) < 2:
        return
    yield f"{'HOW OFTEN OVER SEEDS':<24}{'of':>5}{''.join(f'{name:>10}' for name in _COLUMNS.values())}"
    for row in rows[:MOST_PROBLEMS]:
        names = {name: COORDINATES[name].symbol or name for name in row.coordinates}
        place = ", ".join(f"{names[name]} {value:g}" for name, value in row.coordinates.items()) or "all"
        counts = "".join(f"{_number(row.happened[event]):>10}" for event in _COLUMNS)
        yield f"{textwrap.shorten(place, 24, placeholder='…'):<24}{row.problems:>5}{counts}"
    more = len(rows) - MOST_PROBLEMS
    if more > 0:
        yield f"… and {more} more: the JSON of the report has all of them."
    yield from _wrapped(
        "Data sets whose means and second moments have concentrated (Lemmas D.4 and D.5), for which Lemma 5.1 holds, "
        "and, without noise, whose interpolator of least ℓ1 norm or of least λ_max is β* itself (section 5)."
    )


def _problems(report: Report) -> Iterator[str]:
    yield f"{'STEP SIZES BY PROBLEM':<28}{'η*':>11}{'converged':>12}{'failed':>12}{'searched':>12}"
    for problem in report.problems[:MOST_PROBLEMS]:
        yield _problem(problem)
    more = len(report.problems) - MOST_PROBLEMS
    if more > 0:
        yield f"… and {more} more: the JSON of the report has all of them."
    yield from _wrapped(
        "η* = 2/min λ_max; the largest η that converged; the smallest above it that did not; "
        "the first failing one of a search. With momentum, 2η over the optimiser's stability limit."
    )


def _problem(problem: ProblemRow) -> str:
    place = ", ".join(f"{name} {value:g}" for name, value in problem.coordinates.items()) or problem.network
    label = textwrap.shorten(f"{problem.index}: {place}", 28, placeholder="…")
    names = ("max_stable_step", "largest_converged_step", "smallest_failed_step_above", "first_failing_step")
    first, *others = (_number(problem.numbers[name], digits=5) for name in names)
    return f"{label:<28}{first:>11}{''.join(f'{number:>12}' for number in others)}"


def _not_applicable(report: Report) -> Iterator[str]:
    for number, (reason, statements) in enumerate(_by_reason(report.verdicts).items()):
        yield "" if number else "NOT APPLICABLE, AND WHY"
        yield from _wrapped(_as_sentence(reason))
        for statement in statements:
            yield from _wrapped(statement, indent=_INDENT)


def _not_measured(report: Report) -> Iterator[str]:
    absent = [measurement for measurement in report.measurements if not measurement.known]
    if absent:
        yield "NOT MEASURED, FOR NO CASE HAS IT"
    for measurement in absent:
        yield from _wrapped(f"{measurement.label}: {measurement.unknown_reason or 'no run has ended at a limit'}.")


def _by_reason(verdicts: tuple[Verdict, ...]) -> Mapping[str, list[str]]:
    """For each reason, the statements that it exempts cases from, with their number."""
    found: dict[str, list[str]] = {}
    for verdict in verdicts:
        for reason in verdict.reasons:
            cases = f": {_cases(verdict.scope, reason.cases)}" if reason.cases else ""
            found.setdefault(reason.sentence, []).append(f"{verdict.formula}{cases}")
    return found


def _as_sentence(reason: str) -> str:
    """With a capital letter, unless it begins with a symbol: Ζ is not ζ."""
    return reason[0].upper() + reason[1:] if reason[0].isascii() and reason[1].isalpha() else reason


def _cases(scope: Scope, number: int) -> str:
    return f"{number} {scope.value}{'' if number == 1 else 's'}"


def _counts(counts: Counts) -> str:
    ordered = sorted(counts.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{number} {name}" for name, number in ordered)


def _unknown(counts: Counts) -> str:
    return f", not known in {counts[UNKNOWN]}" if counts[UNKNOWN] else ""


def _place(coordinates: Mapping[str, float]) -> str:
    inner = ", ".join(f"{name} {value:.5g}" for name, value in coordinates.items())
    return f" ({inner})" if inner else ""


def _number(value: float | None, *, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


def _wrapped(text: str, *, indent: int = 0) -> Iterator[str]:
    blank = " " * indent
    yield from textwrap.wrap(text, WIDTH, initial_indent=blank, subsequent_indent=blank)
