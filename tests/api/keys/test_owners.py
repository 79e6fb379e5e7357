"""Owners over HTTP: what they share, what they cannot find out, and how much they may have."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.app import create_app
from api.keys.asker import BELIEVED_SECONDS, KeyRing
from api.problems.request_errors import ExpiredKey, UnknownKey
from jobs.api_keys import KeyScope, new_key
from jobs.records import Queue
from jobs.settings import Settings
from tests.api.service import assert_problem, pointers, spec
from tests.reference.memory_store import MemoryDoorbell, MemoryStore
from worker.context import WorkerContext
from worker.perform import work_off

E, D = "/v1/experiments", "/v1/datasets"
DATASET = {"X": [[0.5, 1.5, 0.1], [0.25, 1.0, 0.7]], "y": [2.0, 3.0]}


class CountingStore(MemoryStore):
    """Counts what is asked about keys."""

    looked_up = 0

    @override
    def key(self, key_id: str) -> Any:
        self.looked_up += 1
        return super().key(key_id)


@dataclass
class House:
    """A service where keys are required, and those who have one."""

    settings: Settings
    store: CountingStore = field(init=False)
    client: TestClient = field(init=False)
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = CountingStore(self.settings)
        self.client = TestClient(create_app(self.settings, self.store, MemoryDoorbell(), drawing_timeout=0.1))
        for who, scope in (("ada", KeyScope.SUBMIT), ("ben", KeyScope.SUBMIT), ("operator", KeyScope.ADMIN)):
            self.keys[who], kept = new_key(who, scope, now=time.time())
            self.store.keep_key(kept)

    def ask(self, who: str, method: str, path: str, **more: Any) -> httpx2.Response:
        """Ask as somebody."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"} | more.pop("headers", {})
        return self.client.request(method, path, headers=headers, **more)

    def submit(self, who: str, **parts: Any) -> httpx2.Response:
        """Submit a spec as somebody."""
        return self.ask(who, "POST", E, json=spec(**parts))

    def work(self) -> None:
        """Do every job."""
        for queue in Queue:
            work_off(queue, WorkerContext(store=self.store, settings=self.settings, name="worker"))


@pytest.fixture
def make() -> Iterator[Callable[..., House]]:
    """Makes a house by its settings."""
    made: list[House] = []

    def house(**settings: Any) -> House:
        made.append(House(Settings(keys="required", **settings)))
        made[-1].client.__enter__()
        return made[-1]

    yield house
    for each in made:
        each.client.__exit__(None, None, None)


@pytest.mark.parametrize(("share", "reused"), [("owner", 0), ("deployment", 2)])
def test_equal_specs_of_two_owners(make: Callable[..., House], share: str, reused: int) -> None:
    """Two experiments of the same numbers; whether the second is computed again is what the setting says."""
    house = make(share_runs=share)
    hers = house.submit("ada").json()["id"]
    assert house.submit("ada").json()["id"] == hers
    house.work()
    estimate = house.ask("ben", "POST", f"{E}/estimate", json=spec()).json()
    assert estimate["max_stable_steps"]["known"] == reused // 2
    response = house.submit("ben")
    assert response.status_code == 202
    his = response.json()["id"]
    assert his != hers
    house.work()
    document = house.ask("ben", "GET", f"{E}/{his}").json()
    assert (document["status"], document["counts"]["runs"]["reused"], document["owner"]) == ("succeeded", reused, "ben")
    for part in ("runs", "analysis"):
        answers = [house.ask(who, "GET", f"{E}/{each}/{part}").json() for who, each in (("ada", hers), ("ben", his))]
        assert answers[0] == answers[1]


