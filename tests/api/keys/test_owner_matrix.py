"""Every door of the API, asked by everybody: no key, wrong ones, another owner, a reader, the owner, the operator.

What belongs to somebody else is answered as what never was. A route that is not in the table fails the first test.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.app import create_app
from jobs.api_keys import KeyScope, new_key
from jobs.records import Queue
from jobs.settings import Settings
from tests.api.service import assert_problem, spec
from tests.reference.memory_store import MemoryDoorbell, MemoryStore
from worker.context import WorkerContext
from worker.perform import work_off

E, D = "/v1/experiments", "/v1/datasets"
JSON, PATCH = "application/json", "application/merge-patch+json"
NEVER = {"experiment_id": "0123456789abcdef0123456789abcdef", "dataset_id": "01234567" * 8, "key_id": "0123456789ab"}
DATASET = {"X": [[0.5, 1.5, 0.1], [0.25, 1.0, 0.7]], "y": [2.0, 3.0]}


@dataclass(frozen=True, kw_only=True)
class Door:
    """A route, and how it is asked: `status` is what the owner gets, `needs` the least scope, None where it is open."""

    method: str
    path: str
    status: int = 200
    needs: KeyScope | None = KeyScope.READ
    body: Any = None
    media_type: str = JSON
    values: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, str]:
        """What the routes of the app are compared with."""
        return self.method, self.path


def _get(*paths: str, **values: str) -> list[Door]:
    return [Door(method="GET", path=path, values=values) for path in paths]


ONE, RUN, PROBLEM = (
    f"{E}/{{experiment_id}}",
    f"{E}/{{experiment_id}}/runs/{{index}}",
    f"{E}/{{experiment_id}}/analysis/{{problem}}",
)

OPEN = [
    Door(method="GET", path="/healthz", needs=None),
    Door(method="GET", path="/readyz", needs=None, status=503),
    Door(method="GET", path="/openapi.json", needs=None),
    Door(method="GET", path="/docs", needs=None),
    Door(method="GET", path="/explorer", needs=None),
    Door(method="GET", path="/docs/api", needs=None),
    Door(method="GET", path="/docs/{path:path}", needs=None, status=404, values={"path": "no-such"}),
    Door(method="GET", path="/", needs=None),
    Door(method="GET", path="/page/{name}", needs=None, values={"name": "app.js"}),
    Door(method="GET", path="/v1/errors", needs=None),
    Door(method="GET", path="/v1/errors/{slug}", needs=None, values={"slug": "no-key"}),
]
OF_ALL = [
    *_get("/metrics", "/v1/version", "/v1/presets", E, D),
    *_get("/v1/presets/{name}", name="figure-1"),
    Door(method="POST", path=f"{E}/estimate", body=spec()),
    Door(method="POST", path=E, body=spec(name="another"), status=202, needs=KeyScope.SUBMIT),
    Door(method="POST", path=D, body={"X": [[1.0, 2.0]], "y": [1.0]}, status=201, needs=KeyScope.SUBMIT),
]
OF_KEYS = [
    Door(method="GET", path="/v1/keys", needs=KeyScope.ADMIN),
    Door(method="POST", path="/v1/keys", body={"owner": "eve"}, status=201, needs=KeyScope.ADMIN),
    Door(method="DELETE", path="/v1/keys/{key_id}", status=204, needs=KeyScope.ADMIN),
]
OF_EXPERIMENTS = [
    *_get(ONE),
    *_get(
        *(f"{ONE}/{part}" for part in ("spec", "events", "jobs", "runs", "results", "manifest", "curves", "analysis"))
    ),
    *_get(*(f"{ONE}/{part}" for part in ("curves.csv", "curves.ndjson", "report", "report.txt", "figures"))),
    *_get(f"{ONE}/manifest/runs.ndjson", f"{ONE}/columns"),
    *_get(f"{ONE}/results.{{ending}}", ending="csv"),
    *_get(f"{ONE}/figures/{{file}}", file="risk.png"),
    *_get(RUN, f"{RUN}/arrays", f"{RUN}/arrays.npz", f"{RUN}/trajectory", f"{RUN}/trajectory.npz", index="0"),
    *_get(f"{RUN}/trajectory.csv", f"{RUN}/trajectory.ndjson", f"{RUN}/vectors", f"{RUN}/vectors.npz", index="0"),
    *_get(f"{PROBLEM}/data", f"{PROBLEM}/data.npz", f"{PROBLEM}/interpolators", problem="0"),
    *_get(f"{PROBLEM}/interpolators.npz", problem="0"),
    Door(method="PATCH", path=ONE, body={"notes": "x"}, media_type=PATCH, needs=KeyScope.SUBMIT),
    Door(method="POST", path=f"{ONE}/cancel", needs=KeyScope.SUBMIT),
    Door(method="POST", path=f"{ONE}/retry", status=409, needs=KeyScope.SUBMIT),
    Door(method="DELETE", path=ONE, status=204, needs=KeyScope.SUBMIT),
]
OF_DATASETS = [
    *_get(f"{D}/{{dataset_id}}", f"{D}/{{dataset_id}}/analysis"),
    Door(method="DELETE", path=f"{D}/{{dataset_id}}", status=409, needs=KeyScope.SUBMIT),
]
NAMED = [*OF_EXPERIMENTS, *OF_DATASETS]
CLOSED = [*OF_ALL, *OF_KEYS, *NAMED]


def by_name(doors: list[Door]) -> Any:
    """Every door as a test of its own."""
    return pytest.mark.parametrize("door", doors, ids=lambda door: f"{door.method} {door.path}")


class _WorkingBell(MemoryDoorbell):
    """Does what it rings for."""

    work: Callable[[Queue], None]

    @override
    def ring(self, queue: Queue, times: int = 1) -> None:
        super().ring(queue, times)
        self.work(queue)


@dataclass
class House:
    """A service where keys are required; ada has a finished experiment on a data set of hers, ben and carl nothing."""

    client: TestClient
    store: MemoryStore
    keys: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str, door: Door, **values: str) -> httpx2.Response:
        """Ask at a door about these values, or those of ada."""
        return self.send(self.keys[who], door, **values)

    def send(self, key: str | None, door: Door, **values: str) -> httpx2.Response:
        """The same with any key, or without one."""
        named = self.ids | door.values | values
        path = door.path.replace(":path}", "}").format(**named)
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if door.body is None:
            return self.client.request(door.method, path, headers=headers)
        return self.client.request(
            door.method, path, json=door.body, headers=headers | {"Content-Type": door.media_type}
        )


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One for all: nobody but ada changes anything, and she does so last."""
    settings = Settings(keys="required")
    store, bell = MemoryStore(settings), _WorkingBell()
    context = WorkerContext(store=store, settings=settings, name="worker")
    bell.work = lambda queue: work_off(queue, context)
    keys: dict[str, str] = {}
    for who, owner, scope, seconds in (
        ("ada", "ada", KeyScope.SUBMIT, 3600.0),
        ("reader", "ada", KeyScope.READ, None),
        ("expired", "ada", KeyScope.ADMIN, -1.0),
        ("ben", "ben", KeyScope.SUBMIT, None),
        ("carl", "carl", KeyScope.SUBMIT, None),
        ("operator", "operator", KeyScope.ADMIN, None),
        ("spare", "operator", KeyScope.READ, None),
    ):
        keys[who], kept = new_key(owner, scope, now=time.time(), seconds=seconds)
        store.keep_key(kept)
    one = House(TestClient(create_app(settings, store, bell)), store, keys)
    with one.client:
        dataset = one.ask("ada", Door(method="POST", path=D, body=DATASET)).json()["id"]
        body = spec(data={"kind": "dataset", "id": dataset}, name="hers", tags=["t"])
        experiment = one.ask("ada", Door(method="POST", path=E, body=body)).json()["id"]
        for queue in Queue:
            bell.work(queue)
        one.ids = {"experiment_id": experiment, "dataset_id": dataset, "key_id": keys["spare"].split("_")[1]}
        assert one.ask("ada", Door(method="GET", path=ONE)).json()["status"] == "succeeded"
        yield one


