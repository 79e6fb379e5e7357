"""Work off a queue: claim what waits, work on it while its heart beats, and say how it ended."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from threadpoolctl import ThreadpoolController

from core.descent.kernel import one_thread
from core.errors import StepbiasError
from jobs.errors import ExperimentNotFound, LeaseLost, StoreUnavailable
from jobs.log_context import logging_of
from jobs.owned_store import store_of_experiment
from jobs.records import Claim, FinishedRun, JobKind, Queue
from jobs.seal import BrokenSeal
from jobs.tracing import span, tracer
from worker.context import WorkerContext
from worker.drawing import draw_next
from worker.exports import Exports
from worker.heartbeat import LONG_SILENCE, Heartbeat, Interrupted
from worker.planning import TurnOver, plan
from worker.present_work import End, PresentWork
from worker.problems import train

log = logging.getLogger(__name__)

Work = Callable[[Claim, WorkerContext, Heartbeat], Sequence[FinishedRun]]
"""What a job is done by, and leaves to be stored as the job is completed."""

WORK: Final[Mapping[JobKind, Work]] = MappingProxyType({JobKind.PLAN: plan, JobKind.TRAIN: train})

SPANS: Final[Mapping[JobKind, str]] = MappingProxyType({JobKind.PLAN: "plan", JobKind.TRAIN: "batch"})
"""What the spans of jobs are called."""

STALLS: Final[Mapping[JobKind, float]] = MappingProxyType({JobKind.PLAN: LONG_SILENCE, JobKind.TRAIN: 1.0})
"""In units of `stall_seconds`."""

LIBRARIES: Final = ThreadpoolController()
"""What there is of BLAS: all of it is loaded by the imports above."""

HOPELESS: Final = (StepbiasError, BrokenSeal)
"""Errors that another attempt must meet again."""


def work_off(queue: Queue, context: WorkerContext) -> None:
    """Do what waits in the queue until nothing does, or the worker is to stop.

    A ring of the doorbell that comes twice or late finds nothing to do.
    """
    exports = Exports(context)
    try:
        while not context.stopping.is_set():
            # In turn: no class that asks for figures, no long file and no long line of plans keeps the others waiting.
            has_drawn = queue is Queue.INTERACTIVE and draw_next(context, exports)
            has_written = exports.go_on()
            claim = _claim(queue, context)
            if claim is not None:
                perform(claim, context)
            elif not has_drawn and not has_written:
                return
    except StoreUnavailable as reason:
        log.warning("the %s queue is left alone for now: %s", queue, reason)
    finally:
        exports.leave()


def _claim(queue: Queue, context: WorkerContext) -> Claim | None:
    """What waits in the queue; a worker for batches that has none helps those who plan and do small experiments."""
    claim = context.store.claim(queue, worker=context.name)
    if claim is None and queue is Queue.BATCH:
        return context.store.claim(Queue.INTERACTIVE, worker=context.name)
    return claim


def perform(claim: Claim, context: WorkerContext) -> None:
    """Do a job that was claimed."""
    ids = {"experiment_id": claim.job.experiment_id, "job_id": claim.job.id}
    work = PresentWork.of_claim(claim)
    with logging_of(**ids), span(SPANS[claim.job.kind], parent=_trace_of(claim, context), **ids), context.watch(work):
        work.end = _perform(claim, context)


def _trace_of(claim: Claim, context: WorkerContext) -> str:
    """The span that the experiment was submitted in; not asked for where nothing is traced."""
    if tracer() is None:
        return ""
    try:
        return context.store.experiment(claim.job.experiment_id).wishes.traceparent
    except (ExperimentNotFound, StoreUnavailable, BrokenSeal):
        return ""


def _perform(claim: Claim, context: WorkerContext) -> End:
    try:
        return _work_on(claim, context)
    except LeaseLost as reason:
        log.warning("%s is put down: %s", context.naming(claim), reason)
    except StoreUnavailable as reason:
        # Nothing is wrong with the job: it is given back as soon as the store answers, or else its lease runs out.
        log.warning("%s is put down: %s", context.naming(claim), reason)
        with suppress(LeaseLost, StoreUnavailable):
            context.store.release(claim)
    return End.PUT_DOWN


def _work_on(claim: Claim, context: WorkerContext) -> End:
    stall_seconds = STALLS[claim.job.kind] * context.settings.stall_seconds
    context = replace(context, store=store_of_experiment(context.store, claim.job.experiment_id))
    try:
        with one_thread(LIBRARIES), Heartbeat(context, claim, stall_seconds=stall_seconds) as heartbeat:
            runs = WORK[claim.job.kind](claim, context, heartbeat)
            with span("complete"):
                heartbeat.once_there_is_room(partial(context.store.complete, claim, runs))
    except (LeaseLost, StoreUnavailable):
        raise
    except (Interrupted, TurnOver):
        context.store.release(claim)
        return End.PUT_DOWN
    except HOPELESS as error:
        log.warning("%s is given up: %s", context.naming(claim), error)
        context.store.fail(claim, _told(error), is_hopeless=True)
    except MemoryError as error:
        # Perhaps it is what earlier jobs have left in this process that leaves too little: another one is to try.
        reason = f"it needs more memory than a process of a worker may take ({error})"
        context.store.fail(claim, reason)
        context.end_process(f"{context.naming(claim)}: {reason}")
    except Exception as error:
        log.exception("%s failed", context.naming(claim))
        context.store.fail(claim, _told(error))
    else:
        return End.DONE
    return End.FAILED


def _told(error: BaseException) -> str:
    """What a person is told of an error."""
    return f"{type(error).__name__}: {error}"
