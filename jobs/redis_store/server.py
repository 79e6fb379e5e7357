"""What the parts of the Redis store share: a client, its scripts, plain reading, and seals."""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import redis

from core.array_block import numbers_in_block
from core.identity import NUMERICS_VERSION
from core.results.result import numbers_in_summary
from jobs.connection import vendor_errors
from jobs.errors import RESTORING, ExperimentNotFound, ForeignStore, StoreUnavailable
from jobs.records import Experiment, StoredRun
from jobs.redis_store.fields import EXPERIMENT_FIELDS, Fields, checksum, experiment_record, generation_mark, is_sound
from jobs.redis_store.keys import experiment_key, job_key, key, page_name, run_key, run_name
from jobs.redis_store.scripts import Damaged, Script, Scripts
from jobs.run_pages import packed_page, unpacked_page
from jobs.seal import BrokenSeal, opened, sealed
from jobs.settings import Settings
from jobs.states import ACTIVE

log = logging.getLogger(__name__)

MOST_REPAIRS: Final = 1000
"""Of one call, each of another experiment."""

_READING_OF_SCHEMA: Final = ("GET", key("schema"))

_BATCH: Final = 1000
"""Commands in one pipeline: more would only pile up in the server's memory."""

_MOST_KEPT: Final = 1000
"""Records of ended experiments, of about two kilobytes each."""


_OF_RUN: Final = ("outcome", "page", "summary")