def told(response: httpx2.Response) -> tuple[Any, ...]:
    """What an answer tells, but for the id of the request."""
    document = response.json()
    assert document.pop("request_id") == response.headers["x-request-id"]
    varying = {"x-request-id", "content-digest", "content-length"}
    return (
        response.status_code,
        document,
        {name: value for name, value in response.headers.items() if name not in varying},
    )


def test_every_route_of_the_app_is_in_the_table(house: House) -> None:
    """Whoever adds one says here what it tells to whom."""
    app: Any = house.client.app
    assert set(_names(app.routes)) == {door.name for door in [*OPEN, *CLOSED]}
    assert all("{experiment_id}" not in door.path for door in [*OPEN, *OF_ALL, *OF_KEYS, *OF_DATASETS])
    assert all("{dataset_id}" not in door.path for door in [*OPEN, *OF_ALL, *OF_KEYS, *OF_EXPERIMENTS])


def _names(routes: list[Any]) -> Iterator[tuple[str, str]]:
    """Method and path of every route, of routers that are included as well; nothing else may be there."""
    for route in routes:
        if isinstance(route, Route):
            yield from ((method, route.path) for method in route.methods or () if method != "HEAD")
        else:
            yield from _names(route.original_router.routes)


@by_name(OPEN)
def test_open_doors_are_open(house: House, door: Door) -> None:
    """With any key, and without one."""
    for key in (None, "nonsense", house.keys["expired"], house.keys["ben"]):
        assert house.send(key, door).status_code == door.status


