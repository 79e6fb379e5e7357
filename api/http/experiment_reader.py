"""Records of experiments, read together for all who ask at the same time: polls are the most frequent requests."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from anyio import to_thread
from starlette.types import Scope

from jobs.ports import Store
from jobs.records import Experiment

Read = tuple[Experiment, str]
"""A record, and the notes beside it."""

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
        self._asked: dict[str, asyncio.Future[Read | None]] = {}
        self._reading: asyncio.Task[None] | None = None

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
        if self._reading is None or self._reading.done() or self._reading.get_loop() is not loop:
            self._asked = {}
            self._reading = loop.create_task(self._read())
        return await asyncio.shield(self._asked.setdefault(experiment_id, loop.create_future()))

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                records = await loop.run_in_executor(self._thread, self._store.in_full, list(asked))
            except Exception as error:  # noqa: BLE001 - it is theirs who asked, whatever it is
                for future in asked.values():
                    future.set_exception(error)
            else:
                for name, future in asked.items():
                    future.set_result(records.get(name))
