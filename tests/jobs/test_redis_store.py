"""What only a store on a server can get wrong: lost replies, a full or absent server, forgotten scripts, long lists."""

import json
import socket
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from itertools import groupby
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import redis
from redis.exceptions import ResponseError

from jobs.connection import PatientRetry, connect, vendor_errors
from jobs.errors import LeaseLost, StoreFull, StoreUnavailable
from jobs.records import Experiment, Filters, LiveWorker, Queue
from jobs.redis_store import RedisStore, experiments, server
from jobs.redis_store.scripts import Script, Scripts
from jobs.run_pages import unpacked_page
from jobs.settings import Settings
from jobs.states import ExperimentStatus, JobState
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, figure_request, finished_runs, train_job


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of the empty server."""
    with connect(empty_valkey_url, patience=10.0) as each:
        yield each


@pytest.fixture
def laboratory(client: redis.Redis) -> Laboratory:
    """A store on the empty server."""
    return redis_laboratory(client)


@pytest.fixture
def twice(laboratory: Laboratory) -> Iterator[None]:
    """Every script but that of claims is run twice, as after a lost reply; the second answer is given if it is one."""
    scripts = laboratory.store._scripts  # type: ignore[attr-defined]  # a test may look inside
    once = type(scripts).__call__

    def call(self: object, script: Script, *args: bytes | str | float) -> object:
        first = once(self, script, *args)
        if script is Script.CLAIM:
            return first
        # What has ended an attempt says that it is over: a worker goes on to its next job either way.
        with suppress(LeaseLost):
            return once(self, script, *args)
        return first

    with patch.object(type(scripts), "__call__", call):
        yield


@pytest.mark.usefixtures("twice")
def test_every_call_bears_repetition(laboratory: Laboratory) -> None:
    """A whole life in which every reply is lost once: the answers, counts and statuses are as if none had been."""
    store = laboratory.store
    submission = store.submit(spec=b"{}", content_hash=digest("{}"), name="", tags=["a"], runs=4)
    assert submission.is_new
    experiment = submission.experiment
    plan = laboratory.claim_plan(experiment)
    assert list(store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec")])) == [0, 1, 2, 3]
    store.add_jobs(plan, [train_job(experiment, 0)])
    store.complete(plan)
    claim = laboratory.claim(f"{experiment.id}.0")
    assert store.commit_runs(claim, finished_runs(laboratory.labels("a spec"))) == 0
    store.release(claim)
    laboratory.kill(claim.job.id)
    now = store.experiment(experiment.id)
    assert (now.status, now.jobs_total, now.jobs_dead, now.runs_done) == (ExperimentStatus.FAILED, 2, 1, 4)
    assert store.retry(experiment.id).status is ExperimentStatus.QUEUED
    store.complete(laboratory.claim(claim.job.id))
    now = store.experiment(experiment.id)
    assert (now.status, now.jobs_done, now.runs_done) == (ExperimentStatus.SUCCEEDED, 2, 4)


@pytest.mark.usefixtures("twice")
def test_a_loss_is_counted_once(laboratory: Laboratory) -> None:
    """Also where the janitor's call is repeated."""
    experiment = laboratory.planned(batches=1)
    laboratory.lose(laboratory.claim(f"{experiment.id}.0"))
    job = laboratory.store.job(f"{experiment.id}.0")
    assert job is not None
    assert job.losses == 1


def test_a_claim_whose_answer_was_lost_costs_one_lease(laboratory: Laboratory) -> None:
    """The worker gets another job; the first comes back when its lease has run out, and is not counted as lost."""
    experiment = laboratory.planned(batches=2)
    unheard = laboratory.claim(f"{experiment.id}.0")
    laboratory.store.complete(laboratory.claim(f"{experiment.id}.1"))
    assert [each.losses for each in laboratory.lose(unheard, is_heard=False)] == [0]
    assert laboratory.claim(unheard.job.id).job.losses == 0


def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(
    laboratory: Laboratory, client: redis.Redis
) -> None:
    """A restart forgets scripts, not data."""
    experiment = laboratory.submit()
    client.script_flush()
    assert laboratory.claim_plan(experiment).job.state is JobState.RUNNING


def test_submitting_costs_the_same_for_any_number_of_runs(laboratory: Laboratory, client: redis.Redis) -> None:
    """The same number of keys, one call."""
    sizes = []
    for runs in (1, 200_000):
        before = client.dbsize()
        laboratory.submit(str(runs), name=str(runs), runs=runs)
        sizes.append(client.dbsize() - before)
    # The first submission also makes the lists that all experiments share.
    assert sizes[1] <= sizes[0]