@by_name(CLOSED)
def test_no_key_opens_nothing(house: House, door: Door) -> None:
    """The challenge says what is wanted."""
    response = house.send(None, door)
    assert assert_problem(response, 401)["type"].endswith(":no-key")
    assert response.headers["www-authenticate"] == 'Bearer realm="stepbias"'


@by_name(CLOSED)
def test_a_wrong_key_is_as_an_unknown_one(house: House, door: Door) -> None:
    """Also where its first part is that of a good, or of an expired one."""
    known, expired = house.keys["ada"], house.keys["expired"]
    wrong = [known[:-4] + "abcd", expired[:-4] + "abcd", f"sb_{'0' * 12}_{'x' * 43}", "nonsense"]
    answers = [told(house.send(key, door)) for key in wrong]
    status, document, headers = answers[0]
    assert (status, document["type"]) == (401, "urn:stepbias:problem:unknown-key")
    assert headers["www-authenticate"] == 'Bearer realm="stepbias", error="invalid_token"'
    assert answers == [answers[0]] * len(wrong)


@by_name(CLOSED)
def test_an_expired_key_says_so_to_its_holder(house: House, door: Door) -> None:
    """Whatever it was good for."""
    assert assert_problem(house.ask("expired", door), 401)["type"].endswith(":expired-key")


@by_name([door for door in CLOSED if door.needs is not KeyScope.READ])
def test_a_key_of_too_small_a_scope_is_refused(house: House, door: Door) -> None:
    """And nothing is done."""
    for who in ["reader"] if door.needs is KeyScope.SUBMIT else ["reader", "ada"]:
        response = house.ask(who, door)
        assert assert_problem(response, 403)["type"].endswith(":insufficient-scope")
        assert f'scope="{door.needs}"' in response.headers["www-authenticate"]


@by_name(NAMED)
def test_what_is_of_another_owner_never_was(house: House, door: Door) -> None:
    """By its id, and by the beginning of it."""
    never = told(house.ask("ben", door, **NEVER))
    assert never[0] == 404
    assert told(house.ask("ben", door)) == never
    cut = {name: value[:12] for name, value in house.ids.items()}
    assert told(house.ask("ben", door, **cut)) == told(house.ask("ben", door, **{n: v[:12] for n, v in NEVER.items()}))


