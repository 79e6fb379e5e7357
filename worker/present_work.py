"""What a process of a worker is doing: for the log of an operator, and never relied on."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from jobs.records import Claim, FigureRequest, JobKind


class End(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    PUT_DOWN = "put down"
    """Its turn was over, the worker was asked to stop, or it lost the store: it goes on elsewhere."""
    FAILED = "failed"


NAMES: Final[Mapping[JobKind, str]] = {JobKind.PLAN: "stepbias.plan", JobKind.TRAIN: "stepbias.train"}

DRAWING: Final = "stepbias.draw"


@dataclass(kw_only=True)
class PresentWork:
    """One attempt at something. Ids and no names: of whose it is, and what they call it, nothing is told.

    Attributes:
        name: what is done, as Celery names tasks.
        id: of this attempt, and no other.
        ids: whatever else tells which one it is.
        end: set by whoever does it.
    """

    name: str
    id: str
    ids: Mapping[str, str | int] = field(default_factory=dict)
    end: End = End.DONE

    @classmethod
    def of_claim(cls, claim: Claim) -> Self:
        """The work on a job."""
        job = claim.job
        ids: dict[str, str | int] = {"experiment": job.experiment_id, "job": job.id, "attempt": job.attempt}
        return cls(name=NAMES[job.kind], id=f"{job.id}.{claim.token}", ids=ids)

    @classmethod
    def of_figure(cls, request: FigureRequest) -> Self:
        """The drawing of a figure."""
        ids = {"experiment": request.experiment_id, "figure": request.figure}
        return cls(name=DRAWING, id=f"{request.experiment_id}.{request.figure}.{request.format}", ids=ids)


Watch = Callable[[PresentWork], AbstractContextManager[object]]
"""Around an attempt: whoever wants to know is told of its beginning and of its end."""
