"""What the parts of the Redis store share: a client, its scripts, and plain reading."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import redis

from jobs.connection import vendor_errors
from jobs.errors import ExperimentNotFound
from jobs.records import Experiment
from jobs.redis_store.fields import Fields, experiment_record
from jobs.redis_store.keys import experiment_key
from jobs.redis_store.scripts import Scripts
from jobs.settings import Settings

_BATCH: Final = 1000
"""Commands in one pipeline: more would only pile up in the server's memory."""


class RedisServer:
    """One Redis or Valkey server, 7 or later, that keeps what it has acknowledged (`appendfsync always`).

    Args:
        client: from `jobs.connection.connect`.
        settings: lease and attempts.
    """

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._call = Scripts(client)

    def _read(self, *commands: Sequence[Any]) -> list[Any]:
        """The answers to several reading commands, in pipelines."""
        answers: list[Any] = []
        with vendor_errors():
            for start in range(0, len(commands), _BATCH):
                pipeline: Any  # its execute_command has no annotations
                with self._client.pipeline(transaction=False) as pipeline:
                    for command in commands[start : start + _BATCH]:
                        pipeline.execute_command(*command)
                    answers += pipeline.execute()
        return answers

    def _experiment_records(self, experiment_ids: Iterable[str]) -> list[Experiment]:
        """The records of those experiments that are there."""
        ids = list(experiment_ids)
        (seconds, microseconds), *hashes = self._read(["TIME"], *(["HGETALL", experiment_key(each)] for each in ids))
        now = seconds + microseconds / 1e6
        return [experiment_record(each, fields, now) for each, fields in zip(ids, hashes, strict=True) if fields]

    def _require(self, experiment_id: str, field: str) -> bytes:
        """One field of an experiment's hash.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        (value,) = self._read(["HGET", experiment_key(experiment_id), field])
        if value is None:
            raise ExperimentNotFound(experiment_id)
        found: bytes = value
        return found


def record_answer(experiment_id: str, answer: Sequence[Any]) -> Experiment:
    """The experiment in a script's answer: the time, and the fields."""
    now, flat = answer
    fields: Fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return experiment_record(experiment_id, fields, float(now))
