"""A whole experiment, from its spec to its results: expand, analyse, form batches, train, summarise."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float64, Shaped

from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.descent.kernel import chosen, one_thread
from core.experiment.dataset import Load, dataset_of, no_uploads
from core.experiment.known_problems import KnownProblem, KnownProblems
from core.experiment.plan import planned_batches
from core.experiment.run_batch import EndedRun, RunBatch
from core.planning.batches import Batch
from core.planning.run_table import blocks
from core.results.result import Summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid, GridProblem


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an experiment is: the `fraction` of the predicted work that is done, and how many runs have ended."""

    fraction: float
    runs_done: int
    runs_total: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ExperimentResults:
    """Everything that an experiment comes to.

    `summaries` and `arrays` have an entry for each run of the grid. `analyses`, and the predictors of the
    `interpolators` they speak of, are by the key of their problem.
    """

    grid: Grid
    summaries: Sequence[Summary]
    arrays: Sequence[Mapping[str, Shaped[np.ndarray, "..."]]]
    analyses: Mapping[str, ProblemAnalysis]
    interpolators: Mapping[str, Mapping[str, Float64[np.ndarray, " dim"]]]


def run(
    spec: ExperimentSpec,
    *,
    load: Load = no_uploads,
    kernel: str = "auto",
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> ExperimentResults:
    """The results of the experiment: those of the service, with the same kernel id to the bit.

    `load` has the uploaded data sets, `kernel` is the name of one or `auto`; `on_progress` is called a few times a
    second.

    Raises:
        InvalidData: data that are no regression problem, or are not to be had.
        NoInterpolator: step sizes are multiples of one that does not exist for these data.
    """
    with one_thread():
        analysed = _Analyses(Grid(spec), load)
        done: dict[int, EndedRun] = {}
        for ended, progress in _trained(analysed, chosen(kernel)):
            done |= {run.run.index: run for run in ended}
            on_progress(progress)
    runs = [done[index] for index in range(len(analysed.grid))]
    return ExperimentResults(
        grid=analysed.grid,
        summaries=[run.summary for run in runs],
        arrays=[run.arrays for run in runs],
        analyses=analysed.analyses,
        interpolators=analysed.interpolators,
    )


class _Analyses:
    """The problems of a grid, analysed one by one as they are asked for."""

    def __init__(self, grid: Grid, load: Load) -> None:
        self.grid = grid
        self._load, self._known = load, KnownProblems()
        self.analyses: dict[str, ProblemAnalysis] = {}
        self.interpolators: dict[str, Mapping[str, Float64[np.ndarray, " dim"]]] = {}

    def of(self, problem: GridProblem) -> KnownProblem:
        """The problem with its analysis."""
        make = partial(dataset_of, problem.data, self._load)
        if problem.key not in self.analyses:
            dataset = make()
            found = analyse_problem(dataset, problem.network, problem.data_key)
            self.analyses[problem.key], self.interpolators[problem.key] = found.analysis, found.interpolators
            make = partial(lambda made: made, dataset)
        return self._known.of(problem, self.analyses[problem.key], make)


def _trained(analysed: _Analyses, kernel: str) -> Iterator[tuple[Sequence[EndedRun], Progress]]:
    """The runs as they end, batch after batch, each time with how far the whole is then."""
    grid, runs_done, work_done = analysed.grid, 0, 0.0
    batches = [batch for block in blocks(grid) for batch in _batches(analysed, block, kernel)]
    work = sum(batch.work for batch in batches)
    for batch in batches:
        known = analysed.of(grid.problem_of(batch.indices[0]))
        training = RunBatch(grid, batch.indices, known, kernel=kernel)
        while training.active:
            ended = training.advance()
            runs_done += len(ended)
            fraction = (work_done + batch.work * training.fraction) / work
            yield ended, Progress(fraction=fraction, runs_done=runs_done, runs_total=len(grid))
        work_done += batch.work


def _batches(analysed: _Analyses, block: range, kernel: str) -> list[Batch]:
    grid = analysed.grid
    known = analysed.of(grid.problem_of(block.start))
    return planned_batches(grid, block, known.analysis, kernel)
