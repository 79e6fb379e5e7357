"""The training job: train a batch of runs, commit each as it ends, keep checkpoints on the way."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np

from core.analysis.analysis import RunAnalysis
from core.descent.kernel import chosen, kernel_id
from core.errors import StepbiasError
from core.networks.initialization import initial_parameters
from core.networks.network import Network
from core.planning.estimate import RunTable
from core.results.result import encode_summary, pack_arrays, unpack_arrays
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid, Run
from core.training.batch_training import Training
from core.training.problem import NeverStable, Problem
from core.training.sensitivity import WithPerturbedCopy
from core.training.step_search import StepSearch
from core.training.training_run import TrainedRun, TrainingRun
from core.training.trials import Search, SearchResult, SingleTrial, Trials
from jobs.records import Claim, FinishedRun, StoredRun
from worker.context import WorkerContext
from worker.datasets import load
from worker.planning import ensure_analysis, facts_of, lanes, resolved_step_size
from worker.pulse import Pulse, PutDown

NEVER_UNSTABLE: Final = float("inf")
CHECKPOINT_BYTES_PER_SECOND: Final = 2e6
"""Checkpoints may take this much of the store's bandwidth: a large one is written more seldom."""


def train(claim: Claim, context: WorkerContext, pulse: Pulse) -> None:
    """Do the training job, from its checkpoint if there is one that this kernel can go on from.

    Raises:
        PutDown: after a last checkpoint, where the job must be handed back.
        LeaseLost: somebody else has the job.
    """
    grid = Grid(ExperimentSpec.model_validate_json(context.store.spec(claim.job.experiment_id)))
    BatchTraining(claim, context, pulse, grid).finish()


class BatchTraining:
    """One attempt at a batch."""

    def __init__(self, claim: Claim, context: WorkerContext, pulse: Pulse, grid: Grid) -> None:
        runs = {index: grid.run(index) for index in claim.job.payload["indices"]}
        self._claim, self._context, self._pulse, self._runs = claim, context, pulse, runs
        first = next(iter(runs.values()))
        analysis = ensure_analysis(context, first)
        dataset = load(context.store, first.document["data"])
        self._run_analysis = RunAnalysis(dataset, first.network, analysis)
        kernel = chosen(context.settings.kernel)
        self._kernel_id = kernel_id(kernel)
        problem = Problem(dataset=dataset, network=first.network, never_stable=never_stable(analysis), kernel=kernel)
        # An attempt may have failed because of its checkpoint; after a failure the batch starts afresh.
        kept = None if claim.job.failures else _usable(context.store.checkpoint(claim.job.id), self._kernel_id)
        self._training = _training(problem, list(runs.values()), analysis, kept)
        steps = RunTable.of(grid, np.array(list(runs)) % grid.runs_per_problem).steps(facts_of(first, analysis))
        self._predicted_steps = dict(zip(runs, steps.tolist(), strict=True))
        self._next_checkpoint = context.clock() + context.settings.checkpoint_seconds

    def finish(self) -> None:
        """Train to the end of the last run."""
        while self._training.active:
            # Before the steps and not after them: a batch that has just ended is complete, and not to be handed back.
            try:
                self._pulse.check(self._fraction())
            except PutDown:
                self._save_checkpoint()
                raise
            self._commit(self._advance())
            if self._training.active and self._context.clock() >= self._next_checkpoint:
                self._save_checkpoint()

    def _advance(self) -> Sequence[SearchResult]:
        if isinstance(self._training, Trials):
            return self._training.advance()
        return [SearchResult(trained=trained) for trained in self._training.advance()]

    def _commit(self, results: Sequence[SearchResult]) -> None:
        """Store the runs that ended. Only after that may a checkpoint forget them."""
        if results:
            self._context.store.commit_runs(self._claim, [self._finished(result) for result in results])

    def _finished(self, result: SearchResult) -> FinishedRun:
        trained = result.trained
        run = self._runs[trained.run.index]
        summary = self._run_analysis.summary(trained, init_scale=run.init_scale, kernel_id=self._kernel_id)
        stored = StoredRun(
            key=run.key,
            outcome=trained.outcome.value,
            summary=encode_summary(summary | dict(result.extras)),
            arrays=stored_arrays(trained, run.network),
        )
        return FinishedRun(index=trained.run.index, run=stored)

    def _save_checkpoint(self) -> None:
        blob = self._kernel_id.encode() + b"\n" + pack_arrays(self._training.checkpoint())
        self._context.store.save_checkpoint(self._claim, blob)
        pause = max(self._context.settings.checkpoint_seconds, len(blob) / CHECKPOINT_BYTES_PER_SECOND)
        self._next_checkpoint = self._context.clock() + pause

    def _fraction(self) -> float:
        """The part of the predicted steps that is done; a run beyond its prediction counts as nearly done."""
        total = sum(self._predicted_steps.values())
        left = sum(
            max(steps - self._training.step, 0.05 * steps)
            for steps in (self._predicted_steps[run.index] for run in self._training.active)
        )
        return float(1 - left / total)


