"""What the parts of an experiment take of memory while they are worked on, beside what every worker takes.

That is what it was started with, and up to 32 MB of the problems before (`core.experiment.known_problems`).

Fitted to the growth of a process, for N·d up to 10⁶ and 4 to 128 lanes; right within a factor 2, mostly. In entries of
eight bytes, p parts of θ, n = min(N, d):

* An analysis holds twenty matrices of the size of X, most of them in the solver of linear programmes.
* A batch holds a dozen of the size of X, seven of n², and 15 arrays of the size of its θ, three more with momentum.
* Where steps draw numbers, blocks of `core.descent.gradient_noise.BLOCK` steps are drawn ahead, four arrays of them,
  or as many as fill two megabytes, which do not count.
"""

from typing import Final

from core.descent.gradient_noise import BLOCK
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import RunTable

ENTRY: Final = 8
"""Bytes of a float64."""

ANALYSED: Final = 20
MATRICES: Final = 12
SQUARES: Final = 7
STATES: Final = 15
MOMENTA: Final = 3
DRAWN: Final = 2
PER_RECORD: Final = 20
PER_VECTOR: Final = 3
"""Of every coordinate of every vector: as recorded, as it is taken from there, and as it is stored."""


def peak_bytes(table: RunTable, facts: ProblemFacts, *, lanes: int) -> float:
    """Bytes of the analysis of a problem or of a batch of so many lanes, whichever takes more."""
    return max(analysis_bytes(facts), batch_bytes(table, facts, lanes=lanes))


def analysis_bytes(facts: ProblemFacts) -> float:
    """Bytes that the analysis of a problem takes."""
    return float(ENTRY * ANALYSED * facts.samples * facts.dimension)


def batch_bytes(table: RunTable, facts: ProblemFacts, *, lanes: int) -> float:
    """Bytes that a batch of so many lanes takes."""
    samples, dimension, parts = facts.samples, facts.dimension, len(facts.network.parts)
    shared = MATRICES * samples * dimension + SQUARES * min(samples, dimension) ** 2
    state = (STATES + MOMENTA * bool(table.momentum.any())) * parts * dimension
    draws = table.draws_batches + bool(table.noise_steps.any())
    drawn = parts * dimension if table.optimizers[0].perturbs_parameters else samples
    noise = DRAWN * BLOCK * drawn * draws
    records = (PER_RECORD + PER_VECTOR * table.vectors * dimension) * table.points
    return float(ENTRY * (shared + lanes * (state + noise + records)))
