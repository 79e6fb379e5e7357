"""Finished results that a worker writes once: asked for, waited for, and sent as they are kept."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
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

STALL_SECONDS: Final = 30.0
"""A file of which nothing more was written in so long is given up: who wrote it has died, or has too much to do."""

Found = TypeVar("Found")

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.25, 1.5
_MOST: Final = 256


@dataclass(frozen=True, kw_only=True)
class WrittenResults:
    """One file, as whoever reads it waits for it; `patience` is how many seconds until a worker must have begun."""

    file: ResultsFile
    bell: Doorbell
    request: Request
    patience: float

    async def begun(self) -> KeptResults | None:
        """How far it is, once there is something to read; None where no worker writes it."""
        found, pauses, deadline = await self._look(), _pauses(), time.monotonic() + self.patience
        while found is None or not found.pieces:
            if found is None and (time.monotonic() >= deadline or not await _off_loop(self._has_worker)):
                return None
            if await _off_loop(self._has_failed):
                return None
            await _off_loop(partial(ask, self._wish, store=self.file.store, bell=self.bell))
            await anyio.sleep(next(pauses))
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
                    await _off_loop(partial(self.file.lose, kept))
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
        found, pauses = await self._look(), _pauses()
        while found is not None and found.writing == kept.writing:
            if found.pieces > kept.pieces or found.is_whole:
                return found
            await anyio.sleep(next(pauses))
            found = await self._look()
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
        """How far it is now; one that stands still is given up, and is none."""
        found = await _off_loop(self.file.found)
        movements: Movements = self.request.app.state.movements
        if found is not None and not found.is_whole and movements.still(self.file.key, found) >= STALL_SECONDS:
            await _off_loop(partial(self.file.lose, found))
            return None
        return found


class Movements:
    """When this process has last seen a file move, whoever has looked: readers may leave before they could tell."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[tuple[str, int], float]] = OrderedDict()

    def still(self, key: str, found: KeptResults) -> float:
        """For so many seconds it has not moved."""
        now, place = time.monotonic(), (found.writing, found.beat)
        seen, since = self._seen.get(key, (None, now))
        if seen != place:
            self._seen[key], since = (place, now), now
            self._seen.move_to_end(key)
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
        return now - since


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


async def _off_loop(call: Callable[[], Found]) -> Found:
    """A short answer of the store."""
    return await to_thread.run_sync(call)


def _changed(how: str) -> ResultsChanged:
    return ResultsChanged(f"The kept results are {how}: ask again.", headers={"Retry-After": "1"})
