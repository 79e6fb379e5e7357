"""What only a store on a server can get wrong: lost replies, a full or absent server, forgotten scripts, long lists."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import redis

from jobs.connection import PatientRetry, connect
from jobs.errors import StoreUnavailable
from jobs.records import Experiment, Queue, plan_job_id
from jobs.redis_store import RedisStore
from jobs.redis_store.scripts import Script
from jobs.settings import Settings
from jobs.states import ExperimentStatus, JobState
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, finished_runs, train_job


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of the empty server."""
    with connect(empty_valkey_url, patience=10.0) as each:
        yield each


@pytest.fixture
def laboratory(client: redis.Redis) -> Laboratory:
    """A store on the empty server."""
    return Laboratory(store=RedisStore(client, SETTINGS), wait=time.sleep)


@pytest.fixture
def twice(laboratory: Laboratory) -> Iterator[None]:
    """Every script is run twice with the same arguments, as after a lost reply; the second answer is given."""
    scripts = laboratory.store._call  # type: ignore[attr-defined]  # a test may look inside
    once = type(scripts).__call__

    def call(self: object, script: Script, *args: bytes | str | float) -> object:
        once(self, script, *args)
        return once(self, script, *args)

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
    assert list(store.set_run_keys(plan, 0, [digest(label) for label in "abcd"])) == [0, 1, 2, 3]
    store.add_jobs(plan, [train_job(experiment, 0), train_job(experiment, 1)])
    store.complete(plan)
    claim = laboratory.claim(f"{experiment.id}.0")
    assert (claim.token, claim.job.attempt) == (1, 1)
    assert store.hand_back(claim) is not None
    laboratory.kill(claim.job.id)
    laboratory.train(experiment, 1)
    now = store.experiment(experiment.id)
    assert (now.status, now.jobs_total, now.jobs_dead, now.runs_done) == (ExperimentStatus.FAILED, 3, 1, 2)
    assert now.progress == pytest.approx(0.5)
    assert len(store.retry(experiment.id)) == 1
    laboratory.train(experiment, 0)
    now = store.experiment(experiment.id)
    assert (now.status, now.jobs_done, now.runs_done) == (ExperimentStatus.SUCCEEDED, 3, 4)


@pytest.mark.usefixtures("twice")
def test_a_loss_is_counted_once(laboratory: Laboratory) -> None:
    """Also where the janitor's call is repeated."""
    experiment = laboratory.planned(batches=1)
    laboratory.lose(laboratory.claim(f"{experiment.id}.0"))
    job = laboratory.store.job(f"{experiment.id}.0")
    assert job is not None
    assert job.losses == 1


@pytest.mark.usefixtures("twice")
def test_a_repeated_claim_takes_one_turn(laboratory: Laboratory) -> None:
    """The job in turn is not the one that the message names, and yet it is found again."""
    for text in ("one", "other"):
        experiment = laboratory.planned(text, batches=3)
    claims = [laboratory.store.claim(f"{experiment.id}.0", worker="w") for _ in range(6)]
    assert len({claim.job.id for claim in claims if claim is not None}) == 6
    assert {(claim.token, claim.job.attempt) for claim in claims if claim is not None} == {(1, 1)}
    assert laboratory.store.claim(f"{experiment.id}.0", worker="w") is None


def test_a_claim_whose_reply_was_lost_is_found_though_others_came_between(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three workers hold messages that name the same job; the first of them asks again."""
    experiment = laboratory.planned(batches=3)
    claims = []
    for request in ("1", "2", "3", "1"):
        monkeypatch.setattr("jobs.redis_store.jobs.secrets.token_hex", lambda _, request=request: request)
        claims.append(laboratory.store.claim(f"{experiment.id}.2", worker="w"))
    assert [claim.job.id[-1] for claim in claims if claim is not None] == ["0", "1", "2", "0"]
    assert claims[3] == claims[0]


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
        with pytest.raises(StoreUnavailable):
            laboratory.submit("another")
        with pytest.raises(StoreUnavailable):
            store.commit_runs(claims[0], finished_runs(["a"]))
        with pytest.raises(StoreUnavailable):
            store.put_document("key", b"document")
        assert store.heartbeat(claims[0], fraction=0.5)
        assert store.hand_back(claims[0]) is not None
        store.complete(claims[1])
        assert store.cancel(experiment.id).status is ExperimentStatus.CANCELLED
    finally:
        client.config_set("maxmemory", 0)
    assert store.experiment(experiment.id).runs_done == 0


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
            lambda: store.claim("job", worker="w"),
            lambda: store.experiment("e"),
            lambda: store.document("key"),
            lambda: store.try_lock("janitor", seconds=1.0),
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
        page = store.experiments(name="rare", tag="t", limit=5, cursor=cursor)
        found += page.experiments
        cursor, pages = page.next_cursor, pages + 1
    assert [experiment.name for experiment in found] == ["rare", "rare"]
    assert pages == 3


def test_a_list_longer_than_one_chunk_is_complete(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading in chunks leaves nothing out and repeats nothing."""
    monkeypatch.setattr("jobs.redis_store.experiments._CHUNK", 3)
    monkeypatch.setattr("jobs.redis_store.server._BATCH", 2)
    for number in range(8):
        laboratory.submit(str(number), name=str(number))
    page = laboratory.store.experiments(limit=10)
    assert [experiment.name for experiment in page.experiments] == [str(number) for number in range(7, -1, -1)]


def test_nothing_is_left_in_the_queues_of_an_experiment_that_has_ended(
    laboratory: Laboratory, client: redis.Redis
) -> None:
    """No lease, no announcement, no line, no turn, no checkpoint."""
    experiment = laboratory.planned(batches=3)
    claim = laboratory.claim(f"{experiment.id}.0")
    laboratory.store.save_checkpoint(claim, b"state")
    laboratory.store.complete(claim)
    laboratory.store.cancel(experiment.id)
    left = {str(key, "utf-8") for key in client.scan_iter("stepbias:*")}
    assert not left & {
        "stepbias:leases",
        *(f"stepbias:{each}:{queue}" for each in ("queued", "turns") for queue in Queue),
    }
    assert not [key for key in left if ":line:" in key]
    assert not [key for key in left if key.endswith(":checkpoint")]


def test_scripts_take_text_that_looks_like_anything(laboratory: Laboratory) -> None:
    """Quotes, colons, line ends and null bytes in names, tags and errors."""
    name, tag = "a:b'\"\n\x00{}", "t:\x00\n"
    submission = laboratory.store.submit(spec=b"", content_hash=digest(""), name=name, tags=[tag], runs=1)
    laboratory.kill(plan_job_id(submission.experiment.id), json.dumps(name))
    (found,) = laboratory.store.experiments(name=name, tag=tag, status=ExperimentStatus.FAILED).experiments
    assert (found.name, found.tags, found.error) == (name, (tag,), json.dumps(name))