_PAGES_KEPT: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What there is of a run under its key: its outcome, its place, or its own summary and arrays from before pages.

    What there was none of is empty. `page` and `row` are those of the place, no page where that is damaged.
    """

    run: str
    outcome: bytes
    place: bytes
    summary: bytes
    arrays: bytes
    page: str
    row: int

    @classmethod
    def of(
        cls, run: str, outcome: bytes | None, place: bytes | None, summary: bytes | None, arrays: bytes | None = None
    ) -> Self:
        """Of the fields of the run's hash."""
        where, _, seal = (place or b"").rpartition(b":")
        is_sound = seal == checksum(run_key(run).encode() + where)
        page, _, row = where.decode().partition(":") if is_sound else ("", "", "0")
        return cls(
            run=run,
            outcome=outcome or b"",
            place=place or b"",
            summary=summary or b"",
            arrays=arrays or b"",
            page=page,
            row=int(row or 0),
        )

    @property
    def is_there(self) -> bool:
        """Whether anything is stored of it."""
        return bool(self.place or self.summary or self.arrays)

    @property
    def bad(self) -> tuple[bytes, bytes, bytes]:
        """What a script compares before it takes a damaged run away."""
        return self.place, self.summary, self.arrays


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
        self._scripts = Scripts(client, settings.turn_seconds)
        self._ended: dict[str, tuple[Fields, Experiment]] = {}
        self._pages: dict[tuple[str, str], tuple[bytes, Sequence[bytes]]] = {}

    def _call(self, script: Script, *args: bytes | str | float) -> Any:
        """A script's answer, as `Scripts` gives it; what it finds damaged on its way is repaired first.

        Raises:
            BrokenSeal: the experiment that was asked for is damaged beyond repair.
        """
        hopeless: set[str] = set()
        for _ in range(MOST_REPAIRS):
            try:
                return self._scripts(script, *args)
            except Damaged as damage:
                if damage.experiment_id in hopeless:
                    raise BrokenSeal(_record_name(damage.experiment_id)) from damage
                if not self._repair(damage.experiment_id, damage.mark):
                    hopeless.add(damage.experiment_id)
        raise StoreUnavailable(f"more than {MOST_REPAIRS} experiments are damaged")

    def _repair(self, experiment_id: str, mark: str) -> bool:
        """Have an experiment planned anew that is damaged, unless somebody has; whether that is possible."""
        is_repaired = bool(self._scripts(Script.REPAIR, experiment_id, mark))
        name, outcome = _record_name(experiment_id), "planned anew" if is_repaired else "told of, and left alone"
        log.error("%s is damaged: the experiment is %s", name, outcome)
        self._remember_damage(name)
        return is_repaired

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

    def _runs(self, keys: Sequence[str], *, with_arrays: bool) -> list[tuple[StoredRun | None, Found]]:
        """The runs under these keys, and what there was of each; without their arrays these are empty.

        None where a part is missing or damaged. The outcome that is counted is mended.
        """
        fields = [*_OF_RUN, "arrays"] if with_arrays else _OF_RUN
        stored = self._read(*(["HMGET", run_key(each), *fields] for each in keys))
        found = [Found.of(each, *values) for each, values in zip(keys, stored, strict=True)]
        pages = list(dict.fromkeys(each.page for each in found if each.page))
        parts = ["summaries", "arrays"] if with_arrays else ["summaries"]
        values = self._read(*(["HMGET", key("page", page), *parts] for page in pages))
        opened_pages = {
            page: [self._page(page, part, value) for part, value in zip(parts, each, strict=True)]
            for page, each in zip(pages, values, strict=True)
        }
        return [(self._run(each, opened_pages.get(each.page), with_arrays=with_arrays), each) for each in found]

    def _page(self, page: str, part: str, stored: bytes | None) -> Sequence[bytes]:
        """The values of one part of a page, none where it is missing or damaged; those of the last ones are kept."""
        if stored is None:
            return []
        kept = self._pages.get((page, part))
        if kept is None or kept[0] != stored:
            try:
                kept = stored, unpacked_page(opened(page_name(page, part), stored))
            except BrokenSeal:
                return []
            if len(kept[1]) > 1:  # a single run of any size has no neighbours that will be asked for
                if len(self._pages) >= _PAGES_KEPT:
                    self._pages.clear()
                self._pages[page, part] = kept
        return kept[1]

    def _run(self, found: Found, page: Sequence[Sequence[bytes]] | None, *, with_arrays: bool) -> StoredRun | None:
        """A run of what was found of it, on its page or, as before there were pages, by itself."""
        if not found.is_there:
            return None
        summary = self._part(found, "summary", page[0] if page else [], found.summary)
        arrays = b"" if not with_arrays else self._part(found, "arrays", page[1] if page else [], found.arrays)
        if summary is None or arrays is None:
            return None
        if page:
            text, _, told = summary.rpartition(b"\0")
        else:
            told, _, text = summary.partition(b"\0")
        if found.outcome != told:
            self._remember_damage(run_name(found.run, "outcome"))
            self._read(["HSET", run_key(found.run), "outcome", told])
        return StoredRun(key=found.run, outcome=told.decode(), summary=text, arrays=arrays)

    def _part(self, found: Found, part: str, values: Sequence[bytes], own: bytes) -> bytes | None:
        name = run_name(found.run, part)
        if not found.place:
            return self._opened(name, own) if own else None
        if not found.row < len(values):
            log.error("%s is damaged: it is treated as absent", name)
            self._remember_damage(name)
            return None
        return values[found.row]

    def _remember_damage(self, name: str) -> None:
        try:
            self._read(["ZADD", key("damaged"), time.time(), name])
        except StoreUnavailable:
            log.warning("that %s is damaged could not be noted down", name)

    def _experiment_records(self, experiment_ids: Iterable[str]) -> list[Experiment]:
        """The records of those experiments that are there, and sound or repaired."""
        return self._experiment_records_and(list(experiment_ids))[0]

    def _experiment_records_and(
        self, ids: Sequence[str], values: Sequence[str] = ()
    ) -> tuple[list[Experiment], list[bytes | None]]:
        """The same, with the values of these keys, which are read with them."""
        reading = (["HGETALL", experiment_key(each)] for each in ids)
        (schema, *found_values), (seconds, microseconds), *answers = self._read(
            ["MGET", key("schema"), *values], ["TIME"], *reading
        )
        _require_whole(schema)
        now = seconds + microseconds / 1e6
        found = {each: self._record(each, fields, now) for each, fields in zip(ids, answers, strict=True)}
        return [record for record in found.values() if record is not None], found_values

    def _record(self, experiment_id: str, fields: Fields, now: float) -> Experiment | None:
        """The record in the fields, if they are sound; that of an ended experiment, most often asked for, is kept."""
        if (kept := self._ended.get(experiment_id)) is not None and kept[0] == fields:
            return kept[1]
        if not (sound := self._sound(experiment_id, fields)):
            return None
        record = experiment_record(experiment_id, sound, now)
        if record.status not in ACTIVE:
            if len(self._ended) >= _MOST_KEPT:
                self._ended.clear()
            self._ended[experiment_id] = sound, record
        return record

    def _repair_all_of(self, job_id: str, experiment_id: str) -> None:
        """Have the experiment planned anew of which this job is damaged."""
        _, fields = self._read(["UNLINK", job_key(job_id)], ["HGETALL", experiment_key(experiment_id)])
        self._repair(experiment_id, generation_mark(fields))

    def _fields(self, experiment_id: str) -> Fields:
        (fields,) = self._read(["HGETALL", experiment_key(experiment_id)])
        return self._sound(experiment_id, fields)

    def _sound(self, experiment_id: str, fields: Fields) -> Fields:
        """The fields of an experiment, read again where it had to be repaired; none where that cannot be."""
        name = experiment_key(experiment_id)
        if not fields or is_sound(name, fields, EXPERIMENT_FIELDS):
            return fields
        self._repair(experiment_id, generation_mark(fields))
        (again,) = self._read(["HGETALL", name])
        return again if is_sound(name, again, EXPERIMENT_FIELDS) else {}

    def _require(self, experiment_id: str) -> Fields:
        """The fields of an experiment's hash.

        Raises:
            ExperimentNotFound: there is none of that id.
            BrokenSeal: it is damaged beyond repair.
            ForeignStore: a backup is being restored.
        """
        schema, fields = self._read(_READING_OF_SCHEMA, ["HGETALL", experiment_key(experiment_id)])
        _require_whole(schema)
        if not fields:
            raise ExperimentNotFound(experiment_id)
        sound = self._sound(experiment_id, fields)
        if not sound:
            raise BrokenSeal(_record_name(experiment_id))
        return sound


def _require_whole(schema: bytes | None) -> None:
    """Scripts look at the schema by themselves; who only reads would take what is not there yet for missing."""
    if schema == RESTORING.encode():
        raise ForeignStore(RESTORING)


def _record_name(experiment_id: str) -> str:
    return f"record of experiment {experiment_id}"


def sealed_page(page: str, runs: Sequence[StoredRun]) -> tuple[bytes, bytes]:
    """Summaries and arrays of the runs of a page as they are stored; an outcome stands behind its summary."""
    summaries = packed_page([run.summary + b"\0" + run.outcome.encode() for run in runs], numbers_in_summary)
    arrays = packed_page([run.arrays for run in runs], numbers_in_block)
    return sealed(page_name(page, "summaries"), summaries), sealed(page_name(page, "arrays"), arrays)


def record_answer(experiment_id: str, answer: Sequence[Any]) -> Experiment:
    """The experiment in a script's answer: the time, and the fields."""
    now, flat = answer
    fields: Fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return experiment_record(experiment_id, fields, float(now))
