"""Do one job: claim it, work on it under its pulse, and say how it ended."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from core.descent.kernel import one_thread
from jobs.errors import LeaseLost, StoreUnavailable
from jobs.records import Claim, JobKind, Message
from worker.batch import train
from worker.context import WorkerContext
from worker.drawing import draw
from worker.planning import plan
from worker.pulse import Pulse, PutDown

log = logging.getLogger(__name__)

Work = Callable[[Claim, WorkerContext, Pulse], None]
WORK: Final[Mapping[JobKind, Work]] = MappingProxyType(
    {
        JobKind.PLAN: plan,
        JobKind.TRAIN: train,
        JobKind.DRAW: draw,
    }
)


def perform(job_id: str, context: WorkerContext) -> None:
    """Do the job that the message gives a claim to: this one, or the training job of its queue whose turn it is.

    A message that comes twice, late, or for a job that is gone, does nothing that would not have been done anyway.
    """
    claim = context.store.claim(job_id, worker=context.name)
    if claim is None:
        return
    try:
        announcement = _work_on(claim, context)
    except (LeaseLost, StoreUnavailable) as reason:
        # Nothing is wrong with the job. Its lease runs out, and it goes on from its checkpoint.
        log.warning("job %s is put down: %s", claim.job.id, reason)
        return
    if announcement is not None:
        context.sender.send([announcement])


def _work_on(claim: Claim, context: WorkerContext) -> Message | None:
    """Work on the claimed job; the message to send if it is to be done again."""
    try:
        with one_thread(), Pulse(context, claim) as pulse:
            WORK[claim.job.kind](claim, context, pulse)
    except (LeaseLost, StoreUnavailable):
        raise
    except PutDown:
        return context.store.hand_back(claim)
    except Exception as error:
        log.exception("job %s failed in attempt %d", claim.job.id, claim.job.attempt)
        return context.store.fail(claim, f"{type(error).__name__}: {error}")
    context.store.complete(claim)
    return None
