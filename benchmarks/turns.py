"""Timing in turn: A B C A B C …, so that whatever else the machine does falls on all alike."""

import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.baselines.elapsed import Elapsed

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """How long to measure: rounds, and about how many seconds a candidate works in each.

    `by_cpu`: count the seconds that a process computed instead of those on the clock, for a machine that is shared.
    `large`: include what takes many minutes. `other`: the `stepbias` command of another version, for comparison.
    `kernel`: whose steps are timed, beside others that are held to its instruction set.
    """

    rounds: int = 5
    seconds: float = 0.08
    quick: bool = False
    by_cpu: bool = False
    large: bool = False
    other: str = ""
    kernel: str = "auto"

    def of(self, taken: Elapsed) -> float:
        """The seconds that count."""
        return taken.cpu if self.by_cpu else taken.wall


@contextmanager
def one_core(core: int | None = None) -> Iterator[int | None]:
    """Keep this process and those it starts on one core, the last one unless it is named; where Linux lets us."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    chosen = max(before) if core is None else core
    os.sched_setaffinity(0, {chosen})
    try:
        yield chosen
    finally:
        os.sched_setaffinity(0, before)


def in_turn(candidates: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """What every candidate returned in each round."""
    taken: dict[str, list[T]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, work in candidates.items():
            taken[name].append(work())
    return taken


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Median over the rounds of the ratio within a round, which a machine that slows down in between hardly moves."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))
