"""The training job: train a batch of runs, commit each as it ends, keep checkpoints on the way."""

import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Shaped

from core.array_block import bare_arrays
from core.descent.kernel import chosen
from core.experiment.dataset import dataset_of
from core.experiment.run_batch import EndedRun, RunBatch
from core.results.result import Summary, encode_whole_summary
from core.sweep.grid import Grid
from jobs.errors import StoreFull
from jobs.kept_documents import uploads
from jobs.records import Claim, FinishedRun, StoredRun
from jobs.tracing import span
from worker.analyses import ensure_analysis
from worker.context import WorkerContext
from worker.heartbeat import Heartbeat, Interrupted

CHECKPOINT_BYTES_PER_SECOND: Final = 2e6
"""Checkpoints may take this much of the store's bandwidth: a large one is written more seldom."""

MOST_CHECKPOINT_BYTES: Final = 64_000_000
"""A store writes this in about a second, in which it answers nobody. What is larger is not kept: the batch begins anew
where its worker is lost. The answer to 250 MB comes too late for any attempt, and the server takes no more than 512 MB.
"""

TOGETHER_SECONDS: Final = 0.5
"""Runs of a batch that end within so long of others that were stored wait, to be stored with those that end next.

Not once a worker has been lost with the batch: the next may be lost at the same step, and they are not to be with it.
"""

SECONDS_AT_ONCE: Final = 1.0
"""What takes longer than it was predicted to is for a job of its own: others wait to be planned."""

log = logging.getLogger(__name__)


def stored_run(key: str, summary: Summary, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> StoredRun:
    """A run that has ended, as it is stored."""
    outcome, encoded = str(summary["outcome"]), encode_whole_summary(summary)
    return StoredRun(key=key, outcome=outcome, summary=encoded, arrays=bare_arrays(arrays))


def train_at_once(
    claim: Claim, context: WorkerContext, heartbeat: Heartbeat, grid: Grid, indices: Sequence[int]
) -> Sequence[int]:
    """Train these runs within another job, for `SECONDS_AT_ONCE` at most, and store those that end; which do not.

    Raises:
        Interrupted, LeaseLost: as `TrainingJob.finish`, and nothing is kept.
    """
    if not indices:
        return indices
    ended, left = trained_at_once(context, heartbeat, grid, indices, fraction=0.0)
    commit(claim, context, heartbeat, ended)
    return left


def trained_at_once(
    context: WorkerContext, heartbeat: Heartbeat, grid: Grid, indices: Sequence[int], *, fraction: float
) -> tuple[list[EndedRun], list[int]]:
    """The runs that end within `SECONDS_AT_ONCE`, and the indices of the others; `fraction` of the job is done before.

    Raises:
        Interrupted, LeaseLost: likewise.
    """
    batch, ended = _batch(context, heartbeat, grid, indices), list[EndedRun]()
    until = context.clock() + SECONDS_AT_ONCE
    while batch.active and context.clock() < until:
        heartbeat.check(fraction)
        ended += batch.advance()
    return ended, [run.index for run in batch.active]


def _batch(
    context: WorkerContext, heartbeat: Heartbeat, grid: Grid, indices: Sequence[int], checkpoint: bytes | None = None
) -> RunBatch:
    problem = grid.problem_of(indices[0])
    # It is there, unless it was found damaged since the planning.
    with heartbeat.being_patient():
        analysis = heartbeat.once_there_is_room(lambda: ensure_analysis(context, problem))
    known = context.problems.of(problem, analysis, partial(dataset_of, problem.data, uploads(context.store)))
    return RunBatch(grid, indices, known, kernel=chosen(context.settings.kernel), checkpoint=checkpoint)


def finished(ended: Sequence[EndedRun]) -> list[FinishedRun]:
    """Runs that have ended, as they are stored for an experiment."""
    return [
        FinishedRun(index=each.run.index, run=stored_run(each.run.key, each.summary, each.arrays)) for each in ended
    ]


def commit(claim: Claim, context: WorkerContext, heartbeat: Heartbeat, ended: Sequence[EndedRun]) -> None:
    """Store the runs that ended."""
    if ended:
        runs = finished(ended)
        with span("commit"):
            heartbeat.once_there_is_room(lambda: context.store.commit_runs(claim, runs))


class TrainingJob:
    """One attempt at a batch."""

    def __init__(self, claim: Claim, context: WorkerContext, heartbeat: Heartbeat, grid: Grid) -> None:
        self._claim, self._context, self._heartbeat = claim, context, heartbeat
        # An attempt may have failed because of its checkpoint; after a failure the batch starts afresh.
        kept = None if claim.job.failures else context.store.checkpoint(claim.job)
        with span("begin"):
            self._batch = _batch(context, heartbeat, grid, claim.job.payload["indices"], kept)
        self._next_checkpoint = context.clock() + context.settings.checkpoint_seconds
        self._is_too_large = False
        self._together_seconds = 0.0 if claim.job.losses else TOGETHER_SECONDS
        self._ended: list[EndedRun] = []
        self._stored_at = -math.inf

    def finish(self) -> list[FinishedRun]:
        """Train to the end of the last run, from the checkpoint if there is one that this kernel can go on from.

        Returns:
            The last runs that ended, which are to be stored as the job is completed.

        Raises:
            Interrupted: after a last checkpoint, where the job must be given back.
            LeaseLost: somebody else has the job.
        """
        while self._batch.active:
            # Before the steps and not after them: a batch that has just ended is complete, and not to be given back.
            try:
                self._heartbeat.check(self._batch.fraction)
            except Interrupted:
                self._store_ended()
                with suppress(StoreFull):
                    self._save_checkpoint()
                raise
            self._advance()
            if self._batch.active and self._context.clock() >= self._next_checkpoint:
                self._store_ended()
                self._heartbeat.once_there_is_room(self._save_checkpoint)
        return finished(self._ended)

    def _advance(self) -> None:
        try:
            self._ended += self._batch.advance()
        except Exception:
            # What the next attempts may fail in as well is not to take these with it.
            self._store_ended()
            raise
        if self._batch.active and self._context.clock() - self._stored_at >= self._together_seconds:
            self._store_ended()

    def _store_ended(self) -> None:
        """Only after that may a checkpoint forget those that ended."""
        if self._ended:
            commit(self._claim, self._context, self._heartbeat, self._ended)
            self._ended, self._stored_at = [], self._context.clock()

    def _save_checkpoint(self) -> None:
        checkpoint = self._batch.checkpoint()
        if len(checkpoint) <= MOST_CHECKPOINT_BYTES:
            self._context.store.save_checkpoint(self._claim, checkpoint)
        elif not self._is_too_large:
            self._is_too_large = True
            naming, size = self._context.naming(self._claim), len(checkpoint) / 1e6
            log.warning("%s goes on without a checkpoint: it would be of %.0f MB", naming, size)
        pause = max(self._context.settings.checkpoint_seconds, len(checkpoint) / CHECKPOINT_BYTES_PER_SECOND)
        self._next_checkpoint = self._context.clock() + pause