def test_a_full_server_refuses_new_work_and_lets_old_work_end(laboratory: Laboratory, client: redis.Redis) -> None:
    """No memory left: submit and commit say so; leases, endings and cancels go on, so that nobody is taken for lost."""
    store = laboratory.store
    experiment = laboratory.planned(batches=3)
    claims = [laboratory.claim(f"{experiment.id}.{number}") for number in (0, 1)]
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreFull):
            laboratory.submit("another")
        with pytest.raises(StoreFull):
            store.commit_runs(claims[0], finished_runs(laboratory.labels("a spec")[:1]))
        with pytest.raises(StoreFull):
            store.put_document("key", b"document")
        assert "the store is full" in str(store.room())
        store.heartbeat(claims[0], fraction=0.5)
        store.release(claims[0])
        store.complete(claims[1])
        store.register(LiveWorker(name="w", numerics="1", idle=1), queues=Queue, seconds=5.0)
        assert store.tidy("janitor", period=1.0, last=None, elapsed=0.0).is_janitor
        assert store.cancel(experiment.id).status is ExperimentStatus.CANCELLED
    finally:
        client.config_set("maxmemory", 0)
    assert store.room() is None
    assert store.experiment(experiment.id).runs_done == 0


def test_a_server_that_refuses_writes_is_unavailable(laboratory: Laboratory, client: redis.Redis) -> None:
    """However it is asked: by a script, or by a command of its own."""
    client.config_set("min-replicas-to-write", 1)
    try:
        for ask in (laboratory.submit, laboratory.store.require_writable):
            with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
                ask()
    finally:
        client.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize("where", ["", "Command # 1 (SET a b) of pipeline caused error: "])
def test_a_disk_that_cannot_be_written_is_a_full_store(where: str) -> None:
    """Workers wait with what they have, as they do where the memory is full: none of them was lost."""
    with pytest.raises(StoreFull, match="cannot write to its disk"), vendor_errors():
        raise ResponseError(f"{where}MISCONF Errors writing to the AOF file: No space left on device")


