"""Figures on request: a worker draws, the request waits for it a little."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import anyio
from anyio import to_thread

from api.request_errors import DrawingFailed, NotDrawnInTime, NothingToDraw
from api.submission import announce
from jobs.document_keys import figure_key
from jobs.ports import Sender, Store
from jobs.records import Experiment, JobKind, NewJob, Queue
from jobs.states import JobState

PATIENCE_SECONDS: Final = 10.0
"""How long a request waits for its figure."""

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.25, 1.5

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """One figure of what an experiment has stored at this moment, in one format."""

    experiment: Experiment
    figure: str
    format: str

    @property
    def key(self) -> str:
        """Where it is kept, by its content: a later stage of the same experiment is another drawing."""
        state = f"{self.experiment.status} {self.experiment.runs_done}"
        return figure_key(self.experiment.id, self.figure, self.format, state)

    @property
    def job(self) -> NewJob:
        """The job that draws it."""
        return NewJob(
            id=f"{self.experiment.id}.{self.key}",
            kind=JobKind.DRAW,
            queue=Queue.INTERACTIVE,
            payload={"figure": self.figure, "format": self.format, "key": self.key},
        )


async def drawn(drawing: Drawing, *, store: Store, sender: Sender, patience: float) -> bytes:
    """The figure's bytes, drawn now unless they are stored.

    Raises:
        NothingToDraw: no run is stored.
        DrawingFailed: the worker used up its attempts.
        NotDrawnInTime: it takes longer than `patience` seconds; it goes on being drawn, so asking again helps.
    """
    if drawing.experiment.runs_done == 0:
        raise NothingToDraw("No run of this experiment is stored, so there is nothing to draw.")
    document = partial(store.document, drawing.key)
    if (figure := await _off_loop(document)) is not None:
        return figure
    await _off_loop(partial(_request, drawing, store=store, sender=sender))
    deadline, pause = time.monotonic() + patience, _FIRST_PAUSE
    while time.monotonic() < deadline:
        # First the job, then the document: a job that ended between the two looks has left its document.
        job = await _off_loop(partial(store.job, drawing.job.id))
        if (figure := await _off_loop(document)) is not None:
            return figure
        if job is not None and job.state is JobState.DEAD:
            raise DrawingFailed("The worker could not draw this figure; its log says why.")
        await anyio.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    raise NotDrawnInTime("The figure is still being drawn; ask again.", headers={"Retry-After": "5"})


def _request(drawing: Drawing, *, store: Store, sender: Sender) -> None:
    message = store.request(drawing.job, experiment_id=drawing.experiment.id)
    if message is not None:
        announce((message,), sender=sender)


async def _off_loop(call: Callable[[], _Answer]) -> _Answer:
    """A store's answer, waited for in a thread: the store's calls block, and the event loop serves everybody."""
    return await to_thread.run_sync(call)
