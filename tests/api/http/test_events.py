"""What becomes of an experiment, told as it happens."""

import itertools
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from api.http import event_stream as module
from api.http.event_hub import EventHub
from api.http.event_stream import event_stream, preferred_wait
from jobs.records import ExperimentEvent
from jobs.settings import Settings
from jobs.states import ExperimentStatus
from tests.api.service import EXPERIMENTS, Service, assert_problem, service
from tests.reference.memory_store import MemoryStore

CONVERGED = {"outcome": "converged"}


def told(text: str) -> list[tuple[str, int | None, dict[str, Any]]]:
    """Name, id and data of each event in a stream."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", maxsplit=1) for line in block.split("\n") if line and not line.startswith(":"))
        if fields:
            number = fields.get("id")
            found.append((fields["event"], None if number is None else int(number), json.loads(fields["data"])))
    return found


def changes(text: str) -> list[tuple[str, int | None, dict[str, Any]]]:
    """The same without what is only of the moment."""
    return [each for each in told(text) if each[0] != "progress"]


def finished(api: Service) -> str:
    """Where an experiment is that has succeeded."""
    identifier = api.submit()
    api.train(identifier, [CONVERGED] * 2)
    return f"{EXPERIMENTS}/{identifier}"


def test_an_experiment_that_has_ended_is_told_from_its_beginning(api: Service) -> None:
    """Every status, every run, and then the end, after which the stream is over."""
    response = api.get(f"{finished(api)}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    names, numbers, documents = zip(*changes(response.text), strict=True)
    assert numbers == tuple(range(1, len(numbers) + 1))
    assert [document["status"] for document in documents] == ["planning", "queued", "running", "running", "succeeded"]
    assert names == ("status", "status", "status", "runs", "end")
    assert documents[3]["runs"] == [0, 1]
    assert documents[-1] == {"status": "succeeded", "runs": [], "runs_done": 2, "outcomes": {"converged": 2}}


def test_who_comes_again_misses_nothing_and_gets_nothing_twice(api: Service) -> None:
    """After every event; after the last there is nothing to come for."""
    place = f"{finished(api)}/events"
    all_of_it = changes(api.get(place).text)
    for seen in range(1, len(all_of_it)):
        rest = changes(api.client.get(place, headers={"Last-Event-ID": str(seen)}).text)
        assert rest == all_of_it[seen:]
    assert api.client.get(place, headers={"Last-Event-ID": str(len(all_of_it))}).status_code == 204


def test_events_that_are_no_longer_kept_are_a_gap(api: Service) -> None:
    """Nobody takes what is left for the whole."""
    place = finished(api)
    experiment = api.store._experiments[place.rpartition("/")[2]]
    experiment.told = experiment.told[2:]
    assert changes(api.get(f"{place}/events").text)[0] == ("gap", None, {"after": 0, "before": 3})
    assert changes(api.client.get(f"{place}/events", headers={"Last-Event-ID": "2"}).text)[0][0] == "status"
    assert changes(api.client.get(f"{place}/events", headers={"Last-Event-ID": "1"}).text)[0][0] == "gap"


def test_what_ended_before_events_were_told_has_an_end(api: Service) -> None:
    """As it is found."""
    place = finished(api)
    api.store._experiments[place.rpartition("/")[2]].told = []
    api.store._experiments[place.rpartition("/")[2]].tell = lambda: None  # type: ignore[method-assign]  # told nothing
    ((name, number, document),) = told(api.get(f"{place}/events").text)
    assert (name, number, document["status"]) == ("end", None, "succeeded")


def test_a_stream_of_what_is_not_there_is_refused(api: Service) -> None:
    """As a problem, and so is an id that was never given out."""
    assert_problem(api.get(f"{EXPERIMENTS}/none/events"), 404)
    assert_problem(api.client.get(f"{finished(api)}/events", headers={"Last-Event-ID": "x"}), 422)


def test_head_does_not_wait_for_events(api: Service) -> None:
    """Of an experiment that goes on."""
    assert api.client.head(f"{EXPERIMENTS}/{api.submit()}/events").headers["x-accel-buffering"] == "no"


def followed(api: Service, identifier: str, *steps: Callable[[], object]) -> str:
    """What a stream sends while the steps are done, each after it has sent what came before."""

    async def follow() -> str:
        stream = event_stream(identifier, after=0, store=api.store, hub=EventHub(api.store))
        text, waiting = "", list(steps)
        with anyio.fail_after(20):
            async for piece in stream:
                text += piece.decode()
                if piece.startswith(b"event: progress") and waiting:
                    waiting.pop(0)()
        assert not waiting
        return text

    return anyio.run(follow)


def test_what_happens_is_told_while_somebody_listens(api: Service) -> None:
    """To the end."""
    identifier = api.submit()
    text = followed(api, identifier, lambda: api.train(identifier, [CONVERGED] * 2))
    assert changes(text) == changes(api.get(f"{EXPERIMENTS}/{identifier}/events").text)


def test_a_failed_experiment_that_is_retried_is_followed_through(api: Service) -> None:
    """The end is the last one."""
    identifier = api.submit()
    api.fail(identifier)
    api.store.retry(identifier)
    text = followed(api, identifier, lambda: api.client.post(f"{EXPERIMENTS}/{identifier}/cancel"))
    assert [(name, each["status"]) for name, _, each in changes(text)] == [
        ("status", "planning"),
        ("end", "failed"),
        ("status", "planning"),
        ("end", "cancelled"),
    ]


def test_an_experiment_that_is_deleted_is_followed_no_more(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream ends, and nothing is told twice meanwhile."""
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.01)
    identifier = api.submit()
    text = followed(api, identifier, lambda: api.store._experiments.pop(identifier))
    assert [name for name, *_ in told(text)] == ["status", "progress"]