def test_no_server_is_an_unavailable_store() -> None:
    """Whatever is asked; the address's password is not in the message."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with connect(f"redis://:secret-word@127.0.0.1:{port}/0", patience=0.0) as client:
        store = RedisStore(client, Settings())
        assert not store.ping()
        for ask in (
            store.experiments,
            lambda: store.claim(Queue.BATCH, worker="w"),
            lambda: store.experiment("e"),
            lambda: store.document("key"),
            lambda: store.tidy("janitor", period=1.0, last=None, elapsed=0.0),
        ):
            with pytest.raises(StoreUnavailable) as refusal:
                ask()
            assert "secret-word" not in str(refusal.value)


def test_a_patient_client_waits_for_the_server(late_valkey: tuple[str, AbstractContextManager[str]]) -> None:
    """A call made before the server is there is answered once it is."""
    url, running = late_valkey
    with connect(url, patience=60.0) as client, ThreadPoolExecutor(1) as threads:
        answer = threads.submit(RedisStore(client, Settings()).ping)
        with running:
            assert answer.result(60.0)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many attempts fit in, none begins after the deadline; each failure is told."""
    now = [0.0]
    monkeypatch.setattr("jobs.connection.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("redis.retry.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    begun: list[float] = []
    told: list[Exception] = []

    def attempt() -> None:
        begun.append(now[0])
        now[0] += 0.3
        raise redis.ConnectionError("away")

    with pytest.raises(redis.ConnectionError):
        PatientRetry(5.0).call_with_retry(attempt, told.append)
    assert len(begun) == len(told) > 3
    assert begun[-2] + 0.3 < 5.0
    assert begun[-1] < 5.0 + 1.0


def test_a_rare_filter_gives_short_pages_that_lead_on(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One page looks at a bounded number of experiments; following the cursors finds them all."""
    monkeypatch.setattr("jobs.redis_store.experiments.MOST_LOOKED_AT", 4)
    store = laboratory.store
    for number in range(10):
        store.submit(
            spec=b"", content_hash=digest(str(number)), name=["rare", "frequent"][number % 5 > 0], tags=["t"], runs=1
        )
    for number in range(10):
        store.submit(spec=b"", content_hash=digest(f"{number}'"), name="rare", tags=["other"], runs=1)
    found: list[Experiment] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = store.experiments(Filters(name="rare", tags=("t",)), limit=5, cursor=cursor)
        found += page.experiments
        cursor, pages = page.next_cursor, pages + 1
    assert [experiment.name for experiment in found] == ["rare", "rare"]
    assert pages == 3


def test_what_is_planned_anew_while_it_runs_is_not_taken_for_damaged(empty_valkey_url: str) -> None:
    """Its former jobs have no lease any more."""
    with connect(empty_valkey_url, patience=10.0) as client:
        old, new = (RedisStore(client, Settings(), numerics) for numerics in ("1", "2"))
        experiment = old.submit(spec=b"", content_hash=digest(""), name="", tags=[], runs=1).experiment
        assert old.claim(Queue.INTERACTIVE, worker="w")
        assert new.plan_anew("1", most=9) == [experiment.id]
        new.audit(most=9)
        assert not new.damaged()


def test_a_list_longer_than_one_chunk_is_complete(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading in chunks leaves nothing out and repeats nothing."""
    monkeypatch.setattr("jobs.redis_store.experiments._CHUNK", 3)
    monkeypatch.setattr("jobs.redis_store.server._BATCH", 2)
    for number in range(8):
        laboratory.submit(str(number), name=str(number))
    page = laboratory.store.experiments(limit=10)
    assert [experiment.name for experiment in page.experiments] == [str(number) for number in range(7, -1, -1)]


@pytest.mark.parametrize("ending", ["succeeded", "cancelled"])
def test_an_experiment_that_has_ended_leaves_nothing_in_the_queues(
    laboratory: Laboratory, client: redis.Redis, ending: str
) -> None:
    """No lease, no turn, no backlog, no checkpoint, nothing that is unfinished."""
    experiment = laboratory.planned(batches=2)
    claim = laboratory.claim(f"{experiment.id}.0")
    laboratory.store.save_checkpoint(claim, b"state")
    laboratory.store.commit_runs(claim, finished_runs(laboratory.labels("a spec")))
    laboratory.store.complete(claim)
    if ending == "cancelled":
        laboratory.store.cancel(experiment.id)
    else:
        laboratory.store.complete(laboratory.claim(f"{experiment.id}.1"))
    assert laboratory.store.experiment(experiment.id).status == ending
    left = {str(key, "utf-8").removeprefix("stepbias:") for key in client.scan_iter("stepbias:*")}
    version, kinds = experiment.numerics, ("leases", "flows", "unfinished")
    assert not {key for key in left if key.split(":")[0] in kinds and not key.endswith((":now", ":since", ":served"))}
    parts = {key.removeprefix(f"experiment:{experiment.id}:") for key in left if experiment.id in key}
    assert parts == {f"experiment:{experiment.id}", "spec", "birth", "jobs", "keys", "done", "events"} | {
        f"job:{experiment.id}.{job}" for job in ("plan", 0, 1)
    }
    assert f"flows:batch:{version}:now" in left


def commands(client: redis.Redis) -> int:
    """How many commands the server has carried out, those that scripts call among them."""
    return sum(each["calls"] for each in client.info("commandstats").values())


def test_cancelling_costs_the_same_for_any_number_of_jobs(laboratory: Laboratory, client: redis.Redis) -> None:
    """Ten or two thousand: as many commands, none of which looks at the jobs."""
    counts = []
    for number in (10, 2000):
        experiment = laboratory.planned(str(number), batches=number, name=str(number))
        laboratory.claim(f"{experiment.id}.0")
        before = commands(client)
        assert laboratory.store.cancel(experiment.id).status is ExperimentStatus.CANCELLED
        counts.append(commands(client) - before)
        assert laboratory.state(f"{experiment.id}.{number - 1}") is JobState.CANCELLED
    assert counts[0] == counts[1]


def test_what_was_planned_anew_leaves_no_records_for_long(laboratory: Laboratory, client: redis.Redis) -> None:
    """They are removed bit by bit, while workers that still hold claims to them are told that they are gone."""
    old, new = laboratory.of_version("1"), laboratory.of_version("2")
    experiment = old.planned(batches=5)
    claim = old.claim(f"{experiment.id}.0")
    new.store.plan_anew("1", most=1)
    before = {job.id for job in new.store.jobs(experiment.id)}
    assert [new.store.clear_garbage(most=4) for _ in range(5)] == [4, 2, 0, 0, 0]
    assert {key.decode() for key in client.scan_iter("stepbias:job:*")} == {f"stepbias:job:{each}" for each in before}
    assert not list(client.scan_iter("stepbias:garbage*"))
    with pytest.raises(LeaseLost):
        old.store.heartbeat(claim, fraction=0.5)
    laboratory.wait(2 * SETTINGS.lease_seconds)
    for _ in range(2):
        assert not new.store.tidy("janitor", period=1.0, last=None, elapsed=0.0).lost
    assert client.zcard("stepbias:leases") == 0


def test_records_are_cleared_away_though_every_reply_is_lost_once(
    laboratory: Laboratory, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent again takes no other records off the list, which nobody would find any more."""
    old, new = laboratory.of_version("1"), laboratory.of_version("2")
    old.planned(batches=9)
    new.store.plan_anew("1", most=1)
    read = RedisStore._read

    def twice(self: RedisStore, *commands: Sequence[Any]) -> list[Any]:
        if commands[0][0] == "UNLINK":
            read(self, *commands)
        return read(self, *commands)

    monkeypatch.setattr(RedisStore, "_read", twice)
    for _ in range(9):
        new.store.clear_garbage(most=2)
    assert len(list(client.scan_iter("stepbias:job:*"))) == 1


def test_a_clock_that_was_set_back_makes_no_lease_last_for_longer(laboratory: Laboratory, client: redis.Redis) -> None:
    """By the new time it would last two hours too long. What the store noted is moved here, instead of its clock."""
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    laboratory.store.heartbeat(claim, fraction=0.5)
    before = laboratory.store.tidy("janitor", period=1.0, last=None, elapsed=0.0)
    client.zincrby("stepbias:leases", 7200.0, claim.job.id)
    client.hincrbyfloat("stepbias:janitor", "until", 7200.0)
    found = laboratory.store.tidy("janitor", period=1.0, last=before.at + 7200.0, elapsed=0.01)
    assert found.jump == pytest.approx(-7200.0, abs=0.9)
    assert [each.losses for each in laboratory.lose(claim, is_heard=False)] == [1]


def test_a_janitor_that_knows_no_time_before_believes_no_lease_that_is_too_long(
    laboratory: Laboratory, client: redis.Redis
) -> None:
    """Nor a place that another holds for longer than anybody takes it: both were noted by another clock."""
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    client.zincrby("stepbias:leases", 7200.0, claim.job.id)
    client.hset("stepbias:janitor", mapping={"holder": "gone", "until": time.time() + 7200.0})
    assert laboratory.store.tidy("janitor", period=1.0, last=None, elapsed=0.0).is_janitor
    assert laboratory.lose(claim, is_heard=False)


def test_a_registration_of_another_clock_is_not_believed(laboratory: Laboratory, client: redis.Redis) -> None:
    """A worker that was heard of two hours from now may be gone for long."""
    store = laboratory.store
    store.register(LiveWorker(name="w", numerics="1", idle=1), queues=[Queue.BATCH], seconds=50.0)
    client.zincrby("stepbias:workers:batch", 7200.0, "w")
    assert not store.look_around(Queue.BATCH).workers


def test_a_worker_that_does_not_say_how_many_processes_it_has_lives(
    laboratory: Laboratory, client: redis.Redis
) -> None:
    """One of before the field: its hash has none, and nothing is made of that."""
    store, before = laboratory.store, LiveWorker(name="w", numerics="1", idle=1)
    store.register(replace(before, processes=4), queues=[Queue.BATCH], seconds=50.0)
    client.hdel("stepbias:worker:w", "processes")
    assert store.look_around(Queue.BATCH).workers == (before,)


def test_scripts_take_text_that_looks_like_anything(laboratory: Laboratory) -> None:
    """Quotes, colons, line ends and null bytes in names, tags and errors."""
    name, tag = "a:b'\"\n\x00{}", "t:\x00\n"
    submission = laboratory.store.submit(spec=b"", content_hash=digest(""), name=name, tags=[tag], runs=1)
    laboratory.kill(f"{submission.experiment.id}.plan", json.dumps(name))
    wanted = Filters(name=name, tags=(tag,), statuses=(ExperimentStatus.FAILED,))
    (found,) = laboratory.store.experiments(wanted).experiments
    assert (found.name, found.tags, found.error) == (name, (tag,), json.dumps(name))


@pytest.mark.parametrize("lost", ["ask_figure", "take_figure", "ZRANGE", "LINDEX"])
def test_no_figure_is_lost_with_a_reply(laboratory: Laboratory, lost: str) -> None:
    """What is sent again takes no figure away that nobody draws, and is asked for once."""
    store, asked = laboratory.store, [figure_request(f"figure:{each}") for each in range(4)]
    read, call = RedisStore._read, Scripts.__call__

    def read_again(self: RedisStore, *commands: Sequence[Any]) -> list[Any]:
        if commands[0][0] == lost:
            read(self, *commands)
        return read(self, *commands)

    def call_again(self: Scripts, script: Script, *args: bytes | str | float) -> Any:
        if script == lost:
            call(self, script, *args)
        return call(self, script, *args)

    with patch.object(RedisStore, "_read", read_again), patch.object(Scripts, "__call__", call_again):
        assert [store.request_figure(each, seconds=1000.0) for each in asked] == [True] * 4
        assert not store.request_figure(asked[0], seconds=1000.0)
        assert list(iter(store.next_figure, None)) == asked


def test_many_dead_jobs_are_queued_again_some_at_a_time(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody waits for long; where the caller dies in between, the rest is for another retry."""
    monkeypatch.setattr(experiments, "MOST_RETRIED", 2)
    store, experiment = laboratory.store, laboratory.planned(batches=5)
    for number in range(5):
        store.fail(laboratory.claim(f"{experiment.id}.{number}"), "boom", is_hopeless=True)
    call, asked = type(store._scripts).__call__, []  # type: ignore[attr-defined]  # a test may look inside

    def die_on_the_third(self: object, script: Script, *args: bytes | str | float) -> object:
        asked.append(script)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return call(self, script, *args)

    with patch.object(type(store._scripts), "__call__", die_on_the_third), pytest.raises(KeyboardInterrupt):  # type: ignore[attr-defined]  # as above
        store.retry(experiment.id)
    assert asked == [Script.RETRY] * 3
    states = [job.state for job in store.jobs(experiment.id)]
    assert (states.count(JobState.QUEUED), states.count(JobState.DEAD)) == (4, 1)
    while (claim := store.claim(Queue.BATCH, worker="w")) is not None:
        store.complete(claim)
    assert store.experiment(experiment.id).status is ExperimentStatus.FAILED
    assert store.retry(experiment.id).jobs_dead == 0


def test_a_page_of_one_run_is_not_kept(
    laboratory: Laboratory, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be of any size, and no other run will be asked for there; one of several is unpacked once."""
    unpacked: list[bytes] = []
    monkeypatch.setattr(server, "unpacked_page", lambda page: unpacked.append(page) or unpacked_page(page))
    experiment = laboratory.planned(batches=2)
    claim = laboratory.claim(train_job(experiment, 0).id)
    runs = finished_runs(laboratory.labels("a spec"))
    laboratory.store.commit_runs(claim, runs[:1])
    laboratory.store.commit_runs(claim, runs[1:])
    store = RedisStore(client, SETTINGS)
    for index, times in ((0, 2), (0, 4), (1, 6), (2, 6), (3, 6)):
        assert store.run(experiment.id, index) == runs[index].run
        assert len(unpacked) == times


def test_runs_on_pages_of_both_forms_are_read(
    laboratory: Laboratory, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store has pages from before, and those written since; seals are the same."""

    def former_page(values: Sequence[bytes], _: object) -> bytes:
        lengths = b"".join(number.to_bytes(4, "little") for number in (len(values), *map(len, values)))
        alike = (list(group) for _, group in groupby(values, len))
        return zlib.compress(
            lengths + b"".join(bytes(column) for group in alike for column in zip(*group, strict=True))
        )

    experiment = laboratory.planned(batches=2)
    claim = laboratory.claim(train_job(experiment, 0).id)
    runs = finished_runs(laboratory.labels("a spec"))
    with monkeypatch.context() as patched:
        patched.setattr(server, "packed_page", former_page)
        laboratory.store.commit_runs(claim, runs[:2])
    laboratory.store.commit_runs(claim, runs[2:])
    store = RedisStore(client, SETTINGS)
    assert [store.run(experiment.id, index) for index in range(len(runs))] == [each.run for each in runs]
    assert store.summaries(experiment.id, 0, len(runs)) == [each.run.summary for each in runs]
    assert store.damaged() == []


@pytest.mark.parametrize("workers", [1, 40])
def test_what_an_idle_worker_asks_costs_the_same_among_many(
    client: redis.Redis, laboratory: Laboratory, workers: int
) -> None:
    """Whoever asks for one job reads one line of each kind, however many experiments wait and workers live."""
    store = laboratory.store
    for number in range(workers):
        laboratory.planned(f"spec {number}", batches=2)
        store.register(LiveWorker(name=f"w{number}", numerics="1", idle=1), queues=Queue, seconds=50.0)
    store.work_waiting(Queue.BATCH, most=1)
    client.config_resetstat()
    store.work_waiting(Queue.BATCH, most=1)
    counted: Any = client.info("commandstats")
    asked = {name.removeprefix("cmdstat_"): each["calls"] for name, each in counted.items()}
    assert {name: asked.get(name, 0) for name in ("evalsha", "zrange", "zcard", "hmget")} == {
        "evalsha": 1,
        "zrange": 2,
        "zcard": 1,
        "hmget": 0,
    }
