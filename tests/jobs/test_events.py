"""What the stores tell of experiments."""

import hashlib
import json
from collections.abc import Iterator

import pytest
import redis

from jobs.connection import connect
from jobs.records import Experiment
from jobs.states import ExperimentStatus
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import Laboratory, finished_runs


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of the empty server."""
    with connect(empty_valkey_url, patience=10.0) as each:
        yield each


def trained(laboratory: Laboratory, batches: int = 2) -> Experiment:
    """An experiment of which every run is committed by itself."""
    experiment = laboratory.planned(batches=batches)
    labels = laboratory.labels("a spec", batches)
    for batch in range(batches):
        claim = laboratory.claim(f"{experiment.id}.{batch}")
        for index in (2 * batch, 2 * batch + 1):
            laboratory.store.commit_runs(claim, finished_runs([labels[index]], index, "ab"[index % 2]))
        laboratory.store.complete(claim)
    return experiment


def test_each_change_is_told_once_and_in_order(laboratory: Laboratory) -> None:
    """Numbers without gaps, every run once, counts that agree with the record, and nothing after the end."""
    experiment = trained(laboratory)
    events = laboratory.store.events(experiment.id)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert sorted(index for event in events for index in event.runs) == [0, 1, 2, 3]
    assert [event.runs_done for event in events if event.runs] == [1, 2, 3, 4]
    assert events[-1].status is ExperimentStatus.SUCCEEDED
    assert events[-1].outcomes == laboratory.store.experiment(experiment.id).outcomes == {"a": 2, "b": 2}
    for after in range(len(events) + 2):
        assert laboratory.store.events(experiment.id, after=after) == events[after:]
    assert laboratory.store.last_events([experiment.id, "none"]) == {experiment.id: len(events), "none": 0}


def test_what_changes_nothing_is_not_told(laboratory: Laboratory) -> None:
    """Heartbeats, checkpoints, and a commit that is repeated."""
    experiment = laboratory.planned()
    claim = laboratory.claim(f"{experiment.id}.0")
    runs = finished_runs(laboratory.labels("a spec"))[:1]
    laboratory.store.commit_runs(claim, runs)
    before = laboratory.store.events(experiment.id)
    laboratory.store.heartbeat(claim, fraction=0.5)
    laboratory.store.save_checkpoint(claim, b"state")
    laboratory.store.commit_runs(claim, runs)
    assert laboratory.store.events(experiment.id) == before


def test_a_deleted_experiment_has_no_events(laboratory: Laboratory) -> None:
    """None are left behind."""
    experiment = trained(laboratory)
    laboratory.store.delete(experiment.id)
    assert laboratory.store.events(experiment.id) == []


def test_the_last_thousand_are_kept(client: redis.Redis) -> None:
    """However long an experiment goes on."""
    laboratory = redis_laboratory(client)
    experiment = laboratory.planned()
    told = f"stepbias:experiment:{experiment.id}:events"
    client.lpush(told, *([b"old"] * 1500))
    laboratory.store.cancel(experiment.id)
    assert client.llen(told) == 1000
    assert laboratory.store.events(experiment.id)[-1].status is ExperimentStatus.CANCELLED


@pytest.mark.parametrize("damage", ["last", "first", "kind"])
def test_damaged_events_are_missing_and_stop_nothing(client: redis.Redis, damage: str) -> None:
    """What is told afterwards has a number by which a reader sees that something is missing."""
    laboratory = redis_laboratory(client)
    experiment = laboratory.planned()
    told, before = f"stepbias:experiment:{experiment.id}:events", laboratory.store.events(experiment.id)
    place = {"last": -1, "first": 0}.get(damage)
    if place is None:
        client.set(told, "something else")
    else:
        client.lset(told, place, client.lindex(told, place).replace(b"number", b"nember"))
    laboratory.store.cancel(experiment.id)
    after = laboratory.store.events(experiment.id)
    assert after[-1].status is ExperimentStatus.CANCELLED
    assert after[-1].number > before[-1].number
    seen = [event.number for event in after]
    assert seen != list(range(1, len(before) + 2))


def test_an_event_is_sealed(client: redis.Redis) -> None:
    """By the first 64 bits of a SHA-1 digest, before its JSON."""
    experiment = redis_laboratory(client).planned()
    for told in client.lrange(f"stepbias:experiment:{experiment.id}:events", 0, -1):
        assert hashlib.sha1(told[16:]).hexdigest()[:16].encode() == told[:16]
        assert set(json.loads(told[16:])) >= {"number", "status", "runs_done", "outcomes"}


def test_the_digest_of_what_is_stored_changes_with_it(laboratory: Laboratory) -> None:
    """Whichever runs are stored, and whatever they are; not with what else becomes of the experiment."""
    experiment = laboratory.planned()
    labels, seen = laboratory.labels("a spec"), [laboratory.store.contents(experiment.id)]
    claim = laboratory.claim(f"{experiment.id}.0")
    for index in (1, 0):
        laboratory.store.commit_runs(claim, finished_runs([labels[index]], index))
        seen.append(laboratory.store.contents(experiment.id))
    assert len(set(seen)) == 3
    laboratory.store.cancel(experiment.id)
    assert laboratory.store.contents(experiment.id) == seen[-1]
