"""Records of experiments, read together for all who ask at the same time: polls are the most frequent requests."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from anyio import to_thread
from starlette.types import Scope

from jobs.ports import Store
from jobs.records import Experiment

Read = tuple[Experiment, str]
"""A record, and the notes beside it."""

_Asked = dict[str, list["asyncio.Future[Read | None]"]]

MADE_OF: Final = "made_of"
"""In the state of a request: who is to be told of which record its answer is made."""


def tell_made_of(scope: Scope, read: Read) -> None:
    """The answer to this request is made of nothing but that, and of what the request says."""
    tell = scope["state"].get(MADE_OF)
    if tell is not None:
        tell(read)


class ExperimentReader:
    """One call of the store, in one thread, answers everybody who asked while the one before was under way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._asked: _Asked = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_reading = False

    async def experiment(self, experiment_id: str) -> Experiment:
        """The experiment's record, of a moment after it was asked for.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        return (await self.in_full(experiment_id))[0]

    async def in_full(self, experiment_id: str) -> Read:
        """The record, and the experiment's notes.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        found = await self.look(experiment_id)
        # The store itself says why one is not there.
        return (await to_thread.run_sync(self._store.experiment, experiment_id), "") if found is None else found

    async def look(self, experiment_id: str) -> Read | None:
        """The same, None where it cannot be told."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._asked, self._is_reading = loop, {}, False
        told: asyncio.Future[Read | None] = loop.create_future()
        self._asked.setdefault(experiment_id, []).append(told)
        if not self._is_reading:
            self._is_reading = True
            # Not at once: others may ask in the same round of the loop.
            loop.call_soon(self._begin, loop)
        return await told

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._asked = self._asked, {}
        try:
            self._thread.submit(self._read, loop, asked)
        except RuntimeError as error:  # no thread can be started
            self._tell(loop, asked, error)

    def _read(self, loop: asyncio.AbstractEventLoop, asked: _Asked) -> None:
        try:
            found: Mapping[str, Read] | Exception = self._store.in_full(list(asked))
        except Exception as error:  # noqa: BLE001 - it is theirs who asked, whatever it is
            found = error
        with suppress(RuntimeError):  # the loop has ended, and nobody waits
            loop.call_soon_threadsafe(self._tell, loop, asked, found)

    def _tell(self, loop: asyncio.AbstractEventLoop, asked: _Asked, found: Mapping[str, Read] | Exception) -> None:
        for name, futures in asked.items():
            for future in futures:
                if future.done():  # who asked has left
                    continue
                if isinstance(found, Exception):
                    future.set_exception(found)
                else:
                    future.set_result(found.get(name))
        if loop is self._loop:
            self._is_reading = bool(self._asked)
            if self._is_reading:
                self._begin(loop)
