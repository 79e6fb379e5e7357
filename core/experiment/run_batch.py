"""Runs of one problem in training together: from their specs to the summary and the arrays of each."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from core.analysis.vector_arrays import vector_arrays
from core.array_block import pack_arrays, unpack_arrays
from core.descent.kernel import kernel_id, trained_by
from core.errors import StepbiasError
from core.experiment.known_problems import KnownProblem
from core.experiment.training_run import never_stable, search_of, training_run
from core.networks.network import Network
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import RunTable
from core.results.result import Summary, whole_summary
from core.stability.sharpness import Eigenpair
from core.sweep.grid import Grid
from core.sweep.grid_run import Run
from core.training.batch_training import Training
from core.training.problem import Problem
from core.training.training_run import TrainedRun
from core.training.trials import Search, SearchResult, SingleTrial, Trials

LEAST_LEFT = 0.05
"""Part of its prediction that is still counted as ahead of a run that has outlived it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EndedRun:
    """A run that has ended: its scalars, every variable of results among them, and its arrays by name."""

    run: Run
    summary: Summary
    arrays: Mapping[str, Shaped[np.ndarray, "..."]]


class RunBatch:
    """A batch on its way. Call `advance` until `active` is empty."""

    def __init__(
        self,
        grid: Grid,
        indices: Sequence[int],
        known: KnownProblem,
        *,
        kernel: str,
        checkpoint: bytes | None = None,
    ) -> None:
        """The runs of the grid at these indices, from a `checkpoint` if it is one that this kernel can go on from."""
        self._runs = {index: grid.run(index) for index in indices}
        first = self._runs[indices[0]]
        kernel = trained_by(kernel, first.optimizer)
        self._kernel_id = kernel_id(kernel)
        self._problem = Problem(
            dataset=known.dataset, network=known.network, never_stable=never_stable(known.analysis), kernel=kernel
        )
        self._analysis = known.run_analysis
        kept = _usable(checkpoint, self._kernel_id)
        starts = self._analysis.starts
        trained = [training_run(run, known.analysis, starts) for run in self._runs.values()]
        # Held for as long as the batch needs them, whatever else is kept meanwhile.
        self._starts = {each.index: starts.of(each.initial) for each in trained}
        searches = [search_of(run, each) for run, each in zip(self._runs.values(), trained, strict=True)]
        self._training = _training(self._problem, searches, kept)
        facts = ProblemFacts.known(known.network, known.analysis, first.spec.data)
        steps = RunTable.at(grid, indices).steps(facts)
        self._predicted_steps = dict(zip(indices, steps.tolist(), strict=True))

    @property
    def active(self) -> Sequence[Run]:
        """The runs that have not ended."""
        return [self._runs[run.index] for run in self._training.active]

    @property
    def fraction(self) -> float:
        """The part of the predicted steps that is done; a run beyond its prediction counts as nearly done."""
        total = sum(self._predicted_steps.values())
        left = sum(
            max(steps - self._training.step, LEAST_LEFT * steps)
            for steps in (self._predicted_steps[run.index] for run in self._training.active)
        )
        return float(1 - left / total)

    def advance(self) -> list[EndedRun]:
        """Step for a fraction of a second or a little more; the runs that ended in it."""
        if isinstance(self._training, Trials):
            results = self._training.advance()
        else:
            results = [SearchResult(trained=trained) for trained in self._training.advance()]
        tops = self._analysis.hessian_tops([result.trained for result in results], self._problem.sharpnesses_at)
        return [self._ended(result, top) for result, top in zip(results, tops, strict=True)]

    def checkpoint(self) -> bytes:
        """All that is needed to go on, of a batch that is still active."""
        return self._kernel_id.encode() + b"\n" + pack_arrays(self._training.checkpoint())

    def _ended(self, result: SearchResult, hessian_top: Eigenpair | None) -> EndedRun:
        trained = result.trained
        run = self._runs[trained.run.index]
        summary = self._analysis.summary(
            trained,
            init_scale=run.init_scale,
            kernel_id=self._kernel_id,
            start=self._starts[run.index],
            hessian_top=hessian_top,
        )
        return EndedRun(
            run=run,
            summary=whole_summary(summary | dict(result.extras)),
            arrays=kept_arrays(trained, run.network) | vector_arrays(trained, run.network, self._problem.dataset),
        )


def kept_arrays(trained: TrainedRun, network: Network) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Where the run ended in float64, its limit if it was completed; curves in float32, to be looked at."""
    # What is beyond 3e38 in the curves of a run that diverged becomes infinite.
    with np.errstate(over="ignore"):
        curves = {name: values.astype("<f4") for name, values in trained.trajectory.curves.items()}
    state = dict(zip(network.parts, trained.end, strict=True)) | {"gradient_sum": trained.gradient_sum}
    return state | {"record_step": trained.trajectory.record_step} | curves


def _training(
    problem: Problem, searches: Sequence[Search], kept: Mapping[str, Shaped[np.ndarray, "..."]] | None
) -> Training | Trials:
    """The batch as it was kept; from its start where that lacks something, as of a version that kept other arrays."""
    if kept is not None:
        with suppress(KeyError):
            return _begun_or_resumed(problem, searches, kept)
    return _begun_or_resumed(problem, searches, None)


def _begun_or_resumed(
    problem: Problem, searches: Sequence[Search], kept: Mapping[str, Shaped[np.ndarray, "..."]] | None
) -> Training | Trials:
    """The batch in training; runs that are trained once each go without the book-keeping of trials."""
    plain = [search.run for search in searches if isinstance(search, SingleTrial)]
    if len(plain) == len(searches):
        return Training(problem, plain) if kept is None else Training.resume(problem, plain, kept)
    return Trials(problem, searches) if kept is None else Trials.resume(problem, searches, kept)


def _usable(checkpoint: bytes | None, own_kernel: str) -> Mapping[str, Shaped[np.ndarray, "..."]] | None:
    """The arrays of a checkpoint that this kernel wrote. Another kernel's would not continue to the same bits."""
    if checkpoint is None:
        return None
    kernel, _, arrays = checkpoint.partition(b"\n")
    if kernel.decode(errors="replace") != own_kernel:
        return None
    try:
        return unpack_arrays(arrays)
    except StepbiasError:
        return None
