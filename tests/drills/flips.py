"""Bits that change by themselves in what is stored: whether that is found, served, and made good.

A store holds one experiment of each sort: one that has succeeded, one at work, one that has failed, one cancelled.
One bit of one key changes; then everything is read, the janitor goes its rounds, and workers do what there is to do.
Nothing that is read may differ from what was there but by being absent, damaged, or planned anew; in the end all is as
it should be.
"""

import json
import math
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Final

import redis

from jobs.api_keys import ApiKey, KeyScope
from jobs.errors import ForeignStore, JobsError, LeaseLost
from jobs.ports import NO_WISHES, NOBODYS
from jobs.records import (
    Claim,
    Experiment,
    FigureRequest,
    FinishedRun,
    JobKind,
    LiveWorker,
    NewJob,
    Ownership,
    Queue,
    StoredRun,
    WebhookState,
    Wishes,
)
from jobs.redis_store import RedisStore
from jobs.seal import BrokenSeal
from jobs.settings import Settings
from jobs.states import ExperimentStatus
from tests.jobs.laboratory import digest, finished_runs

SETTINGS: Final = Settings(lease_seconds=0.02, heartbeat_seconds=0.005, janitor_seconds=0.01, max_attempts=2)
RUNS: Final = 6
BATCH: Final = 2
SORTS: Final = ("succeeded", "failed", "cancelled", "at work")
DOCUMENTS: Final = tuple(
    f"{kind}:x" for kind in ("analysis", "interpolators", "dataset", "dataset-description", "figure")
)
NUMERICS: Final = "v"
REQUEST: Final = FigureRequest(experiment_id="e", figure="risk", format="svg", key="k")

NOTES: Final = "nötes " * 3
ANSWER: Final = b"what was answered"

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "record of an experiment": r"experiment:\w+",
        "its second record": r"experiment:\w+:birth",
        "record of a job": r"job:.*",
        "spec": r"experiment:\w+:spec",
        "runs that are done": r"experiment:\w+:done",
        "keys of its runs": r"experiment:\w+:keys",
        "list of its jobs": r"experiment:\w+:jobs",
        "its dead jobs": r"experiment:\w+:dead",
        "its backlog": r"experiment:\w+:backlog:.*",
        "checkpoint": r"experiment:\w+:checkpoints",
        "documents it uses": r"experiment:\w+:(inputs|documents)",
        "run": r"run:.*",
        "page of runs": r"page:.*",
        "document": r"document:.*",
        "users of documents": r"document-users",
        "leases": r"leases",
        "turns": r"flows:.*",
        "lists of experiments": r"experiments.*",
        "experiment of a spec": r"current",
        "finished, unfinished": r"(un)?finished.*",
        "versions": r"numerics",
        "garbage": r"garbage.*",
        "figures asked for": r"figures:\w+(:of:.*)?",
        "turns of figures": r"figures:.*:owners.*",
        "janitor, sweep, audit": r"janitor|sweep|audit",
        "schema": r"schema",
        "ids": r"ids(:owner:\w+)?",
        "owners": r"owners",
        "ends to tell": r"webhooks.*",
        "what came of telling one": r"experiment:\w+:webhook",
        "keys of the interface": r"keys",
        "requests of an owner": r"requests:.*",
        "workers": r"workers?:.*",
        "notes": r"experiment:\w+:notes",
        "events": r"experiment:\w+:events",
        "uploads": r"uploads",
        "users of a data set": r"users-of:.*",
        "answers": r"answer:.*",
        "what was asked, what has ended": r"asked:.*|ended",
    }
)
"""Everything that lies in the store, by the names of its keys."""

MUST_BE_TOLD: Final = frozenset(
    {"record of an experiment", "spec", "runs that are done", "document", "figures asked for", "schema"}
)
"""Kinds of which every flip is told of; of the others some are of no consequence, or are put right in passing."""