def _training(
    problem: Problem, runs: Sequence[Run], analysis: dict[str, Any], kept: dict[str, np.ndarray] | None
) -> Training | Trials:
    """The batch as it was kept; from its start where that lacks something, as of a version that kept other arrays."""
    with suppress(KeyError):
        return _begun_or_resumed(problem, runs, analysis, kept)
    return _begun_or_resumed(problem, runs, analysis, None)


def _begun_or_resumed(
    problem: Problem, runs: Sequence[Run], analysis: dict[str, Any], kept: dict[str, np.ndarray] | None
) -> Training | Trials:
    """The batch in training; runs that are trained once each, as most are, go without the book-keeping of trials."""
    if all(lanes(run) == 1 for run in runs):
        plain = [training_run(run, analysis) for run in runs]
        return Training(problem, plain) if kept is None else Training.resume(problem, plain, kept)
    searches = [search_of(run, analysis) for run in runs]
    return Trials(problem, searches) if kept is None else Trials.resume(problem, searches, kept)


def search_of(run: Run, analysis: dict[str, Any]) -> Search:
    """A run of the grid as a search: what it is trained for again and again, if it is."""
    trained = training_run(run, analysis)
    search: Search = SingleTrial(run=trained)
    if run.step_bracket is not None:
        search = StepSearch(run=trained, **run.step_bracket)
    return WithPerturbedCopy(search=search, network=run.network) if run.document["recording"]["sensitivity"] else search


def training_run(run: Run, analysis: dict[str, Any]) -> TrainingRun:
    """A run of the grid, in numbers."""
    stopping = run.document["stopping"]
    return TrainingRun(
        index=run.index,
        initial=initial_parameters(run.document, run.network, analysis["dimension"]),
        optimizer=run.optimizer,
        step_size=resolved_step_size(run, analysis),
        warmup_steps=run.warmup_steps,
        loss_tolerance=stopping["loss_tolerance"],
        max_steps=stopping["max_steps"],
        perturb_unstable=stopping["kick"],
        record_points=run.document["recording"]["points"],
        seed=run.seed,
        completion_tolerance=stopping["completion_tolerance"] if stopping["finish"] == "auto" else 0.0,
    )


def never_stable(analysis: dict[str, Any]) -> NeverStable:
    """The step sizes above which nothing is stable; infinite where that is not known."""
    return NeverStable(
        positive=analysis["never_stable_above"] or NEVER_UNSTABLE,
        any_sign=analysis["never_stable_above_sign_free"] or NEVER_UNSTABLE,
    )


def stored_arrays(trained: TrainedRun, network: Network) -> bytes:
    """Where the run ended in float64, its limit if it was completed; curves in float32, to be looked at."""
    # What is beyond 3e38 in the curves of a run that diverged becomes infinite.
    with np.errstate(over="ignore"):
        curves = {name: values.astype("<f4") for name, values in trained.trajectory.curves.items()}
    state = dict(zip(network.parts, trained.end, strict=True)) | {"gradient_sum": trained.gradient_sum}
    return pack_arrays(state | {"record_step": trained.trajectory.record_step} | curves)


def _usable(checkpoint: bytes | None, own_kernel: str) -> dict[str, Any] | None:
    """The arrays of a checkpoint that this kernel wrote. Another kernel's would not continue to the same bits."""
    if checkpoint is None:
        return None
    kernel, _, arrays = checkpoint.partition(b"\n")
    if kernel.decode(errors="replace") != own_kernel:
        return None
    try:
        return dict(unpack_arrays(arrays))
    except StepbiasError:
        return None
