"""Finished results that a worker writes once: asked for, waited for, and sent as they are kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import anyio
from anyio import to_thread
from fastapi import Request

from api.exports.courtesy import Courtesy
from api.exports.sending import Stream, off_loop
from api.figures.drawing import ask
from api.problems.request_errors import ResultsChanged
from api.readiness import lack_of
from core.exports.packing import Unpacker
from jobs.document_keys import figure_error_key
from jobs.kept_results import KeptResults, ResultsFile
from jobs.ports import Doorbell
from jobs.records import RESULTS_FILE, FigureRequest, Queue

STALL_SECONDS: Final = 60.0
"""A file of which nothing more was written in so long is given up: who wrote it has died, or has too much to do."""

Found = TypeVar("Found")

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.25, 1.5


@dataclass(frozen=True, kw_only=True)
class WrittenResults:
    """One file, as whoever reads it waits for it; `patience` is how many seconds until a worker must have begun."""

    file: ResultsFile
    bell: Doorbell
    request: Request
    patience: float

    async def begun(self) -> KeptResults | None:
        """How far it is, once there is something to read; None where no worker writes it."""
        found = await self._look()
        if found is not None and found.pieces:
            return found
        if not await _off_loop(self._has_worker):
            return None
        watch = _Watch(self.patience)
        while found is None or not found.pieces:
            if watch.is_over(found):
                await self._give_up(found)
                return None
            if await _off_loop(self._has_failed):
                return None
            await _off_loop(partial(ask, self._wish, store=self.file.store, bell=self.bell))
            await watch.pause()
            found = await self._look()
        return found

    async def packed(self, kept: KeptResults) -> Stream:
        """The pieces of this writing as they are kept, each as soon as it is.

        Raises:
            ResultsChanged: one is gone, or damaged, or no more come; the next reader has the file made anew.
        """
        courtesy, number = Courtesy(self.request.app.state.metrics), 0
        while True:
            while number < kept.pieces:
                piece = await off_loop(self.request, partial(courtesy.timed, partial(self.file.piece, kept, number)))
                if piece is None:
                    await self._give_up(kept)
                    raise _changed("damaged")
                yield piece
                number += 1
                await anyio.sleep(courtesy.pause())
            if kept.is_whole:
                return
            kept = await self._more(kept)

    async def plain(self, kept: KeptResults) -> Stream:
        """The same as it was before it was packed."""
        courtesy, unpacker = Courtesy(self.request.app.state.metrics), Unpacker()
        async for packed in self.packed(kept):
            pieces = unpacker.pieces(packed)
            while piece := await off_loop(self.request, partial(courtesy.timed, partial(next, pieces, b""))):
                yield piece
                await anyio.sleep(courtesy.pause())

    async def _more(self, kept: KeptResults) -> KeptResults:
        """How far the same writing is when it has gone on."""
        watch, found = _Watch(STALL_SECONDS), await self._look()
        while found is not None and found.writing == kept.writing:
            if found.pieces > kept.pieces or found.is_whole:
                return found
            if watch.is_over(found):
                break
            await watch.pause()
            found = await self._look()
        await self._give_up(kept)
        raise _changed("written anew")

    @property
    def _wish(self) -> FigureRequest:
        return FigureRequest(
            experiment_id=self.file.experiment_id,
            figure=RESULTS_FILE,
            format=self.file.form,
            key=self.file.key,
        )

    def _has_worker(self) -> bool:
        return lack_of(Queue.INTERACTIVE, self.file.store.look_around(Queue.INTERACTIVE)) is None

    def _has_failed(self) -> bool:
        return self.file.store.document(figure_error_key(self.file.key)) is not None

    async def _look(self) -> KeptResults | None:
        return await _off_loop(self.file.found)

    async def _give_up(self, kept: KeptResults | None) -> None:
        if kept is not None:
            await _off_loop(partial(self.file.lose, kept))


class _Watch:
    """Waits for something that moves: over when it has not for so long."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._pause = seconds, _FIRST_PAUSE
        self._seen: tuple[str, int] | None = None
        self._deadline = time.monotonic() + seconds

    def is_over(self, found: KeptResults | None) -> bool:
        """Whether nothing has moved for too long."""
        now, seen = time.monotonic(), None if found is None else (found.writing, found.beat)
        if seen != self._seen:
            # Who has begun may have more to do: those who wait know that it is alive.
            self._seen, self._deadline = seen, now + max(self._seconds, STALL_SECONDS / 3)
        return now >= self._deadline

    async def pause(self) -> None:
        """Wait a little, and longer the next time."""
        await anyio.sleep(self._pause)
        self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE)


async def _off_loop(call: Callable[[], Found]) -> Found:
    """A short answer of the store."""
    return await to_thread.run_sync(call)


def _changed(how: str) -> ResultsChanged:
    return ResultsChanged(f"The kept results are {how}: ask again.", headers={"Retry-After": "1"})
