"""What an experiment will cost, from its grid alone, before anything is analysed or trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.planning.batches import form_batches
from core.planning.cost import KernelCost, analysis_seconds
from core.planning.memory import peak_bytes
from core.planning.problem_facts import ProblemFacts, Provenance
from core.planning.run_table import BLOCK, RunTable
from core.sweep.grid import Grid

MOST_KINDS: Final = 256
"""Most different facts of problems that an estimate works out: it is right within a factor 2 at best, mostly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What is predicted of an experiment, as if none of its runs were stored yet.

    `predicted_steps` are those of all trainings of all runs, `predicted_seconds` those of one core, with the analyses
    of problems that are not analysed yet.
    `longest` are the seconds of the analysis and the batch of one problem that take longest together: the batch waits
    for the analysis, and neither is shared between processes.
    `memory` are the bytes that the analysis or the batch of the most takes, beside what every worker takes.
    `max_stable_steps` counts the problems by how far their largest stable step is known.
    """

    runs: int
    problems: int
    batches: int
    predicted_steps: float
    predicted_seconds: float
    longest: float
    bytes: float
    memory: float
    max_stable_steps: Mapping[str, int]

    def wall_seconds(self, processes: int) -> float:
        """What it takes with so many processes, each on a core of its own, and nothing else to do.

        max(`predicted_seconds`/P, `longest`): no order of the batches is faster, and longest first is slower by less
        than one batch more (Graham 1969).
        """
        return max(self.predicted_seconds / processes, self.longest)


def estimate(grid: Grid, problems: Mapping[ProblemFacts, int], kernel: KernelCost) -> Estimate:
    """What the grid will cost, given how many of its problems have which facts.

    The time this takes grows with the number of runs of one problem, and with that of different facts, of which
    `MOST_KINDS` at most are worked out, evenly spread; they stand for the others.
    """
    size = grid.runs_per_problem
    blocks = [np.arange(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
    tables = [RunTable.of(grid, block) for block in blocks]

    known = dict.fromkeys((str(provenance) for provenance in Provenance), 0)
    for facts, count in problems.items():
        known[facts.provenance] += count
    batches, steps, seconds, longest, kept, memory = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for facts, weight in _representative(problems):
        is_analysed = facts.provenance is Provenance.KNOWN
        entries = float(facts.samples * facts.dimension)
        analysis = 0.0 if is_analysed else analysis_seconds(entries=entries, degree=facts.network.degree)
        seconds += weight * analysis
        for block, table in zip(blocks, tables, strict=True):
            forecast = table.forecast(facts)
            formed = form_batches(block.tolist(), forecast.costs, kernel)
            batches += weight * len(formed)
            steps += weight * table.lanes * float(forecast.costs.steps.sum())
            seconds += weight * sum(batch.work for batch in formed)
            longest = max(longest, analysis + max((batch.work for batch in formed), default=0.0))
            kept += weight * float(forecast.bytes.sum())
            widest = max((len(batch.indices) for batch in formed), default=0)
            memory = max(memory, peak_bytes(table, facts, lanes=widest * table.lanes))
    return Estimate(
        runs=len(grid),
        problems=grid.problems,
        batches=round(batches),
        predicted_steps=steps,
        predicted_seconds=seconds,
        longest=longest,
        bytes=kept,
        memory=memory,
        max_stable_steps=known,
    )


def _representative(problems: Mapping[ProblemFacts, int]) -> list[tuple[ProblemFacts, float]]:
    """Facts with the number of problems that they stand for."""
    kinds = list(problems.items())
    if len(kinds) <= MOST_KINDS:
        return [(facts, float(count)) for facts, count in kinds]
    chosen = [kinds[place * len(kinds) // MOST_KINDS] for place in range(MOST_KINDS)]
    share = sum(problems.values()) / sum(count for _, count in chosen)
    return [(facts, count * share) for facts, count in chosen]
