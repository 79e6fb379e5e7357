"""Experiments in Redis."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.connection import vendor_errors
from jobs.cursor import decode_cursor, encode_cursor
from jobs.errors import ExperimentNotFound, NotFailed, StillActive
from jobs.ports import ExperimentStore
from jobs.records import Experiment, Page, Submission
from jobs.redis_store.keys import key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer, record_answer
from jobs.seal import BrokenSeal, opened, sealed
from jobs.states import ExperimentStatus

MOST_LOOKED_AT: Final = 2000
"""Experiments that one page looks at. A rare combination of filters gives a short page and a cursor to go on from."""

MOST_RETRIED: Final = 500
"""Jobs that one call of a retry queues: the server answers nobody else meanwhile."""

_CHUNK: Final = 100


class RedisExperiments(RedisServer, ExperimentStore):
    """The experiments of the Redis store."""

    @override
    def submit(
        self,
        *,
        spec: bytes,
        content_hash: str,
        name: str,
        tags: Sequence[str],
        runs: int,
        documents: Sequence[str] = (),
    ) -> Submission:
        # The id is drawn here: a call that is sent again finds its own experiment and still answers that it is new.
        proposed = secrets.token_hex(16)
        is_new, found, record = self._call(
            Script.SUBMIT,
            *(proposed, self._numerics, content_hash, name, json.dumps(tags)),
            runs,
            sealed(_spec_name(proposed), spec),
            *documents,
        )
        return Submission(experiment=record_answer(found.decode(), record), is_new=bool(is_new))

    @override
    def experiment(self, experiment_id: str) -> Experiment:
        for record in self._experiment_records([experiment_id]):
            return record
        self._require(experiment_id)
        raise ExperimentNotFound(experiment_id)

    @override
    def records(self, experiment_ids: Sequence[str]) -> Mapping[str, Experiment]:
        return {record.id: record for record in self._experiment_records(experiment_ids)}

    @override
    def spec(self, experiment_id: str) -> bytes:
        (spec,) = self._read(["GET", key("experiment", experiment_id, "spec")])
        if spec is None:
            raise ExperimentNotFound(experiment_id)
        try:
            return opened(_spec_name(experiment_id), spec)
        except BrokenSeal as error:
            self._remember_damage(error.name)
            raise

    @override
    def experiments(
        self,
        *,
        status: ExperimentStatus | None = None,
        name: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        before = None if cursor is None else decode_cursor(cursor)
        found: list[tuple[int, Experiment]] = []
        candidates = self._newest_first(self._narrowest_index(name, tag), before)
        for looked_at, (number, record) in enumerate(candidates, 1):
            if status in {None, record.status} and name in {None, record.name} and tag in {None, *record.tags}:
                if len(found) == limit:
                    return _page(found, next_cursor=encode_cursor(found[-1][0]))
                found.append((number, record))
            if looked_at == MOST_LOOKED_AT:
                return _page(found, next_cursor=encode_cursor(number))
        return _page(found, next_cursor=None)

    @override
    def cancel(self, experiment_id: str) -> Experiment:
        return record_answer(experiment_id, self._call(Script.CANCEL, experiment_id))

    @override
    def retry(self, experiment_id: str, *, is_incomplete: bool = False) -> Experiment:
        # A call that is sent again is the same wish, though the experiment is no longer failed.
        wish = secrets.token_hex(16)
        try:
            left = True
            while left:
                asked = experiment_id, self._numerics, wish, int(is_incomplete), MOST_RETRIED
                left, record = self._call(Script.RETRY, *asked)
            return record_answer(experiment_id, record)
        except NotFailed:
            raise NotFailed(self.experiment(experiment_id).status) from None

    @override
    def delete(self, experiment_id: str) -> None:
        try:
            self._call(Script.DELETE, experiment_id)
        except StillActive:
            raise StillActive(self.experiment(experiment_id).status) from None

    def _narrowest_index(self, name: str | None, tag: str | None) -> str:
        """The shortest of the sorted sets that hold every experiment the filters let pass."""
        filters = (("name", name), ("tag", tag))
        indices = [key("experiments", kind, value) for kind, value in filters if value is not None]
        if not indices:
            return key("experiments")
        sizes = self._read(*(["ZCARD", index] for index in indices))
        return min(zip(sizes, indices, strict=True))[1]

    def _newest_first(self, index: str, before: int | None) -> Iterator[tuple[int, Experiment]]:
        bound: str | int = "+inf" if before is None else f"({before}"
        while True:
            with vendor_errors():
                members: Any = self._client.zrange(
                    index, bound, "-inf", desc=True, byscore=True, offset=0, num=_CHUNK, withscores=True
                )
            if not members:
                return
            numbers = {member.decode(errors="replace"): int(number) for member, number in members}
            yield from ((numbers[each.id], each) for each in self._experiment_records(numbers))
            bound = f"({min(numbers.values())}"


def _spec_name(experiment_id: str) -> str:
    return f"spec of {experiment_id}"


def _page(found: Sequence[tuple[int, Experiment]], *, next_cursor: str | None) -> Page:
    return Page(experiments=tuple(record for _, record in found), next_cursor=next_cursor)