def test_equal_data_of_two_owners(make: Callable[..., House]) -> None:
    """Each has uploaded them anew; a spec names those of its sender."""
    house = make()
    first = house.ask("ada", "POST", D, json=DATASET, params={"name": "hers"})
    refused = house.submit("ben", data={"kind": "dataset", "id": first.json()["id"]})
    assert pointers(assert_problem(refused, 422)) == ["/data/id"]
    second = house.ask("ben", "POST", D, json=DATASET)
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.json()["id"], second.json()["name"]) == (first.json()["id"], "")
    dataset = first.json()["id"]
    using = house.submit("ada", data={"kind": "dataset", "id": dataset}).json()["id"]
    assert house.ask("ada", "GET", f"{D}/{dataset}").json()["used_by"] == [using]
    assert house.ask("ben", "GET", f"{D}/{dataset}").json()["used_by"] == []
    assert house.ask("ben", "DELETE", f"{D}/{dataset}").status_code == 204
    house.work()
    assert house.ask("ada", "GET", f"{E}/{using}").json()["status"] == "succeeded"
    assert house.ask("ada", "GET", f"{E}/{using}/analysis/0/data").status_code == 200


def test_idempotency_keys_are_an_owners(make: Callable[..., House]) -> None:
    """Whoever guesses one gets an answer of their own."""
    house = make()
    mine, yours = (house.ask(who, "POST", E, json=spec(), headers={"Idempotency-Key": "k"}) for who in ("ada", "ben"))
    assert (mine.status_code, yours.status_code) == (202, 202)
    assert mine.json()["id"] != yours.json()["id"]
    again = house.ask("ada", "POST", E, json=spec(), headers={"Idempotency-Key": "k"})
    assert (again.headers["idempotent-replayed"], again.json()["id"]) == ("true", mine.json()["id"])


def test_lists_are_an_owners_and_the_operators_is_of_all(make: Callable[..., House]) -> None:
    """With pages and filters; what was submitted before keys were required is nobody's, and the operator's to see."""
    house = make()
    nobodys = house.store.submit(spec=b"{}", content_hash="c", name="", tags=["t"], runs=1).experiment.id
    made = {who: [house.submit(who, name=str(n), tags=["t"]).json()["id"] for n in range(3)] for who in ("ada", "ben")}
    for who, ids in made.items():
        for query in ("", "tag=t&", "name=&"):
            page = house.ask(who, "GET", f"{E}?{query}limit=2").json()
            rest = house.ask(who, "GET", f"{E}?{query}limit=2&cursor={page['next_cursor']}").json()
            assert [each["id"] for each in page["experiments"] + rest["experiments"]] == ids[::-1]
            assert rest["next_cursor"] is None
        assert house.ask(who, "GET", f"{E}/{nobodys}").status_code == 404
    listed = house.ask("operator", "GET", f"{E}?limit=99").json()["experiments"]
    assert {each["id"] for each in listed} == {nobodys, *made["ada"], *made["ben"]}
    assert house.ask("operator", "GET", f"{E}/{nobodys}").json()["owner"] is None


