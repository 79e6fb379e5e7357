"""The two stores side by side: whatever is asked of both, both do the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, Final, cast
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs.connection import connect
from jobs.errors import JobsError
from jobs.ports import NO_WISHES, NOBODYS, Store
from jobs.records import (
    Claim,
    Delivery,
    Experiment,
    Filters,
    Known,
    Labels,
    LiveWorker,
    NewJob,
    Order,
    Ownership,
    Priority,
    Queue,
    WebhookState,
    Wishes,
)
from jobs.redis_store import RedisStore
from jobs.redis_store.fields import EXPERIMENT_FIELDS, JOB_FIELDS
from jobs.settings import Settings
from jobs.states import JOB_MOVES, ExperimentStatus, JobState
from tests.jobs.laboratory import digest, figure_request, finished_runs, train_job
from tests.jobs.test_damage import page_of
from tests.reference.memory_store import MemoryStore

RUNS = 4
LABELS = [f"run {number}" for number in range(RUNS + 2)]
RUNS_OF: Final = MappingProxyType({"one": LABELS[:RUNS], "other": LABELS[2:]})
"""The runs of each spec, some of which both have."""

VERSIONS = ("1", "2")

EXPERIMENT_MOVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "planning": "queued running succeeded failed cancelled",
        "queued": "planning running failed cancelled",
        "running": "planning succeeded failed cancelled",
        "succeeded": "failed",
        "failed": "planning queued running",
        "cancelled": "",
    }
)
"""As users may see it go, by hand. What has succeeded fails when a result is found damaged; what runs or waits is
planned again for another numerics version; what is cancelled comes back from nowhere."""

_MOVES_BY_CANCELLING: Final = MappingProxyType(dict.fromkeys(JobState, ()) | {JobState.QUEUED: (JobState.CANCELLED,)})
"""What waits is cancelled with its experiment, without a move of its own."""

indices = st.integers(0, RUNS - 1)
fractions = st.floats(0, 1)
queues = st.sampled_from(Queue)
wishes = st.builds(
    Wishes,
    order=st.sampled_from(Order),
    stop_at_first_failure=st.booleans(),
    priority=st.sampled_from(Priority),
    webhook=st.sampled_from(["", "https://a.example/"]),
)


def _as_it_is(store: Store, experiment_id: str) -> Known:
    record = store.experiment(experiment_id)
    labels = Labels(name=record.name, tags=record.tags, notes=store.notes(experiment_id))
    return Known(labels=labels, status=record.status, finished_at=record.finished_at)


known_as: st.SearchStrategy[Callable[[Store, str], Known | None]] = st.sampled_from(
    [
        lambda *_: None,
        _as_it_is,
        lambda *it: replace(_as_it_is(*it), finished_at=1.5),
        lambda *it: replace(_as_it_is(*it), status=ExperimentStatus.FAILED),
        lambda *it: replace(_as_it_is(*it), labels=Labels(name="", tags=(), notes="never")),
    ]
)
"""How somebody knows an experiment whom they tell what to do: not at all, as it is, or as it is not."""

LONGEST_LIFE: Final = 10_000.0
"""Seconds: a machine that is busy otherwise may leave a life alone for minutes."""

OWNERSHIPS = (NOBODYS, Ownership(owner="ada"), Ownership(owner="ada", is_pooled=True), Ownership(owner="ben"))


def _untimed(delivery: Delivery) -> Delivery:
    """Without the time, which is another one in each store."""
    return replace(delivery, finished_at=0.0)


_READS: Final = frozenset(
    ["records", "experiment", "events", "jobs", "job", "checkpoint", "summaries", "first_missing", "notes", "places"]
)


class Remembering:
    """A store on a server. Where nothing has been written there it is not asked the same again."""

    def __init__(self, store: RedisStore, writes: Callable[[], int]) -> None:
        self._store, self._writes = store, writes
        self._seen = -1
        self._answers: dict[str, Any] = {}

    def renew(self) -> None:
        """Forget the answers from before the last write."""
        if self._seen != (now := self._writes()):
            self._seen, self._answers = now, {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return partial(self._remembered, name, method) if name in _READS else method

    def _remembered(self, name: str, read: Callable[..., Any], *args: Any) -> Any:
        question = repr((name, args))
        if question not in self._answers:
            self._answers[question] = read(*args)
        return self._answers[question]


class BothStores(RuleBasedStateMachine):
    """Random operations; ids are drawn alike, so that claims and answers can be compared as they are."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        deployment = Settings(lease_seconds=1000.0, stall_seconds=2000.0, max_attempts=2)
        self.client = connect(self.url, patience=10.0)
        self.client.flushall()
        memory = MemoryStore(deployment)
        self.audits = 0
        self.true_at = -1
        self.versions = {
            version: (
                memory.of_version(version),
                cast("RedisStore", Remembering(RedisStore(self.client, deployment, version), self.writes)),
            )
            for version in VERSIONS
        }
        self.version = VERSIONS[0]
        self.ids: list[str] = []
        self.runs: dict[str, list[str]] = {}
        self.claims: list[Claim] = []
        self.stations: dict[str, ExperimentStatus] = {}
        self.job_stations: dict[str, JobState] = {}
        self.proposals = count()

    @property
    def memory(self) -> MemoryStore:
        """The twin, asked by a process of the version that acts now."""
        return self.versions[self.version][0]

    @property
    def redis(self) -> RedisStore:
        """The store on the server, likewise."""
        return self.versions[self.version][1]

    def writes(self) -> int:
        """How many the server has counted, but for the place that each audit notes."""
        return int(self.client.info("persistence")["rdb_changes_since_last_save"]) - self.audits

    def renew(self) -> None:
        """What is read from now on is read from the server, where anything has been written."""
        cast("Remembering", self.redis).renew()

    def both(self, ask: Callable[[Store], Any]) -> Any:
        """The answer of both, which must be one; a refusal is an answer."""
        answers = [_answer(ask, store) for store in self.versions[self.version]]
        assert answers[0] == answers[1]
        return answers[0]

    @initialize(planned=st.integers(0, 2), trained=st.integers(0, 3))
    def begin(self, planned: int, trained: int) -> None:
        """Some of what there is to do has been done."""
        for text in ("one", "other"):
            self.submit(text, "")
        for _ in range(planned):
            self.plan_whole(jobs=2)
        for _ in range(trained):
            self.train_whole(outcome="a", stored=RUNS)

    @rule(version=st.sampled_from(VERSIONS))
    def turn_to_processes_of(self, version: str) -> None:
        """From now on those of another version act, or of the same."""
        self.version = version

    @rule(
        text=st.sampled_from(["one", "other"]),
        name=st.sampled_from(["", "named"]),
        tags=st.lists(st.sampled_from("äb"), max_size=2),
        wished=wishes,
        owner=st.sampled_from(OWNERSHIPS),
    )
    def somebody_submits(self, text: str, name: str, tags: list[str], wished: Wishes, owner: Ownership) -> None:
        """A spec is submitted, perhaps not for the first time."""
        self.submit(text, name, tags, wished, owner)

    def submit(
        self,
        text: str,
        name: str,
        tags: Sequence[str] = (),
        wished: Wishes = NO_WISHES,
        owner: Ownership = NOBODYS,
    ) -> None:
        """Submit to both."""
        arguments = {"spec": text.encode(), "content_hash": digest(text), "name": name, "tags": [text, *tags]}
        arguments |= {"wishes": wished, "ownership": owner}
        with patch("secrets.token_hex", return_value=f"experiment{next(self.proposals)}"):
            submissions = [
                store.submit(**arguments, runs=RUNS)  # type: ignore[arg-type]  # one dictionary for both
                for store in self.versions[self.version]
            ]
        assert submissions[0].is_new == submissions[1].is_new
        assert submissions[0].tags_added == submissions[1].tags_added
        assert submissions[0].experiment.id == submissions[1].experiment.id
        if submissions[0].is_new:
            self.ids.append(submissions[0].experiment.id)
            self.runs[submissions[0].experiment.id] = RUNS_OF[text]

    @rule(queue=queues)
    def claim(self, queue: Queue) -> None:
        """A worker asks for work, where there may be none."""
        claim = self.both(lambda store: store.claim(queue, worker="w"))
        if claim is not None:
            self.claims.append(claim)

    @rule(works=st.lists(st.floats(0.1, 9), min_size=1, max_size=RUNS), queue=queues)
    def begin_to_plan(self, works: list[float], queue: Queue) -> None:
        """A planner records jobs at once, so that several experiments come to wait in one queue."""
        claim = self.both(lambda store: store.claim(Queue.INTERACTIVE, worker="w"))
        if claim is not None:
            self.claims.append(claim)
            jobs = [_train_job(claim, number, work, queue) for number, work in enumerate(works)]
            self.both(lambda store: store.add_jobs(claim, jobs))

    @rule(jobs=st.integers(0, 3))
    def plan_whole(self, jobs: int) -> None:
        """A planner that is not disturbed."""
        claim = self.both(lambda store: store.claim(Queue.INTERACTIVE, worker="w"))
        if claim is not None:
            self.claims.append(claim)
            self.moves_are_legal()
            keys = [digest(label) for label in self.runs[claim.job.experiment_id]]
            self.both(lambda store: store.set_run_keys(claim, 0, keys))
            self.both(lambda store: store.add_jobs(claim, [_train_job(claim, number, 1.0) for number in range(jobs)]))
            self.both(lambda store: store.complete(claim))

    @rule(outcome=st.sampled_from("ab"), stored=st.integers(RUNS - 1, RUNS))
    def train_whole(self, outcome: str, stored: int) -> None:
        """A worker that is not disturbed, but may have forgotten a run."""
        claim = self.both(lambda store: store.claim(Queue.BATCH, worker="w"))
        if claim is not None:
            self.claims.append(claim)
            self.moves_are_legal()
            planned = self.planned(claim.job.experiment_id)[:stored]
            runs = [each for index, label in planned for each in finished_runs([label], index, outcome)]
            self.both(lambda store: store.commit_runs(claim, runs))
            self.both(lambda store: store.complete(claim))

    @rule(numbers=st.lists(st.integers(0, 3), max_size=3), taken=st.integers(0, 2))
    def ask_for_figures(self, numbers: list[int], taken: int) -> None:
        """Figures are asked for, perhaps not for the first time, and some are taken."""
        for number in numbers:
            self.both(lambda store, key=str(number): store.request_figure(figure_request(key), seconds=1000.0))  # type: ignore[misc]  # bound now
        for _ in range(taken):
            self.both(lambda store: store.next_figure())

    @rule(state=st.sampled_from(WebhookState), status=st.sampled_from([None, 200, 500]), late=st.booleans())
    def tell_ends(self, state: WebhookState, status: int | None, late: bool) -> None:  # noqa: FBT001 - drawn
        """Ends are told, each by whom the store gives it to; what came of it is noted, or of one that is long over."""
        found = [store.due_webhooks(most=10, seconds=0.0) for store in self.versions[self.version]]
        taken = [sorted(each, key=lambda delivery: delivery.experiment_id) for each in found]
        assert [_untimed(each) for each in taken[0]] == [_untimed(each) for each in taken[1]]
        for store, deliveries in zip(self.versions[self.version], taken, strict=True):
            for delivery in deliveries:
                attempt = delivery.attempt - 1 if late else delivery.attempt
                store.note_webhook(replace(delivery, attempt=attempt), state, status=status)
        for each in self.ids:
            self.both(lambda store, each=each: store.webhook(each))  # type: ignore[misc]  # bound now
        self.both(lambda store: sorted(store.untold(most=1000)))

    def drawn(self, data: st.DataObject) -> Claim:
        """A claim: every other time one that holds, if there is one."""
        jobs = ((claim, self.memory.job(claim.job.id)) for claim in self.claims)
        held = [
            claim for claim, job in jobs if job and (job.state, job.attempt) == (JobState.RUNNING, claim.job.attempt)
        ]
        return data.draw(st.sampled_from(held or self.claims) | st.sampled_from(self.claims))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), fraction=fractions)
    def heartbeat(self, data: st.DataObject, fraction: float) -> None:
        """A worker reports, perhaps with a claim that it no longer has; so also below."""
        claim = self.drawn(data)
        self.both(lambda store: store.heartbeat(claim, fraction=fraction))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), checkpoint=st.binary(max_size=9))
    def save_checkpoint(self, data: st.DataObject, checkpoint: bytes) -> None:
        """A worker saves its state."""
        claim = self.drawn(data)
        self.both(lambda store: store.save_checkpoint(claim, checkpoint))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), start=indices, stop=indices)
    def plan(self, data: st.DataObject, start: int, stop: int) -> None:
        """A planner records keys and jobs."""
        claim = data.draw(
            st.sampled_from([each for each in self.claims if each.job.id.endswith("plan")] or self.claims)
        )
        jobs = [_train_job(claim, number, 1.5 + number) for number in range(start)]
        keys = [digest(label) for label in self.runs[claim.job.experiment_id][start : stop + 1]]
        self.both(lambda store: store.set_run_keys(claim, start, keys))
        self.both(lambda store: store.add_jobs(claim, jobs))

    @precondition(lambda self: self.claims)
    @rule(
        data=st.data(),
        start=indices,
        labels=st.lists(st.sampled_from(LABELS), max_size=2),
        outcome=st.sampled_from("ab"),
    )
    def commit_runs(self, data: st.DataObject, start: int, labels: list[str], outcome: str) -> None:
        """A worker stores runs."""
        claim = self.drawn(data)
        runs = finished_runs(labels[: RUNS - start], start, outcome)
        self.both(lambda store: store.commit_runs(claim, runs))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=st.sampled_from("ab"), ends=st.booleans())
    def commit_planned_runs(self, data: st.DataObject, outcome: str, *, ends: bool) -> None:
        """A worker stores runs under the keys that they were planned under, as it always should; perhaps the last."""
        claim = self.drawn(data)
        planned = {index: label for index, label in self.planned(claim.job.experiment_id) if data.draw(st.booleans())}
        runs = [each for index, label in planned.items() for each in finished_runs([label], index, outcome)]
        self.both(lambda store: store.complete(claim, runs) if ends else store.commit_runs(claim, runs))

    def planned(self, experiment_id: str) -> list[tuple[int, str]]:
        """Index and label of the runs of an experiment that are planned."""
        labels = {digest(label): label for label in LABELS}
        experiment = self.memory._experiments.get(experiment_id)
        return [(index, labels[key]) for index, key in sorted(experiment.keys.items())] if experiment else []

    @precondition(lambda self: self.stored())
    @rule(data=st.data(), part=st.sampled_from(["summaries", "arrays"]))
    def damage(self, data: st.DataObject, part: str) -> None:
        """A byte of a page changes, and somebody reads the runs on it."""
        experiment_id, index, key = data.draw(st.sampled_from(self.stored()))
        page = page_of(self.client, key)
        stored = self.client.hget(page, part)
        self.client.hset(page, part, stored[:-1] + bytes([stored[-1] ^ 1]))
        lost = [(*each, other) for *each, other in self.stored() if page_of(self.client, other) == page]
        for _, _, other in lost:
            self.memory._runs.pop(other, None)
        for its, at, _ in lost:
            self.both(lambda store, its=its, at=at: store.run(its, at))
        assert (experiment_id, index, key) in lost

    def stored(self) -> list[tuple[str, int, str]]:
        """Experiment, index and key of the runs that are planned and stored."""
        return [
            (each, index, digest(label))
            for each in self.ids
            for index, label in self.planned(each)
            if digest(label) in self.memory._runs
        ]

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """A worker is done."""
        claim = self.drawn(data)
        self.both(lambda store: store.complete(claim))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), error=st.sampled_from(["boom", "ä"]))
    def fail(self, data: st.DataObject, error: str) -> None:
        """An attempt fails, perhaps for good."""
        claim, is_hopeless = self.drawn(data), data.draw(st.booleans())
        self.both(lambda store: store.fail(claim, error, is_hopeless=is_hopeless))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """A worker stops."""
        claim = self.drawn(data)
        self.both(lambda store: store.release(claim))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A lease runs out; the clocks are two, so both leases are put into the past by hand."""
        job_id = self.drawn(data).job.id
        self.memory.expire(job_id)
        self.client.zadd("stepbias:leases", {job_id: 0.0}, xx=True)
        self.both(lambda store: store.tidy("v", period=1e6, last=None, elapsed=0.0).lost)

    @rule(version=st.sampled_from(VERSIONS))
    def plan_anew(self, version: str) -> None:
        """Nobody of the other version is left."""
        if version != self.version:
            self.both(lambda store: sorted(store.plan_anew(version, most=1000)))

    @rule(name=st.sampled_from("vw"), idle=st.integers(0, 2), served=st.sets(queues, min_size=1))
    def go_round(self, name: str, idle: int, served: set[Queue]) -> None:
        """A worker says that it lives, and tidies up if it is the janitor."""
        worker = LiveWorker(
            name=name,
            numerics=self.version,
            idle=idle,
            tells=idle * "a.example",
            processes=idle or None,
            kernel=idle * "k",
        )
        self.both(lambda store: store.register(worker, queues=served, seconds=60.0))
        self.both(lambda store: replace(store.tidy(name, period=1e6, last=None, elapsed=0.0), at=0.0))
        self.clear_garbage()

    def clear_garbage(self) -> None:
        """All of it; how many pieces it comes in is not the same."""
        for store in self.versions[self.version]:
            while store.clear_garbage(most=2):
                pass

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Somebody no longer wants it, which is refused while it is under way; its claims may still be used."""
        experiment_id = data.draw(st.sampled_from(self.ids))
        expected = data.draw(known_as)
        if self.both(lambda store: store.delete(experiment_id, expected=expected(store, experiment_id))) is None:
            self.ids.remove(experiment_id)
            self.both(lambda store: store.delete(experiment_id))
        if data.draw(st.booleans()):
            self.clear_garbage()

    @precondition(lambda self: self.ids)
    @rule(
        data=st.data(),
        name=st.none() | st.sampled_from(["", "named", "ö"]),
        tags=st.none() | st.lists(st.sampled_from("äb"), max_size=2, unique=True),
        notes=st.none() | st.sampled_from(["", "η"]),
        more=st.lists(st.sampled_from("äbc"), max_size=2),
        fewer=st.lists(st.sampled_from("äbc"), max_size=2),
    )
    def edit(self, data: st.DataObject, **parts: Any) -> None:
        """Somebody calls it otherwise, tags it, notes something or shares it; as it is known, or never was called."""
        experiment_id = data.draw(st.sampled_from(self.ids))
        record = self.memory.experiment(experiment_id)
        known = Labels(name=record.name, tags=record.tags, notes=self.memory.notes(experiment_id))
        expected = data.draw(st.sampled_from([None, known, replace(known, notes="never"), replace(known, tags=("z",))]))
        given = {"add_tags": parts.pop("more"), "remove_tags": parts.pop("fewer"), "expected": expected}
        given["shared"] = data.draw(st.none() | st.booleans())
        self.both(lambda store: _timeless(store.edit(experiment_id, **parts, **given)))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Somebody has seen enough."""
        experiment_id = data.draw(st.sampled_from(self.ids))
        expected = data.draw(known_as)
        self.both(lambda store: _timeless(store.cancel(experiment_id, expected=expected(store, experiment_id))))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """Somebody wants it again."""
        experiment_id = data.draw(st.sampled_from(self.ids))
        expected = data.draw(known_as)
        self.both(lambda store: _timeless(store.retry(experiment_id, expected=expected(store, experiment_id))))

    @rule()
    def look_through_the_lists(self) -> None:
        """What waits and who serves it is the same, and what a user finds under each status."""
        for status in (None, *ExperimentStatus):
            self.both(lambda store, wanted=status: _names(store, wanted))  # type: ignore[misc]  # bound now
        for tag in "äb":
            self.both(lambda store, tag=tag: _tagged(store, tag))  # type: ignore[misc]  # bound now
        self.both(lambda store: store.ids("exp", most=99))
        for owner in ("ada", "ben"):
            self.both(lambda store, owner=owner: store.ids("exp", most=99, owner=owner))  # type: ignore[misc]  # bound now
            self.both(lambda store, owner=owner: _owned(store, owner))  # type: ignore[misc]  # bound now
        self.both(lambda store: replace(store.gauges(), memory=0, memory_limit=0))
        for queue in Queue:
            self.both(lambda store, queue=queue: _around(store, queue))  # type: ignore[misc]  # bound now

    @invariant()
    def records_agree(self) -> None:
        """Experiments, their jobs, checkpoints and results."""
        self.renew()
        ids = [*self.ids, "none"]
        self.both(lambda store: {each: _timeless(record) for each, record in store.records(ids).items()})
        for experiment_id in self.ids:
            self.both(lambda store, each=experiment_id: _timeless(store.experiment(each)))  # type: ignore[misc]  # bound now
            self.both(lambda store, each=experiment_id: store.events(each))  # type: ignore[misc]  # bound now
            jobs = self.both(lambda store, each=experiment_id: store.jobs(each))  # type: ignore[misc]  # bound now
            for job in jobs:
                self.both(lambda store, each=job: store.checkpoint(each))  # type: ignore[misc]  # bound now
                self.both(lambda store, each=job.id: store.job(each))  # type: ignore[misc]  # bound now
            self.both(lambda store, each=experiment_id: store.summaries(each, 0, RUNS))  # type: ignore[misc]  # bound now
            self.both(lambda store, each=experiment_id: store.first_missing(each))  # type: ignore[misc]  # bound now
            self.both(lambda store, each=experiment_id: store.notes(each))  # type: ignore[misc]  # bound now
            self.both(lambda store, each=experiment_id: _places(store, each))  # type: ignore[misc]  # bound now

    @invariant()
    def what_is_counted_is_true(self) -> None:
        """An audit finds nothing wrong, and no record has a field that is not under its seal."""
        before = self.writes()
        if before == self.true_at:
            return
        self.redis.audit(most=100)
        self.audits, self.true_at = self.audits + 1, before
        assert not [name for name in self.redis.damaged() if name.startswith("record of ")]
        for kind, fields in (("experiment", EXPERIMENT_FIELDS), ("job", JOB_FIELDS)):
            for name in self.client.scan_iter(f"stepbias:{kind}:*"):
                if name.count(b":") == 2:
                    assert {field.decode() for field in self.client.hkeys(name)} <= {*fields, "seal"}

    @invariant()
    def claims_of_before_have_their_jobs(self) -> None:
        """Or they are gone, also where records only wait to be cleared away."""
        self.renew()
        for job_id in {claim.job.id for claim in self.claims}:
            self.both(lambda store, each=job_id: store.job(each))  # type: ignore[misc]  # bound now

    @invariant()
    def what_has_succeeded_is_there(self) -> None:
        """Every run of it can be read."""
        self.renew()
        for experiment_id in self.ids:
            if self.redis.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED:
                found = self.redis.summaries(experiment_id, 0, RUNS)
                self.renew()
                if self.redis.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED:
                    assert None not in found

    @invariant()
    def moves_are_legal(self) -> None:
        """Between two looks an experiment and a job have made moves that the tables list."""
        self.renew()
        for experiment_id in self.ids:
            now = self.redis.experiment(experiment_id).status
            before = self.stations.setdefault(experiment_id, ExperimentStatus.PLANNING)
            assert now is before or now in EXPERIMENT_MOVES[before].split()
            self.stations[experiment_id] = now
            for job in self.redis.jobs(experiment_id):
                earlier = self.job_stations.setdefault(job.id, job.state)
                assert job.state in {earlier, *JOB_MOVES[earlier], *_MOVES_BY_CANCELLING[earlier]}
                self.job_stations[job.id] = job.state

    def teardown(self) -> None:
        """Close the connections."""
        self.client.close()


def _train_job(claim: Claim, number: int, work: float, queue: Queue = Queue.BATCH) -> NewJob:
    """A training job beside the planning job that is claimed: another planning has jobs of its own."""
    job_id = f"{claim.job.id.removesuffix('plan')}{number}"
    return NewJob(id=job_id, queue=queue, payload={"number": number}, work=work, rank=number % 2)


def _answer(ask: Callable[[Store], Any], store: Store) -> Any:
    try:
        return ask(store)
    except (JobsError, ValueError) as refusal:
        return type(refusal), str(refusal)


def _around(store: Store, queue: Queue) -> Any:
    """Who serves a queue and what waits there, whatever the order and the time."""
    found = store.look_around(queue)
    waiting = {(each.numerics, each.experiments, each.jobs) for each in found.waiting}
    assert all(0 <= each.untaken_seconds < LONGEST_LIFE for each in found.waiting)
    return waiting, set(found.workers), [store.work_waiting(queue, most=most) for most in (1, 3, 99)]


def _timeless(experiment: Experiment) -> tuple[Experiment, Any, bool]:
    """An experiment without what depends on the clock, its progress as something to compare roughly."""
    now = replace(experiment, created_at=0.0, finished_at=None, eta_seconds=None, progress=0.0)
    return now, round(experiment.progress, 9), experiment.finished_at is not None


def _places(store: Store, experiment_id: str) -> list[Any]:
    return [(each.queue, each.experiments_ahead, round(each.work_ahead, 6)) for each in store.places(experiment_id)]


def _tagged(store: Store, tag: str) -> list[str]:
    return [experiment.id for experiment in store.experiments(Filters(tags=(tag,))).experiments]


def _owned(store: Store, owner: str) -> list[str]:
    filters = (Filters(owner=owner, tags=tags) for tags in ((), ("ä",)))
    return [experiment.id for each in filters for experiment in store.experiments(each).experiments]


def _names(store: Store, status: ExperimentStatus | None) -> list[str]:
    return [
        experiment.id
        for experiment in store.experiments(Filters(statuses=() if status is None else (status,))).experiments
    ]


@pytest.mark.hypothesis
@pytest.mark.timeout(1200)
def test_both_stores_answer_alike(empty_valkey_url: str) -> None:
    """Over random lives of experiments, each step compared."""

    class OnThisServer(BothStores):
        url = empty_valkey_url

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            # To make a long life short takes minutes, in which the suite seems to hang.
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )


def test_both_stores_give_the_same_turns(empty_valkey_url: str) -> None:
    """Experiments that come, wait, leave the line and come back, one of them cancelled, one without its planning."""
    with connect(empty_valkey_url, patience=10.0) as client:
        deployment = Settings(lease_seconds=1000.0, stall_seconds=2000.0, max_attempts=2)
        for seed in range(6):
            client.flushall()
            turns = [_turns(store, Random(seed)) for store in (MemoryStore(deployment), RedisStore(client, deployment))]
            assert turns[0] == turns[1]
            assert len(turns[0]) > 50


def _turns(store: Store, random: Random) -> list[str]:
    """The jobs of which claims are given in a random life of six experiments, by number of experiment and job."""
    experiments = [
        store.submit(spec=b"", content_hash=digest(str(each)), name="", tags=[], runs=1).experiment for each in range(6)
    ]
    plans = {}
    for _ in experiments:
        plan = store.claim(Queue.INTERACTIVE, worker="w")
        assert plan is not None
        plans[plan.job.experiment_id] = plan
    numbers = {each.id: number for number, each in enumerate(experiments)}
    claims, claimed = [], []
    for step in range(300):
        experiment, kind = random.choice(experiments), random.random()
        work, chosen = random.choice([0.1, 1.0, 3.7]), random.random()
        plan = plans[experiment.id]
        if step == 100:
            store.cancel(experiments[0].id)
            claims = [claim for claim in claims if claim.job.experiment_id != experiments[0].id]
            del plans[experiments[0].id]
            experiments.remove(experiments[0])
        elif step == 150:
            store.fail(plans[experiments[0].id], "boom", is_hopeless=True)
            del plans[experiments[0].id]
            experiments.remove(experiments[0])
        elif kind < 0.4:
            store.add_jobs(plan, [train_job(experiment, step, work=work)])
        elif kind < 0.8:
            claim = store.claim(Queue.BATCH, worker="w")
            if claim is not None:
                claims.append(claim)
                claimed.append(f"{numbers[claim.job.experiment_id]}.{claim.job.id.rpartition('.')[2]}")
        elif claims:
            store.release(claims.pop(int(chosen * len(claims))))
    return claimed
