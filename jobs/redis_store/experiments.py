"""Experiments in Redis."""

import json
import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.connection import vendor_errors
from jobs.cursor import decode_cursor, encode_cursor
from jobs.errors import ExperimentNotFound, NotFailed, StillActive
from jobs.ports import ALL, MOST_AHEAD, MOST_TAGS, NO_WISHES, NOBODYS, ExperimentStore
from jobs.records import Experiment, Filters, Known, Labels, Ownership, Page, Place, Queue, Submission, Wishes
from jobs.redis_store.fields import ownership_fields, wish_fields
from jobs.redis_store.keys import experiment_key, key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer, record_answer
from jobs.seal import BrokenSeal, opened, sealed

MOST_LOOKED_AT: Final = 2000
"""Experiments that one page looks at. A rare combination of filters gives a short page and a cursor to go on from."""

MOST_RETRIED: Final = 500
"""Jobs that one call of a retry queues: the server answers nobody else meanwhile."""

CLOCK_SECONDS: Final = 86_400.0
"""By so much the server's clock may have been set back between two submissions, and a search by time finds both."""

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
        wishes: Wishes = NO_WISHES,
        ownership: Ownership = NOBODYS,
    ) -> Submission:
        # The id is drawn here: a call that is sent again finds its own experiment and still answers that it is new.
        proposed = secrets.token_hex(16)
        wished = {**wish_fields(wishes), **ownership_fields(ownership)}
        is_new, found, record, added = self._call(
            Script.SUBMIT,
            *(proposed, self._numerics, content_hash, name, json.dumps(tags), MOST_TAGS),
            runs,
            sealed(_spec_name(proposed), spec),
            len(wished),
            *chain.from_iterable(wished.items()),
            *documents,
        )
        return Submission(
            experiment=record_answer(found.decode(), record),
            is_new=bool(is_new),
            tags_added=tuple(tag.decode() for tag in added),
        )

    @override
    def edit(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        notes: str | None = None,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        shared: bool | None = None,
        expected: Labels | None = None,
    ) -> Experiment:
        known = {} if expected is None else _label_fields(experiment_id, **asdict(expected))
        changes = _label_fields(experiment_id, name=name, tags=tags, notes=notes)
        more = {"remove_tags": remove_tags, "add_tags": add_tags}
        changes |= {what: json.dumps(given) for what, given in more.items() if given}
        changes |= {} if shared is None else {"shared": "1" if shared else ""}
        fields = chain.from_iterable([*known.items(), *changes.items()])
        return record_answer(experiment_id, self._call(Script.EDIT, experiment_id, MOST_TAGS, len(known), *fields))

    @override
    def notes(self, experiment_id: str) -> str:
        (stored,) = self._read(["GET", _notes_key(experiment_id)])
        return self._opened_notes(experiment_id, stored)

    @override
    def in_full(self, experiment_ids: Sequence[str]) -> Mapping[str, tuple[Experiment, str]]:
        ids = list(dict.fromkeys(experiment_ids))
        records, stored = self._experiment_records_and(ids, list(map(_notes_key, ids)))
        notes = dict(zip(ids, stored, strict=True))
        return {each.id: (each, self._opened_notes(each.id, notes[each.id])) for each in records}

    def _opened_notes(self, experiment_id: str, stored: bytes | None) -> str:
        return ((stored and self._opened(_notes_name(experiment_id), stored)) or b"").decode()

    @override
    def ids(self, prefix: str, *, most: int, owner: str | None = None) -> Sequence[str]:
        names = _of_owner("ids", owner)
        (members,) = self._read(["ZRANGE", names, f"[{prefix}", f"[{prefix}\xff", "BYLEX", "LIMIT", 0, most])
        found = [member.decode(errors="replace") for member in members]
        there = self._read(*(["EXISTS", experiment_key(each)] for each in found))
        return [each for each, is_there in zip(found, there, strict=True) if is_there]

    @override
    def places(self, experiment_id: str) -> Sequence[Place]:
        found = [value.decode() for value in self._call(Script.QUEUE_PLACE, experiment_id, MOST_AHEAD)]
        return [
            Place(queue=Queue(queue), experiments_ahead=int(ahead), work_ahead=float(work))
            for queue, ahead, work in zip(found[::3], found[1::3], found[2::3], strict=True)
        ]

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
    def experiments(self, filters: Filters = ALL, *, limit: int = 50, cursor: str | None = None) -> Page:
        index = self._narrowest_index(filters.tags, filters.owner)
        before = self._first_number_after(index, filters.until) if cursor is None else decode_cursor(cursor)
        found: list[tuple[int, Experiment]] = []
        for looked_at, (number, record) in enumerate(self._newest_first(index, before, limit + 1), 1):
            if record.created_at < filters.since - CLOCK_SECONDS:
                break
            if filters.let_pass(record):
                if len(found) == limit:
                    return _page(found, next_cursor=encode_cursor(found[-1][0]))
                found.append((number, record))
            if looked_at == MOST_LOOKED_AT:
                return _page(found, next_cursor=encode_cursor(number))
        return _page(found, next_cursor=None)

    @override
    def cancel(self, experiment_id: str, *, expected: Known | None = None) -> Experiment:
        return record_answer(experiment_id, self._call(Script.CANCEL, experiment_id, *_known(experiment_id, expected)))

    @override
    def retry(self, experiment_id: str, *, is_incomplete: bool = False, expected: Known | None = None) -> Experiment:
        # A call that is sent again is the same wish, though the experiment is no longer failed.
        wish = secrets.token_hex(16)
        try:
            left = True
            while left:
                asked = experiment_id, self._numerics, wish, int(is_incomplete), MOST_RETRIED
                left, record = self._call(Script.RETRY, *asked, *_known(experiment_id, expected))
            return record_answer(experiment_id, record)
        except NotFailed:
            raise NotFailed(self.experiment(experiment_id).status) from None

    @override
    def delete(self, experiment_id: str, *, expected: Known | None = None) -> None:
        try:
            self._call(Script.DELETE, experiment_id, *_known(experiment_id, expected))
        except StillActive:
            raise StillActive(self.experiment(experiment_id).status) from None

    def _narrowest_index(self, tags: Sequence[str], owner: str | None) -> str:
        """The shortest of the sorted sets that hold every experiment of these tags, and none of another owner."""
        of_all = _of_owner("experiments", owner)
        indices = [f"{of_all}:tag:{tag}" for tag in tags] or [of_all]
        sizes = self._read(*(["ZCARD", index] for index in indices))
        return min(zip(sizes, indices, strict=True))[1]

    def _first_number_after(self, index: str, until: float) -> int | None:
        """A number from which on all of the index were submitted later; None where it is not worth the search."""
        first, last = 0, self._read(["ZCARD", index])[0]
        if until == math.inf or last <= _CHUNK:
            return None
        while first < last:
            middle = (first + last) // 2
            found = self._experiment_records(self._ranked(index, middle))
            is_later = any(each.created_at > until + CLOCK_SECONDS for each in found)
            first, last = (first, middle) if is_later else (middle + 1, last)
        return next(iter(self._ranked(index, first).values()), None)

    def _ranked(self, index: str, rank: int) -> Mapping[str, int]:
        """The id at this place of the index, with its number; nothing beyond the end."""
        (found,) = self._read(["ZRANGE", index, rank, rank, "WITHSCORES"])
        return {member.decode(): int(number) for member, number in found}

    def _newest_first(self, index: str, before: int | None, likely: int) -> Iterator[tuple[int, Experiment]]:
        """Numbers and records; `likely` are wanted, and those beyond them where filters refuse some."""
        most = min(likely, _CHUNK)
        bound: str | int = "+inf" if before is None else f"({before}"
        while True:
            with vendor_errors():
                members: Any = self._client.zrange(
                    index, bound, "-inf", desc=True, byscore=True, offset=0, num=most, withscores=True
                )
            if not members:
                return
            numbers = {member.decode(errors="replace"): int(number) for member, number in members}
            yield from ((numbers[each.id], each) for each in self._experiment_records(numbers))
            bound, most = f"({min(numbers.values())}", _CHUNK


