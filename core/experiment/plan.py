"""Which runs of an experiment are trained together."""

from collections.abc import Sequence

from core.analysis.problem_analysis import ProblemAnalysis
from core.experiment.training_run import require_unit
from core.planning.batches import Batch
from core.planning.cost import kernel_cost
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import batches_of
from core.sweep.grid import Grid


def planned_batches(
    grid: Grid, block: range, analysis: ProblemAnalysis, kernel: str, *, missing: Sequence[int] | None = None
) -> list[Batch]:
    """The runs of a block, or those of them that are `missing`, in batches; all of a block are of one problem.

    Raises:
        NoInterpolator: the spec's step sizes are multiples of one that is not known.
    """
    first = grid.run(block.start)
    require_unit(first, analysis)
    facts = ProblemFacts.known(first.network, analysis, first.spec.data)
    return batches_of(grid, block if missing is None else missing, facts, kernel_cost(kernel, first.optimizer))
