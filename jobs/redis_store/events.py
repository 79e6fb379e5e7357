"""Events of experiments in Redis: a list of each, at whose end `lua/ledger.lua` tells what has changed."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import EventStore
from jobs.records import ExperimentEvent
from jobs.redis_store.keys import key
from jobs.redis_store.server import RedisServer
from jobs.states import ExperimentStatus

_SEAL: Final = 16
"""Characters of the seal before an event: the first 64 bits of a SHA-1 digest."""

_MEANWHILE: Final = 20
"""Events that may be told between two commands."""


class RedisEvents(RedisServer, EventStore):
    """The events of the Redis store."""

    @override
    def events(self, experiment_id: str, *, after: int = 0) -> Sequence[ExperimentEvent]:
        new = self.last_events([experiment_id])[experiment_id] - after
        if new <= 0:
            return []
        (told,) = self._read(["LRANGE", _events_key(experiment_id), -(new + _MEANWHILE), -1])
        return [_event(each) for each in _sound(told) if each["number"] > after]

    @override
    def last_events(self, experiment_ids: Sequence[str]) -> Mapping[str, int]:
        last = self._read(*(["LINDEX", _events_key(each), -1] for each in experiment_ids))
        return {
            each: next((event["number"] for event in _sound([told])), 0)
            for each, told in zip(experiment_ids, last, strict=True)
        }


def _events_key(experiment_id: str) -> str:
    return key("experiment", experiment_id, "events")


def _sound(told: Sequence[bytes | None]) -> Iterator[dict[str, Any]]:
    """Of what was told, what is still as it was told."""
    for each in told:
        seal, text = (each or b"")[:_SEAL], (each or b"")[_SEAL:]
        if hashlib.sha1(text, usedforsecurity=False).hexdigest()[:_SEAL].encode() == seal:
            yield json.loads(text)


def _event(told: Mapping[str, Any]) -> ExperimentEvent:
    return ExperimentEvent(
        number=int(told["number"]),
        status=ExperimentStatus(told["status"]),
        runs=tuple(sorted(told.get("runs", ()))),
        runs_done=told["runs_done"],
        outcomes={outcome: count for outcome, count in told["outcomes"].items() if count},
    )