@dataclass(kw_only=True, slots=True)
class Tally:
    """What came of the flips of one kind.

    Attributes:
        flips: how many there were.
        told: after which somebody is told that something is damaged.
    """

    flips: int = 0
    told: int = 0


@dataclass(kw_only=True, slots=True)
class Findings:
    """What came of all; `complaints` has a sentence for each flip after which something was wrong."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


class Patient:
    """A store to be hit, on a server of its own, and what it held when all was well."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.client.flushall()
        self.store = RedisStore(client, SETTINGS, NUMERICS)
        self.store.adopt()
        self._leave_garbage()
        for name in DOCUMENTS:
            self.store.put_document(name, document(name))
        self.ids = {sort: self._made(sort) for sort in SORTS}
        self.store.edit(self.ids["succeeded"], notes=NOTES)
        self.store.keep_upload("x", arrays=document("dataset:x"), description=document("dataset-description:x"))
        self.store.keep_answer("k", ANSWER, seconds=60.0, is_first=True)
        self.store.request_figure(REQUEST, seconds=60.0)
        self.key = ApiKey(id="k", owner="ada", scope=KeyScope.READ, digest="d", last_four="last", created_at=1.0)
        self.store.keep_key(self.key)
        self.store.take_request("ada", per_minute=9)
        self.store.register(LiveWorker(name="w", numerics=NUMERICS, idle=1), queues=Queue, seconds=60.0)
        (told,) = self.store.due_webhooks(most=1, seconds=0.0)
        self.store.note_webhook(told, WebhookState.PENDING, status=500)
        self.store.audit(most=1)
        self.store.sweep(most=1, grace=60.0)
        self.store.tidy("w", period=0.01, last=None, elapsed=0.0)
        self._dumps = [(name, self.client.dump(name)) for name in self.client.scan_iter()]
        self._before = {each: self.store.experiment(each) for each in self.ids.values()}
        self._events = {each: self.store.events(each) for each in self._before}
        self._payloads = {job.id: job.payload for each in self._before for job in self.store.jobs(each)}

    def restore(self) -> None:
        """Make it as it was."""
        with self.client.pipeline() as pipeline:
            pipeline.flushall()
            for name, dump in self._dumps:
                pipeline.restore(name, 0, dump)
            pipeline.execute()

    def _made(self, sort: str) -> str:
        """An experiment of this sort."""
        store, spec = self.store, spec_of(sort)
        inputs = [name for name in DOCUMENTS if name.startswith("dataset")] if sort == "at work" else []
        experiment = store.submit(
            spec=spec,
            content_hash=digest(sort),
            name=f"ä {sort}",
            tags=["a", sort],
            runs=RUNS,
            documents=inputs,
            wishes=Wishes(webhook="https://a.example/") if sort == "succeeded" else NO_WISHES,
            ownership=Ownership(owner="ada") if sort == "succeeded" else NOBODYS,
        ).experiment
        self._plan(self._claim())
        for _ in range(RUNS // BATCH if sort == "succeeded" else 1):
            self._train(self._claim())
        if sort != "succeeded":
            claim = self._claim()
            store.save_checkpoint(claim, f"half of {sort}".encode())
            store.heartbeat(claim, fraction=0.5)
        if sort == "failed":
            store.fail(claim, "an error", is_hopeless=True)
            store.fail(self._claim(), "an error", is_hopeless=True)
        elif sort == "cancelled":
            store.cancel(experiment.id)
        return experiment.id

    def _leave_garbage(self) -> None:
        """What an experiment that was deleted leaves for the janitor."""
        experiment = self.store.submit(spec=spec_of("deleted"), content_hash="", name="", tags=[], runs=RUNS).experiment
        claim = self._claim()
        self.store.set_run_keys(claim, 0, [run.key for run in runs_of("deleted")])
        self.store.cancel(experiment.id)
        self.store.delete(experiment.id)

    def _claim(self) -> Claim:
        claim = self.store.claim(Queue.INTERACTIVE, worker="w") or self.store.claim(Queue.BATCH, worker="w")
        assert claim is not None
        return claim

    def _plan(self, claim: Claim) -> None:
        sort = json.loads(self.store.spec(claim.job.experiment_id))["sort"]
        self.store.use_documents(claim, ["analysis:x"])
        missing = self.store.set_run_keys(claim, 0, [run.key for run in runs_of(sort)])
        for first in sorted({index - index % BATCH for index in missing}):
            job_id = f"{claim.job.id.removesuffix('plan')}{first}"
            payload = {"indices": [first, first + 1]}
            self.store.add_jobs(claim, [NewJob(id=job_id, queue=Queue.BATCH, payload=payload, work=1.0)])
        self.store.complete(claim)

    def _train(self, claim: Claim) -> None:
        sort = json.loads(self.store.spec(claim.job.experiment_id))["sort"]
        runs = runs_of(sort)
        some = [FinishedRun(index=index, run=runs[index]) for index in claim.job.payload["indices"]]
        self.store.commit_runs(claim, some)
        self.store.complete(claim)

    def _run_janitor(self) -> None:
        """Until it has seen everything."""
        last = None
        for _ in range(3):
            time.sleep(SETTINGS.lease_seconds / 2)
            last = self.store.tidy("w", period=0.01, last=last, elapsed=0.0).at
        for _ in range(3):
            self.store.audit(most=10)
        for _ in range(4):
            self.store.sweep(most=1000, grace=0.0)
        while self.store.clear_garbage(most=100):
            pass

    def look(self) -> Iterator[str]:
        """Read everything; a sentence for each thing that is neither what it was, nor absent, nor told of."""
        for sort, each in self.ids.items():
            with suppress(BrokenSeal):
                yield from self._look_at(sort, self.store.experiment(each))
            with suppress(BrokenSeal):
                if self.store.spec(each) != spec_of(sort):
                    yield f"the spec of what is {sort} is another"
            for index, summary in enumerate(self._summaries(each)):
                if summary not in {None, runs_of(sort)[index].summary}:
                    yield f"a summary of what is {sort} is another"
                with suppress(BrokenSeal):
                    if self.store.run(each, index) not in {None, runs_of(sort)[index]}:
                        yield f"a run of what is {sort} is another"
            told = {event.number: event for event in self._events[each]}
            if any(told.get(event.number, event) != event for event in self.store.events(each)):
                yield f"an event of what is {sort} is another"
        yield from self._look_beside()
        for name in DOCUMENTS:
            if self.store.document(name) not in {None, document(name)}:
                yield f"{name} is another"
        if self.store.next_figure() not in {None, REQUEST}:
            yield "another figure is asked for"

    def _look_beside(self) -> Iterator[str]:
        """What lies beside the experiments."""
        if self.store.notes(self.ids["succeeded"]) != NOTES and not self.told():
            yield "the notes are others"
        if self.store.keep_answer("k", b"another", seconds=60.0, is_first=True) not in {ANSWER, b"another"}:
            yield "another answer is given"
        listed = self.store.keys()
        if any(each != self.key for each in listed):
            yield "another key opens something"
        if [each.description for each in self.store.uploads(limit=9)] not in ([], [document("dataset-description:x")]):
            yield "other uploads are listed"

    def _summaries(self, experiment_id: str) -> list[bytes | None]:
        try:
            return list(self.store.summaries(experiment_id, 0, RUNS))
        except BrokenSeal:
            return []

    def _look_at(self, sort: str, now: Experiment) -> Iterator[str]:
        before = self._before[now.id]
        born = ("name", "tags", "content_hash", "created_at", "runs_total", "numerics")
        if any(getattr(now, each) != getattr(before, each) for each in born):
            yield f"the record of what is {sort} is another"
        is_anew = now.jobs_total < before.jobs_total or now.status is ExperimentStatus.PLANNING
        has_more = not is_anew and now.runs_done > before.runs_done
        if has_more or sum(now.outcomes.values()) not in {0, now.runs_done}:
            yield f"the counts of what is {sort} are others: {now}"
        for job in self.store.jobs(now.id):
            if job.kind is JobKind.TRAIN and job.payload != self._payloads.get(job.id, job.payload):
                yield f"a job of what is {sort} is another"
            with suppress(BrokenSeal):
                if self.store.checkpoint(job) not in {None, f"half of {sort}".encode()}:
                    yield f"a checkpoint of what is {sort} is another"

    def work(self) -> Iterator[str]:
        """Do what there is to do, and ask again for what failed; a sentence for each thing that is wrong then."""
        for _ in range(4):
            self._run_janitor()
            self._work_off()
            for each in self.ids.values():
                with suppress(JobsError):
                    if self.store.experiment(each).status is ExperimentStatus.FAILED:
                        self.store.retry(each)
        for sort, each in self.ids.items():
            yield from self._ended(sort, each)
        yield from self._told_ends()

    def _told_ends(self) -> Iterator[str]:
        """The end that is to be told is, unless nobody knows any more what it was the end of."""
        told = self.ids["succeeded"]
        with suppress(BrokenSeal):
            self.store.experiment(told)
            if told not in {each.experiment_id for each in self.store.due_webhooks(most=9, seconds=0.0)}:
                yield "an end is told to nobody"

    def _work_off(self) -> None:
        for queue in (*Queue, *Queue):
            while (claim := self.store.claim(queue, worker="w")) is not None:
                try:
                    with suppress(LeaseLost):
                        (self._plan if claim.job.kind is JobKind.PLAN else self._train)(claim)
                except JobsError as error:
                    self.store.fail(claim, str(error), is_hopeless=True)

    def _ended(self, sort: str, experiment_id: str) -> Iterator[str]:
        wanted = ExperimentStatus.CANCELLED if sort == "cancelled" else ExperimentStatus.SUCCEEDED
        try:
            self.store.spec(experiment_id)
            found = self.store.experiment(experiment_id)
            runs = [self.store.run(experiment_id, index) for index in range(RUNS)]
        except BrokenSeal:
            return
        if None in runs and found.status is wanted:
            # It has said so by now.
            found = self.store.experiment(experiment_id)
        if found.status is not wanted:
            yield f"what is {sort} ends as {found.status}: {found.error}"
        elif wanted is ExperimentStatus.SUCCEEDED and runs != runs_of(sort):
            yield f"what is {sort} ends with other results"
        if found.jobs_total != len(self.store.jobs(experiment_id)):
            yield f"what is {sort} ends with jobs that are not listed"

    def told(self) -> bool:
        """Whether anybody is told that something is damaged."""
        errors = [self.store.experiment(each).error or "" for each in self.ids.values()]
        return bool(self.store.damaged()) or any("another key" in each or "damaged" in each for each in errors)


def spec_of(sort: str) -> bytes:
    """The spec of an experiment of this sort."""
    return json.dumps({"sort": sort, "why": "ä" * 20}).encode()


def runs_of(sort: str) -> list[StoredRun]:
    """Its runs; what has failed has some in common with what has succeeded."""
    labels = [f"{sort if index else 'any'} {index}" for index in range(RUNS)]
    return [each.run for each in finished_runs(labels)]


def document(name: str) -> bytes:
    """What is kept under this name."""
    return f"document {name}".encode() * 3


def flips(client: redis.Redis, count: int, seed: int, *, kinds: Iterable[str] = KINDS) -> Findings:
    """Change one bit, `count` times for each kind of key of the store."""
    findings, patient = Findings(), Patient(client)
    for kind, pattern in ((each, KINDS[each]) for each in kinds):
        tally = findings.tallies[kind] = Tally()
        chance = Random(f"{seed}/{kind}")
        for number in range(count):
            patient.restore()
            where = _flip(client, chance, pattern)
            tally.flips += 1
            complaints = _consequences(patient, kind, tally)
            findings.complaints += [f"{kind} {number}: {where}: {sentence}" for sentence in complaints]
    return findings


def report(findings: Findings) -> Iterator[str]:
    """A line for each kind."""
    for kind, tally in findings.tallies.items():
        yield f"{kind:<26} {tally.flips:>5} flips, {tally.told:>5} told of"
    total = sum(tally.flips for tally in findings.tallies.values())
    yield f"{total} flips, after {len(findings.complaints)} of which something was wrong"


def _consequences(patient: Patient, kind: str, tally: Tally) -> list[str]:
    try:
        complaints = list(patient.look())
        is_told = patient.told()
        complaints += patient.work()
        is_told = is_told or patient.told()
    except ForeignStore:
        is_told, complaints = True, []
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of the flip
        is_told, complaints = False, [f"nobody can go on: {error!r}"]
    tally.told += is_told
    if kind in MUST_BE_TOLD and not is_told:
        complaints.append("nobody is told")
    return complaints


def _flip(client: redis.Redis, chance: Random, pattern: str) -> str:
    """Change a bit of one of the keys that the pattern means; where."""
    meant = re.compile(f"stepbias:({pattern})".encode())
    name = chance.choice(sorted(filter(meant.fullmatch, client.keys())))
    return f"{name.decode()}: {_CHANGES[client.type(name)](client, chance, name)}"


def _changed(chance: Random, value: bytes) -> bytes:
    """The value, which has a bit at least; the name of nobody has none, where owners take turns."""
    place, bit = chance.randrange(len(value)), 1 << chance.randrange(8)
    return value[:place] + bytes([value[place] ^ bit]) + value[place + 1 :]


def _change_string(client: redis.Redis, chance: Random, name: bytes) -> str:
    before = client.get(name)
    after = _changed(chance, before)
    client.set(name, after)
    return f"{before!r} -> {after!r}"


def _change_hash(client: redis.Redis, chance: Random, name: bytes) -> str:
    one = chance.choice(sorted(client.hkeys(name)))
    before = client.hget(name, one)
    if one and (chance.random() < 0.2 or not before):
        client.hdel(name, one)
        other = _changed(chance, one)
        client.hset(name, other, before)
        return f"{one!r} -> {other!r}"
    client.hset(name, one, _changed(chance, before))
    return f"{one!r}: {before!r} -> {client.hget(name, one)!r}"


def _change_list(client: redis.Redis, chance: Random, name: bytes) -> str:
    place = chance.randrange(client.llen(name))
    client.lset(name, place, _changed(chance, client.lindex(name, place)))
    return f"{place}"


def _change_set(client: redis.Redis, chance: Random, name: bytes) -> str:
    member = chance.choice(sorted(client.smembers(name)))
    client.srem(name, member)
    client.sadd(name, _changed(chance, member))
    return f"{member!r}"


def _change_sorted_set(client: redis.Redis, chance: Random, name: bytes) -> str:
    member, score = chance.choice(client.zrange(name, 0, -1, withscores=True))
    if member and chance.random() < 0.5:
        client.zrem(name, member)
        client.zadd(name, {_changed(chance, member): score})
        return f"{member!r}"
    (after,) = struct.unpack("d", _changed(chance, struct.pack("d", score)))
    if not math.isnan(after):
        client.zadd(name, {member: after})
    return f"{member!r}: {score} -> {after}"


_CHANGES: Final[Mapping[bytes, Callable[[redis.Redis, Random, bytes], str]]] = {
    b"string": _change_string,
    b"hash": _change_hash,
    b"list": _change_list,
    b"set": _change_set,
    b"zset": _change_sorted_set,
}
