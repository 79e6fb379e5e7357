"""What the parts of the Redis store share: a client, its scripts, plain reading, and seals."""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import redis

from core.identity import NUMERICS_VERSION
from jobs.connection import vendor_errors
from jobs.errors import ExperimentNotFound, StoreUnavailable
from jobs.records import Experiment
from jobs.redis_store.fields import Fields, experiment_record
from jobs.redis_store.keys import experiment_key, key
from jobs.redis_store.scripts import Scripts
from jobs.seal import BrokenSeal, opened
from jobs.settings import Settings

log = logging.getLogger(__name__)

_BATCH: Final = 1000
"""Commands in one pipeline: more would only pile up in the server's memory."""


class RedisServer:
    """One Redis or Valkey server, 7 or later, that keeps what it has acknowledged (`appendfsync always`).

    Args:
        client: from `jobs.connection.connect`.
        settings: lease and attempts.
        numerics: the version that experiments are planned for and claimed in.
    """

    def __init__(self, client: redis.Redis, settings: Settings, numerics: str = NUMERICS_VERSION) -> None:
        self._client = client
        self._settings = settings
        self._numerics = numerics
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

    def _opened(self, name: str, stored: bytes) -> bytes | None:
        """The value behind its seal; None, reported once and for all to see, where it is damaged."""
        try:
            return opened(name, stored)
        except BrokenSeal as error:
            log.error("%s: it is treated as absent", error)  # noqa: TRY400 - the place of the check says nothing
            self._remember_damage(name)
            return None

    def _remember_damage(self, name: str) -> None:
        try:
            self._read(["ZADD", key("damaged"), time.time(), name])
        except StoreUnavailable:
            log.warning("that %s is damaged could not be noted down", name)

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
