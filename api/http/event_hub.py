"""Who waits for what becomes of experiments: one look at the store serves all of them, and none holds a thread."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio import to_thread

from jobs.errors import JobsError
from jobs.ports import Store
from jobs.records import ExperimentEvent

LOOK_AGAIN_SECONDS: Final = 0.1
"""How soon the store is asked again while anybody waits and something happens."""

QUIET_SECONDS: Final = 0.4
"""How soon at the latest: where nothing does, each pause is half as long again as the one before."""

_AWAY_SECONDS: Final = 2.0
_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """An experiment that somebody waits for: the number of its last event, and the events that were told with it."""

    last: int = 0
    recent: Sequence[ExperimentEvent] = ()
    readers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Let those who wait look."""
        before, self.changed = self.changed, asyncio.Event()
        before.set()


class EventHub:
    """Looks at the store for all who wait in this process, as long as there are any."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watched: dict[str, _Watched] = {}
        self._looking: asyncio.Task[None] | None = None
        self.is_closed = False

    def close(self) -> None:
        """Let everybody go: the process ends."""
        self.is_closed = True
        for watched in self._watched.values():
            watched.wake()

    async def wait(self, experiment_id: str, *, after: int, seconds: float) -> bool:
        """Wait until an event with a number greater than `after` is told, for so long at most; whether one is."""
        watched = self._watched.setdefault(experiment_id, _Watched())
        watched.readers += 1
        self._look_from_now_on()
        try:
            with anyio.move_on_after(seconds):
                while watched.last <= after and not self.is_closed:
                    await watched.changed.wait()
            return watched.last > after
        finally:
            watched.readers -= 1
            if not watched.readers:
                self._watched.pop(experiment_id, None)

    async def events(self, experiment_id: str, *, after: int) -> Sequence[ExperimentEvent]:
        """The events of greater numbers: those that were just told, or what the store has."""
        watched = self._watched.get(experiment_id)
        if watched is not None and watched.recent and watched.recent[0].number <= after + 1:
            return [event for event in watched.recent if event.number > after]
        return await to_thread.run_sync(lambda: self._store.events(experiment_id, after=after))

    def _look_from_now_on(self) -> None:
        loop = asyncio.get_running_loop()
        if self._looking is None or self._looking.done() or self._looking.get_loop() is not loop:
            self._looking = loop.create_task(self._look())

    async def _look(self) -> None:
        pause = LOOK_AGAIN_SECONDS
        while self._watched and not self.is_closed:
            try:
                told = await to_thread.run_sync(self._new, {name: each.last for name, each in self._watched.items()})
            except JobsError:
                # Whoever waits is told nothing new meanwhile, and asks for the experiment itself in a while.
                await anyio.sleep(_AWAY_SECONDS)
                continue
            except Exception:  # noqa: BLE001 - one that is not foreseen ends nobody's wait
                _LOG.exception("the events of experiments cannot be read")
                await anyio.sleep(_AWAY_SECONDS)
                continue
            for name, (last, recent) in told.items():
                if (watched := self._watched.get(name)) is not None:
                    watched.last, watched.recent = last, recent
                    watched.wake()
            pause = LOOK_AGAIN_SECONDS if told else min(1.5 * pause, QUIET_SECONDS)
            await anyio.sleep(pause)

    def _new(self, known: Mapping[str, int]) -> dict[str, tuple[int, Sequence[ExperimentEvent]]]:
        """The last number, and what was told since the one that is known, of experiments where it is another one."""
        last = self._store.last_events(list(known))
        return {
            name: (number, self._store.events(name, after=known[name]) if known[name] else ())
            for name, number in last.items()
            if number != known[name]
        }
