"""Figures on request: a worker draws, the request waits for it a little."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import anyio
from anyio import to_thread

from api.experiments.document import polling_headers
from api.experiments.submission import ring
from api.problems.request_errors import DrawingFailed, NotDrawnInTime, NothingToDraw
from api.readiness import lack_of
from core.figures.layouts.options import FIGURE_VERSION, FigureOptions
from jobs.document_keys import figure_error_key, figure_key
from jobs.errors import ResultsMissing
from jobs.ports import Doorbell, Store
from jobs.records import DATA_ANALYSIS, Experiment, FigureRequest, Queue
from jobs.states import ACTIVE
from jobs.tracing import traceparent

PATIENCE_SECONDS: Final = 10.0
"""How long a request waits for its figure."""

ASK_AGAIN_SECONDS: Final = 30.0
"""A figure that is not there after so long is asked for again."""

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.25, 1.5

USUAL: Final = FigureOptions()

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """One figure of what an experiment has stored at this moment, in one format, as it is asked for.

    `contents` is the store's digest of that.
    """

    experiment: Experiment
    contents: str
    figure: str
    format: str
    options: FigureOptions = USUAL

    @property
    def key(self) -> str:
        """Where it is kept, by what is drawn: experiments of one spec and one name that have the same runs share it."""
        asked = f"{self.experiment.content_hash} {self.experiment.name}"
        state = f"{self.contents} {self.experiment.numerics} {FIGURE_VERSION} {self.options.text}"
        return figure_key(asked, self.figure, self.format, state)

    @property
    def request(self) -> FigureRequest:
        """What a worker is asked for."""
        return FigureRequest(
            experiment_id=self.experiment.id,
            figure=self.figure,
            format=self.format,
            key=self.key,
            options=self.options.text,
            traceparent=traceparent(),
        )


async def drawn(drawing: Drawing, *, store: Store, bell: Doorbell, patience: float) -> bytes:
    """The figure's bytes, drawn now unless they are stored.

    Raises:
        NothingToDraw: no run is stored.
        DrawingFailed: a worker has tried lately, and could not.
        ResultsMissing: what is stored has changed meanwhile, though nobody works on it.
        NotDrawnInTime: it takes longer than `patience` seconds; it goes on being drawn, so asking again helps.
    """
    if drawing.experiment.runs_done == 0:
        waiting = polling_headers(drawing.experiment)
        raise NothingToDraw("No run of this experiment is stored, so there is nothing to draw.", headers=waiting)
    try:
        return await awaited(drawing.request, store=store, bell=bell, patience=patience)
    except DrawingFailed:
        is_active, contents = drawing.experiment.status in ACTIVE, partial(store.contents, drawing.experiment.id)
        if not is_active and await _off_loop(contents) != drawing.contents:
            raise ResultsMissing from None
        raise


async def awaited(request: FigureRequest, *, store: Store, bell: Doorbell, patience: float) -> bytes:
    """What a worker makes of the request, now unless it is stored.

    Raises:
        DrawingFailed: a worker has tried lately, and could not.
        NotDrawnInTime: it takes longer than `patience` seconds; it goes on being made, so asking again helps.
    """
    what = "analysis" if request.figure == DATA_ANALYSIS else "figure"
    figure, error = partial(store.document, request.key), partial(store.document, figure_error_key(request.key))
    deadline, pause = time.monotonic() + patience, _FIRST_PAUSE
    while True:
        if (picture := await _off_loop(figure)) is not None:
            return picture
        if await _off_loop(error) is not None:
            raise DrawingFailed(f"The worker could not make this {what}; its log says why.")
        if time.monotonic() >= deadline:
            raise NotDrawnInTime(await _off_loop(partial(_lateness, what, store)))
        # Every time: the request may have gone with a worker that died over it.
        await _off_loop(partial(ask, request, store=store, bell=bell))
        await anyio.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _lateness(what: str, store: Store) -> str:
    """Why it is not there yet, and what to do."""
    lack = lack_of(Queue.INTERACTIVE, store.look_around(Queue.INTERACTIVE))
    return f"The {what} waits for {lack}." if lack else f"The {what} is still being made; ask again."


def ask(request: FigureRequest, *, store: Store, bell: Doorbell) -> None:
    """Ask a worker for it, unless somebody has not long ago."""
    if store.request_figure(request, seconds=ASK_AGAIN_SECONDS):
        ring(Queue.INTERACTIVE, bell=bell)


async def _off_loop(call: Callable[[], _Answer]) -> _Answer:
    """A store's answer, waited for in a thread: the store's calls block, and the event loop serves everybody."""
    return await to_thread.run_sync(call)
