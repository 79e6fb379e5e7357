"""The report of a campaign: a table by kind of fault, the figures, the verdict."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tests.faults.campaign import Outcome, Strike
from tests.faults.measure import percentile, upper_bound

_ROW: Final = "{:<36} {:>5} {:>5}  {:>14} {:>14} {:>14} {:>14}"


def table(strikes: Sequence[Strike]) -> Iterator[str]:
    """A line for each kind of fault."""
    by_kind = defaultdict(list)
    for strike in strikes:
        by_kind[strike.fault.kind].append(strike)
    yield _ROW.format("", "", "", "work goes on", "after, s", "accepted", "after, s")
    yield _ROW.format("fault", "times", "hit", "median", "most", "median", "most")
    for kind, found in sorted(by_kind.items()):
        numbers = (_summary(each.work_after for each in found), _summary(each.accepted_after for each in found))
        yield _ROW.format(kind, len(found), sum(each.hit for each in found), *numbers[0], *numbers[1])


def _summary(numbers: Iterable[float | None]) -> tuple[str, str]:
    known = [number for number in numbers if number is not None]
    return (f"{statistics.median(known):.1f}", f"{max(known):.1f}") if known else ("-", "-")


def figures(outcome: Outcome) -> Iterator[str]:
    """What was counted and measured."""
    kills = [each.accepted_after for each in outcome.strikes if "server" in each.fault.kind and each.accepted_after]
    work = [each.work_after for each in outcome.strikes if each.work_after is not None]
    yield f"submissions accepted: {dict(outcome.codes)}; not accepted or not answered: {dict(outcome.refusals)}"
    yield f"experiments: {dict(outcome.entries)}, of {outcome.jobs} jobs and {outcome.runs} runs"
    yield f"jobs executed more than once: {outcome.executed_again}"
    yield f"failed, and retried by their clients: {dict(outcome.failures)}"
    yield f"seconds until work goes on: {_percentiles(work)}"
    yield f"seconds until a submission is accepted after a fault of the server: {_percentiles(kills)}"
    yield f"seconds from acceptance to the end: {_percentiles(outcome.latencies)}"
    yield f"longest standstill while there was work and no fault: {outcome.longest_standstill:.1f} s"
    yield f"everything was done {outcome.drained_after:.1f} s after the last submission"
    yield f"started again by hand: {sum(each.restarted_by_hand for each in outcome.strikes)}"
    yield f"exit code of the service: {outcome.exit_code}"
    hits = sum(strike.hit > 0 for strike in outcome.strikes)
    yield f"{hits} faults hit something; if none did harm, one does with at most {upper_bound(hits):.2%} (95 %)"


def _percentiles(numbers: Sequence[float]) -> str:
    return ", ".join(
        f"{name} {percentile(numbers, percent):.2f}" for name, percent in (("p50", 50), ("p99", 99), ("most", 100))
    )


def faults_of(outcome: Outcome, *, planned: int, standstill: float) -> list[str]:
    """Why the campaign has failed; empty where it has passed.

    Args:
        outcome: of the campaign.
        planned: faults that should have been carried out.
        standstill: the most seconds without progress that are allowed.
    """
    return [*outcome.complaints, *_unforeseen(outcome), *_undone(outcome, planned, standstill)]


def _unforeseen(outcome: Outcome) -> Iterator[str]:
    """Failures that are no fault's doing, and a supervisor that needs one itself."""
    for reason, count in outcome.failures.items():
        if not reason.startswith("its worker disappeared"):
            yield f"failed {count} times: {reason}"
    for strike in outcome.strikes:
        if strike.restarted_by_hand and not any(head in strike.fault.kind for head in ("supervisor", "everything")):
            yield f"the supervisor did not survive {strike.fault.kind}, fault {strike.number}"


def _undone(outcome: Outcome, planned: int, standstill: float) -> Iterator[str]:
    """What stood still, and what was not carried out."""
    if outcome.longest_standstill > standstill:
        yield f"stuck: no progress for {outcome.longest_standstill:.1f} s"
    for strike in outcome.strikes:
        if strike.is_awaited and None in {strike.work_after, strike.accepted_after}:
            yield f"stuck after {strike.fault.kind}, fault {strike.number}"
    if len(outcome.strikes) < planned:
        yield f"only {len(outcome.strikes)} of {planned} faults"
    if outcome.exit_code:
        yield f"the service stopped with exit code {outcome.exit_code}"