@by_name(OF_EXPERIMENTS)
def test_it_is_not_even_read(house: House, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is asked the same, whether it belongs to somebody or never was: no clock tells them apart."""
    asked: list[str] = []
    depth: list[str] = []
    for name in dir(MemoryStore):
        # What is said of keys is remembered for a moment.
        if not name.startswith("_") and name != "key" and callable(getattr(MemoryStore, name)):
            monkeypatch.setattr(house.store, name, _noting(asked, depth, getattr(house.store, name)))
    house.ask("ben", door, **NEVER)
    never = asked.copy()
    asked.clear()
    house.ask("ben", door)
    assert asked == never
    assert "records" in asked


def _noting(asked: list[str], depth: list[str], method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, whose calls from outside are noted."""

    def noting(*args: Any, **named: Any) -> Any:
        if not depth:
            asked.append(method.__name__)
        depth.append(method.__name__)
        try:
            return method(*args, **named)
        finally:
            depth.pop()

    return noting


@by_name(OF_ALL)
def test_lists_tell_nothing_of_others(house: House, door: Door) -> None:
    """Nor does any other answer that names nobody's work."""
    body = house.ask("ben", door).text
    assert house.ids["experiment_id"] not in body
    if door.method == "GET":
        assert house.ids["dataset_id"] not in body
        assert body == house.ask("carl", door).text or door.path in {"/metrics", E, D}


@by_name([door for door in CLOSED if door.needs is KeyScope.READ])
def test_a_reader_reads(house: House, door: Door) -> None:
    """All that the owner has."""
    assert house.ask("reader", door).status_code == door.status


@by_name([door for door in OF_EXPERIMENTS if door.needs is KeyScope.READ])
def test_the_operator_reads_what_is_of_others(house: House, door: Door) -> None:
    """As they would see it."""
    response = house.ask("operator", door)
    assert response.status_code == door.status
    if "events" not in door.path:
        assert response.content == house.ask("ada", door).content


@by_name(OF_EXPERIMENTS)
def test_what_is_shared_is_read_and_not_changed(house: House, door: Door) -> None:
    """By its whole id alone; when it is no longer shared it never was."""
    sharing = Door(method="PATCH", path=ONE, body={"shared": True}, media_type=PATCH)
    assert house.ask("ada", sharing).json()["shared"] is True
    try:
        response = house.ask("ben", door)
        if door.needs is KeyScope.READ:
            assert response.status_code == door.status
        else:
            assert assert_problem(response, 403)["type"].endswith(":shared-to-read")
        assert house.ask("ben", door, experiment_id=house.ids["experiment_id"][:12]).status_code == 404
    finally:
        house.ask("ada", Door(method="PATCH", path=ONE, body={"shared": False}, media_type=PATCH))
    assert house.ask("ben", door).status_code == 404


@by_name([door for door in [*OF_ALL, *NAMED] if door.method in {"GET", "POST"}])
def test_the_owner_is_answered(house: House, door: Door) -> None:
    """As if there were nobody else."""
    response = house.ask("ada", door)
    assert response.status_code in {door.status, *((200,) if door.status in {201, 202} else ())}, response.text
    assert response.headers["vary"].startswith("Authorization") or "Authorization" in response.headers["vary"]


@by_name(OF_KEYS)
def test_the_operator_has_the_keys(house: House, door: Door) -> None:
    """No answer but one has a key in it."""
    response = house.ask("operator", door)
    assert response.status_code == door.status, response.text
    assert all(key not in response.text for key in house.keys.values())
    if door.method == "POST":
        assert response.json()["key"].startswith("sb_")


@by_name(
    sorted(
        (door for door in NAMED if door.method in {"PATCH", "DELETE"}),
        key=lambda door: (door.method != "PATCH", door.path),
    )
)
def test_the_owner_changes_and_deletes(house: House, door: Door) -> None:
    """A data set is in use, until the experiment is gone."""
    assert house.ask("ada", door).status_code == door.status