def test_an_id_is_cut_short_among_those_of_its_owner(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others have that begins so is not named, and makes nothing ambiguous."""
    house = make()
    ids = (f"{'ab' * 14}{number:04}" for number in count())
    monkeypatch.setattr("tests.reference.memory_store.secrets.token_hex", lambda _: next(ids))
    cut = f"{E}/{'ab' * 5}"
    for name in "xy":
        house.submit("ada", name=name)
    assert_problem(house.ask("ada", "GET", cut), 409)
    assert_problem(house.ask("ben", "GET", cut), 404)
    his = house.submit("ben").json()["id"]
    assert house.ask("ben", "GET", cut).json()["id"] == his


def test_a_revoked_key_opens_nothing_after_a_moment(make: Callable[..., House]) -> None:
    """Nor does an answer go on that it has opened."""
    house = make()
    clock = iter([0.0, 0.5 * BELIEVED_SECONDS, 2.0 * BELIEVED_SECONDS])
    ring = KeyRing(house.store, clock=lambda: next(clock))
    key = house.keys["ada"]

    async def asked() -> None:
        assert (await ring.holder(key)).owner == "ada"
        house.store.drop_key(key.split("_")[1])
        assert (await ring.holder(key)).owner == "ada"
        assert house.store.looked_up == 1
        with pytest.raises(UnknownKey):
            await ring.holder(key)

    asyncio.run(asked())


def test_a_key_expires_though_it_is_remembered(make: Callable[..., House]) -> None:
    """By the wall clock."""
    house = make()
    key, kept = new_key("ada", KeyScope.READ, now=0.0, seconds=10.0)
    house.store.keep_key(kept)
    times = iter([9.9, 10.0])
    ring = KeyRing(house.store, clock=lambda: 0.0, wall_clock=lambda: next(times))

    async def asked() -> None:
        await ring.holder(key)
        with pytest.raises(ExpiredKey):
            await ring.holder(key)

    asyncio.run(asked())
    assert house.store.looked_up == 1


def test_events_end_when_the_key_is_revoked(make: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """They could go on for hours."""
    house = make()
    monkeypatch.setattr("api.keys.asker.BELIEVED_SECONDS", -1.0)
    identifier = house.submit("ada").json()["id"]
    events = house.store.events

    def told(experiment_id: str, *, after: int = 0) -> Any:
        house.store.drop_key(house.keys["ada"].split("_")[1])
        return events(experiment_id, after=after)

    monkeypatch.setattr(house.store, "events", told)
    response = house.ask("ada", "GET", f"{E}/{identifier}/events")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("who", ["ada", "operator", "ben"])
def test_events_end_when_the_experiment_is_no_longer_shared(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """For those whose it is not."""
    house = make()
    identifier = house.submit("ada").json()["id"]
    house.store.edit(identifier, shared=True)
    events = house.store.events

    def told(experiment_id: str, *, after: int = 0) -> Any:
        house.store.edit(identifier, shared=False)
        house.store.cancel(identifier)
        return events(experiment_id, after=after)

    monkeypatch.setattr(house.store, "events", told)
    response = house.ask(who, "GET", f"{E}/{identifier}/events")
    assert (response.status_code, b"event: end" in response.content) == (200, who != "ben")
    assert (response.content == b"") is (who == "ben")


def test_who_waits_is_told_nothing_of_what_is_no_longer_shared(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as if it had never been."""
    house = make()
    identifier = house.submit("ada").json()["id"]
    house.store.edit(identifier, shared=True)
    last_events = house.store.last_events

    def told(experiment_ids: Any) -> Any:
        house.store.edit(identifier, shared=False)
        house.store.cancel(identifier)
        return last_events(experiment_ids)

    monkeypatch.setattr(house.store, "last_events", told)
    assert_problem(house.ask("ben", "GET", f"{E}/{identifier}?wait=5"), 404)
    assert house.ask("ada", "GET", f"{E}/{identifier}?wait=5").status_code == 200


def test_the_operator_makes_lists_and_revokes_keys(make: Callable[..., House]) -> None:
    """The key is told once; what is wrong with a wish is pointed at."""
    house = make()
    wish = {"owner": "eve@lab", "scope": "read", "expires_in_days": 2}
    made = house.ask("operator", "POST", "/v1/keys", json=wish)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    house.keys["eve"] = made.json()["key"]
    assert house.ask("eve", "GET", E).status_code == 200
    listed = house.ask("operator", "GET", "/v1/keys").json()["keys"]
    assert [each["owner"] for each in listed] == ["ada", "ben", "operator", "eve@lab"]
    assert {"key": house.keys["eve"]} | listed[-1] == made.json()
    assert house.keys["eve"].endswith(listed[-1]["last_four"])
    assert house.ask("operator", "DELETE", f"/v1/keys/{listed[-1]['id']}").status_code == 204
    assert_problem(house.ask("operator", "DELETE", f"/v1/keys/{listed[-1]['id']}"), 404)
    wrong = {"owner": "a/b", "scope": "root", "expires_in_days": 0, "colour": "red"}
    refused = assert_problem(house.ask("operator", "POST", "/v1/keys", json=wrong), 422)
    assert pointers(refused) == ["/owner", "/scope", "/expires_in_days", "/colour"]
    assert "a/b" not in str(refused)


@pytest.mark.parametrize("days", [True, "30", [30]])
def test_how_long_a_key_is_good_is_a_number(make: Callable[..., House], days: Any) -> None:
    """`true` is no day, and text no number."""
    refused = make().ask("operator", "POST", "/v1/keys", json={"owner": "eve", "expires_in_days": days})
    assert pointers(assert_problem(refused, 422)) == ["/expires_in_days"]


def test_no_key_is_made_under_an_idempotency_key(make: Callable[..., House]) -> None:
    """It would be told twice, or made twice."""
    house = make()
    headers = {"Idempotency-Key": "one"}
    refused = house.ask("operator", "POST", "/v1/keys", json={"owner": "eve"}, headers=headers)
    assert assert_problem(refused, 422)["errors"][0]["parameter"] == "Idempotency-Key"
    assert "eve" not in house.ask("operator", "GET", "/v1/keys").text


def test_requests_of_a_minute_are_counted(make: Callable[..., House]) -> None:
    """Every answer tells what is left; beyond it, when to come again."""
    house = make(requests_per_minute=2)
    answers = [house.ask("ada", "GET", E) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["ratelimit"].split(";")[1] for each in answers] == ["r=1", "r=0", "r=0"]
    assert {each.headers["ratelimit-policy"] for each in answers} == {'"owner";q=2;w=60'}
    assert assert_problem(answers[2], 429)["type"].endswith(":too-many-requests")
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert house.ask("ben", "GET", E).status_code == 200
    assert house.client.get("/healthz").status_code == 200


def test_experiments_that_have_not_ended_are_limited(make: Callable[..., House]) -> None:
    """The same spec again takes up nothing; one that ends makes room."""
    house = make(max_active_of_owner=2)
    first, _ = (house.submit("ada", name=name) for name in "ab")
    refused = house.submit("ada", name="c")
    assert assert_problem(refused, 429)["type"].endswith(":too-many-active")
    assert refused.headers["retry-after"] == "10"
    assert house.submit("ada", name="b").status_code == 200
    assert house.submit("ben", name="c").status_code == 202
    house.ask("ada", "POST", f"{E}/{first.json()['id']}/cancel")
    assert house.submit("ada", name="c").status_code == 202


@pytest.mark.parametrize("other", [{"numerics": "0"}, {"share": "deployment"}])
def test_an_equal_spec_of_other_numbers_or_pools_takes_up_something(
    make: Callable[..., House], other: dict[str, str]
) -> None:
    """The store makes another experiment of it."""
    house = make(max_active_of_owner=1)
    before = house.store.of_version(other["numerics"]) if "numerics" in other else house.store
    settings = house.settings.model_copy(update={"share_runs": other.get("share", "owner")})
    headers = {"Authorization": f"Bearer {house.keys['ada']}"}
    with TestClient(create_app(settings, before, MemoryDoorbell())) as client:
        assert client.post(E, json=spec(), headers=headers).status_code == 202
    assert_problem(house.submit("ada"), 429)


def test_runs_of_an_owner_are_limited(make: Callable[..., House]) -> None:
    """Those of all experiments, until some are deleted."""
    house = make(max_runs_of_owner=4)
    first, _ = (house.submit("ada", name=name) for name in "ab")
    assert assert_problem(house.submit("ada", name="c"), 403)["type"].endswith(":over-quota")
    place = f"{E}/{first.json()['id']}"
    house.ask("ada", "POST", f"{place}/cancel")
    assert house.submit("ada", name="c").status_code == 403
    assert house.ask("ada", "DELETE", place).status_code == 204
    assert house.submit("ada", name="c").status_code == 202


def test_what_is_owned_is_whole_where_keys_are_no_longer_required(make: Callable[..., House]) -> None:
    """And open to all, as everything is."""
    house = make()
    dataset = house.ask("ada", "POST", D, json=DATASET).json()["id"]
    identifier = house.submit("ada", data={"kind": "dataset", "id": dataset}).json()["id"]
    house.work()
    with TestClient(create_app(Settings(), house.store, MemoryDoorbell())) as client:
        document = client.get(f"{E}/{identifier}/analysis").json()
        assert document["problems"][0]["analysis"] is not None
        assert client.get(f"{E}/{identifier}/analysis/0/data").status_code == 200
        assert client.get(f"{E}/{identifier[:8]}").json()["owner"] == "ada"
        assert_problem(client.get("/v1/keys"), 404)
        assert_problem(client.post("/v1/keys", json={"owner": "eve"}), 404)
