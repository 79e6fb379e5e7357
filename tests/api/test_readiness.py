"""Readiness: whether an experiment that is submitted now would be run."""

import pytest

from api.readiness import UNTAKEN_SECONDS, lack_of
from core.identity import NUMERICS_VERSION
from jobs.errors import StoreUnavailable
from jobs.records import LiveWorker, Queue, Surroundings, Waiting
from tests.api.service import EXPERIMENTS, Service, assert_problem

IDLE = LiveWorker(name="w", numerics=NUMERICS_VERSION, idle=1)
BUSY = LiveWorker(name="w", numerics=NUMERICS_VERSION, idle=0)
OF_ANOTHER_VERSION = LiveWorker(name="o", numerics="another", idle=1)


def waiting(seconds: float, numerics: str = NUMERICS_VERSION) -> Waiting:
    """Work that nobody has taken for so long."""
    return Waiting(numerics=numerics, experiments=1, jobs=1, untaken_seconds=seconds)


def serve(api: Service, *queues: Queue) -> None:
    """A worker registers for these queues."""
    api.store.register(IDLE, queues=queues, seconds=60.0)


def test_a_service_is_ready_when_each_queue_has_a_worker(api: Service) -> None:
    """Until then it says what is missing."""
    serve(api, Queue.INTERACTIVE)
    response = api.get("/readyz")
    document = assert_problem(response, 503)
    assert "batch" in document["detail"]
    assert "interactive" not in document["detail"]
    assert int(response.headers["retry-after"]) > 0
    serve(api, *Queue)
    queue = {"workers": 1, "idle": 1, "waiting_jobs": 0, "untaken_seconds": 0.0, "demand": 0}
    assert api.get("/readyz").json() == {
        "status": "ready",
        "queues": {"interactive": queue, "batch": queue},
        "broker": "answers",
        "untellable": 0,
        "damaged": 0,
    }


def test_a_service_whose_broker_is_away_is_ready_and_says_so(api: Service) -> None:
    """Nothing is lost by it. Why it is away, which may name an address, is nobody's business."""
    serve(api, *Queue)
    api.bell.away = "Connection refused by rabbit.lab"
    document = api.get("/readyz").json()
    assert document["status"] == "ready"
    assert document["broker"] == "does not answer; workers look for work themselves, once a second"


def test_a_service_without_room_is_not_ready(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is computed could not be stored."""
    serve(api, *Queue)
    monkeypatch.setattr(api.store, "room", lambda **_: "the store is full: 9 MB of 9 MB")
    assert "room (the store is full: 9 MB of 9 MB)" in assert_problem(api.get("/readyz"), 503)["detail"]


def test_a_service_whose_store_is_away_is_not_ready(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is away at once or in the middle."""
    serve(api, *Queue)

    def away(*_: object) -> Surroundings:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(api.store, "ping", lambda: False)
        assert "the store" in assert_problem(api.get("/readyz"), 503)["detail"]
    monkeypatch.setattr(api.store, "look_around", away)
    assert "the store" in assert_problem(api.get("/readyz"), 503)["detail"]


@pytest.mark.parametrize(
    ("workers", "waits", "lack"),
    [
        ((), (), "a live worker"),
        ((OF_ANOTHER_VERSION,), (), "a live worker"),
        ((IDLE,), (), None),
        ((IDLE,), (waiting(UNTAKEN_SECONDS - 1),), None),
        ((IDLE,), (waiting(UNTAKEN_SECONDS + 1),), "a worker that takes what waits"),
        ((BUSY, IDLE), (waiting(UNTAKEN_SECONDS + 1),), "a worker that takes what waits"),
        ((BUSY,), (waiting(UNTAKEN_SECONDS + 1),), None),
        ((IDLE,), (waiting(UNTAKEN_SECONDS + 1, "another"),), None),
        ((BUSY, OF_ANOTHER_VERSION), (waiting(UNTAKEN_SECONDS + 1),), None),
    ],
)
def test_what_a_queue_lacks(workers: tuple[LiveWorker, ...], waits: tuple[Waiting, ...], lack: str | None) -> None:
    """Workers of this version, and one of them that is not deaf: idle ones that leave work lying are."""
    found = lack_of(Queue.BATCH, Surroundings(workers=workers, waiting=waits))
    assert (found is None) == (lack is None)
    assert lack is None or str(found).startswith(lack)
    assert lack is None or "batch queue" in str(found)


def test_an_experiment_says_what_it_waits_for(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any worker, one of its version, or room; nothing where it is only not its turn yet, or where it has ended."""

    def waits_for() -> str | None:
        found: str | None = api.get(f"{EXPERIMENTS}/{identifier}").json()["waits_for"]
        return found

    identifier = api.submit()
    assert waits_for() == "a live worker for the interactive queue"
    api.store.register(OF_ANOTHER_VERSION, queues=Queue, seconds=60.0)
    assert f"version {NUMERICS_VERSION}" in str(waits_for())
    serve(api, Queue.INTERACTIVE)
    assert waits_for() is None
    with monkeypatch.context() as patched:
        patched.setattr(api.store, "room", lambda **_: "the store is full")
        assert waits_for() == "the store is full"
    api.store.cancel(identifier)
    assert waits_for() is None