def test_silence_is_broken(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """By comments, which are no events, and by how far it is."""
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.01)
    identifier = api.submit()
    text = followed(api, identifier, lambda: None, lambda: None, lambda: api.store.cancel(identifier))
    assert text.count(": ping\n\n") >= 2


def test_many_listeners_look_at_the_store_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One asks for all of them, and none of them holds a thread."""
    store = MemoryStore(Settings())
    asked: list[list[str]] = []
    hub = EventHub(store)

    def last_events(experiment_ids: list[str]) -> dict[str, int]:
        asked.append(list(experiment_ids))
        return dict.fromkeys(experiment_ids, 1 if len(asked) > 1 else 0)

    monkeypatch.setattr(store, "last_events", last_events)

    async def listen() -> int:
        told = 0

        async def one(name: str) -> None:
            nonlocal told
            is_told = await hub.wait(name, after=0, seconds=30)
            told += is_told

        async with anyio.create_task_group() as group:
            for number in range(1000):
                group.start_soon(one, f"experiment {number % 10}")
        return told

    before = threading.active_count()
    assert anyio.run(listen) == 1000
    assert len(asked) == 2
    assert sorted(asked[0]) == sorted({f"experiment {number}" for number in range(10)})
    assert threading.active_count() <= before + 2


def test_those_who_wait_are_let_go_at_the_end_of_the_process(api: Service) -> None:
    """A stream ends, and the client comes to the next process."""
    identifier, hub = api.submit(), EventHub(api.store)

    async def follow() -> int:
        pieces = 0
        stream: AsyncIterator[bytes] = event_stream(identifier, after=0, store=api.store, hub=hub)
        async for piece in stream:
            pieces += 1
            if piece.startswith(b"event: progress"):
                hub.close()
        return pieces

    assert anyio.run(follow) == 2


def test_one_answer_may_wait_for_the_end(api: Service) -> None:
    """As a parameter or as a preference, and no longer than it may."""
    identifier = api.submit()
    place = f"{EXPERIMENTS}/{identifier}"
    timer = threading.Timer(0.2, lambda: api.store.cancel(identifier))
    timer.start()
    assert api.get(f"{place}?wait=60").json()["status"] == "cancelled"
    timer.join()
    response = api.client.get(place, headers={"Prefer": "respond-async, wait=10"})
    assert response.headers["preference-applied"] == "wait=10"
    assert_problem(api.get(f"{place}?wait=61"), 422)
    assert_problem(api.get(f"{EXPERIMENTS}/none?wait=1"), 404)
    assert api.get(f"{EXPERIMENTS}/{api.submit(name='other')}?wait=1").json()["status"] == "planning"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("wait=5", 5), ('a;b, WAIT = "7"', 7), ("wait=600", 60), ("await=5", None), ("", None), ("wait=x", None)],
)
def test_how_long_a_preference_waits(header: str, seconds: int | None) -> None:
    """As RFC 7240 writes it."""
    assert preferred_wait(header) == seconds


def test_a_status_is_never_the_last_word_twice() -> None:
    """What the stores tell: each event differs from the one before, in its status or by its runs."""
    one = service()
    with one.client:
        identifier = one.submit()
        one.train(identifier, [CONVERGED] * 2)
        events = one.store.events(identifier)
    assert all(isinstance(event, ExperimentEvent) for event in events)
    for before, event in itertools.pairwise(events):
        assert event.number == before.number + 1
        assert event.runs or event.status is not before.status
    assert events[-1].status is ExperimentStatus.SUCCEEDED