def _of_owner(index: str, owner: str | None) -> str:
    """An index of the experiments of one owner, or of all, as `lua/ledger.lua` has it."""
    return key(index) if owner is None else key(index, "owner", owner)


def _spec_name(experiment_id: str) -> str:
    return f"spec of {experiment_id}"


def _known(experiment_id: str, expected: Known | None) -> list[str | bytes | int]:
    """How many parts an experiment is known in, each by name and value."""
    if expected is None:
        return [0]
    fields = _label_fields(experiment_id, **asdict(expected.labels))
    ended = "" if expected.finished_at is None else repr(expected.finished_at)
    return [len(fields) + 2, *chain.from_iterable(fields.items()), "status", expected.status, "finished_at", ended]


def _label_fields(
    experiment_id: str, *, name: str | None, tags: Sequence[str] | None, notes: str | None
) -> dict[str, str | bytes]:
    """Those that are given, as they are stored."""
    fields: dict[str, str | bytes] = {}
    if name is not None:
        fields["name"] = name
    if tags is not None:
        fields["tags"] = json.dumps(tags)
    if notes is not None:
        fields["notes"] = sealed(_notes_name(experiment_id), notes.encode()) if notes else b""
    return fields


def _notes_key(experiment_id: str) -> str:
    return key("experiment", experiment_id, "notes")


def _notes_name(experiment_id: str) -> str:
    return f"notes on {experiment_id}"


def _page(found: Sequence[tuple[int, Experiment]], *, next_cursor: str | None) -> Page:
    return Page(experiments=tuple(record for _, record in found), next_cursor=next_cursor)
