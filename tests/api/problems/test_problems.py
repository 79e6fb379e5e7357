"""Errors of every kind are problem documents."""

import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import anyio
import pytest
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.problems.documents import TABLE
from jobs.errors import StoreFull, StoreUnavailable
from jobs.log_context import logged_ids
from jobs.records import Experiment
from jobs.seal import BrokenSeal
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, Service, assert_problem, service, spec
from tests.reference.memory_store import MemoryStore


class _BrokenStore(MemoryStore):
    """Fails as it is told to."""

    error: Exception = StoreUnavailable("redis://:password@store")

    @override
    def experiment(self, experiment_id: str) -> Experiment:
        raise self.error

    @override
    def spec(self, experiment_id: str) -> bytes:
        raise self.error


@pytest.fixture
def broken() -> Iterator[Service]:
    """A service whose store fails."""
    one = service(store=_BrokenStore(Settings()))
    with one.client:
        yield one


def test_an_unknown_path_is_a_problem(api: Service) -> None:
    """Also one with a slash too many."""
    assert_problem(api.get("/v1/nothing"), 404)
    assert_problem(api.get(f"{EXPERIMENTS}/"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", EXPERIMENTS, "GET, HEAD, POST"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("GET", f"{EXPERIMENTS}/any/cancel", "POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("OPTIONS", EXPERIMENTS, "GET, HEAD, POST"),
        ("PATCH", f"{EXPERIMENTS}/estimate", "POST"),
        ("PUT", f"{EXPERIMENTS}/estimate", "POST"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(
    api: Service, method: str, path: str, allowed: str
) -> None:
    """`Allow` names all methods of the path, not those of one route."""
    response = api.client.request(method, path)
    assert_problem(response, 405)
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/jsonl"}])
def test_a_body_that_is_not_declared_as_json_is_refused(api: Service, headers: dict[str, str]) -> None:
    """And the answer says what is wanted."""
    response = api.client.post(EXPERIMENTS, content=b"{}", headers=headers)
    assert_problem(response, 415)
    assert response.headers["accept"] == "application/json"


def test_a_compressed_body_is_refused(api: Service) -> None:
    """Nothing is unpacked, so a small body is never a large one."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert_problem(api.client.post(EXPERIMENTS, content=b"{}", headers=headers), 415)


def test_a_media_type_with_parameters_is_json_all_the_same(api: Service) -> None:
    """As browsers send it."""
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert_problem(api.client.post(EXPERIMENTS, content=b"{}", headers=headers), 422)


@pytest.mark.parametrize("part", ["", "/spec", "/runs", "/runs/0", "/results", "/curves", "/analysis", "/figures"])
def test_an_experiment_that_is_not_there_is_a_problem(api: Service, part: str) -> None:
    """Whatever is asked of it."""
    assert_problem(api.get(f"{EXPERIMENTS}/none{part}"), 404)


@pytest.mark.parametrize("identifier", ["a:b", "a%2Fb", "%00", "x" * 65, "é"])
@pytest.mark.parametrize("part", ["", "/spec", "/analysis"])
def test_what_cannot_be_an_id_is_not_found_without_asking_the_store(
    broken: Service, identifier: str, part: str
) -> None:
    """Stores build their keys from ids."""
    assert_problem(broken.get(f"{EXPERIMENTS}/{identifier}{part}"), 404)


def test_cancelling_or_retrying_what_is_not_there_is_a_problem(api: Service) -> None:
    """404 for both."""
    assert_problem(api.client.post(f"{EXPERIMENTS}/none/cancel"), 404)
    assert_problem(api.client.post(f"{EXPERIMENTS}/none/retry"), 404)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("status=asleep", "status"),
        ("cursor=%00", "cursor"),
        ("limitt=3", "limitt"),
    ],
)
def test_a_wrong_query_parameter_is_named(api: Service, query: str, parameter: str) -> None:
    """A parameter that does not exist is refused as well, not ignored."""
    document = assert_problem(api.get(f"{EXPERIMENTS}?{query}"), 422)
    assert [error["parameter"] for error in document["errors"]] == [parameter]
    assert "asleep" not in str(document["errors"])


def test_a_store_that_does_not_answer_is_said_to_be_unavailable(broken: Service) -> None:
    """503 with a time to come back, and nothing of the store's address."""
    response = broken.get(f"{EXPERIMENTS}/some")
    assert_problem(response, 503)
    assert int(response.headers["retry-after"]) > 0
    assert "password" not in response.text


def test_a_full_store_says_so(broken: Service) -> None:
    """503 with a longer time to come back: somebody has to make room."""
    broken.store.error = StoreFull("OOM")  # type: ignore[attr-defined]  # of the broken store
    response = broken.get(f"{EXPERIMENTS}/some")
    assert assert_problem(response, 503)["type"] == "urn:stepbias:problem:store-full"
    assert int(response.headers["retry-after"]) >= 30


def test_a_damaged_record_says_so(broken: Service) -> None:
    """500, with what is damaged and without what it should have been."""
    broken.store.error = BrokenSeal("spec of some")  # type: ignore[attr-defined]  # of the broken store
    document = assert_problem(broken.get(f"{EXPERIMENTS}/some"), 500)
    assert document["type"] == "urn:stepbias:problem:damaged-record"
    assert "spec of some" in document["detail"]


def test_an_unforeseen_error_is_logged_and_not_told(broken: Service, caplog: pytest.LogCaptureFixture) -> None:
    """The answer carries the id under which the log has the rest."""
    broken.store.error = RuntimeError("secret of the house")  # type: ignore[attr-defined]  # of the broken store
    with caplog.at_level(logging.ERROR):
        response = broken.client.get(f"{EXPERIMENTS}/some", headers={"X-Request-ID": "abc-123"})
    assert_problem(response, 500)
    assert "secret" not in response.text
    assert "abc-123" in caplog.text
    assert "secret of the house" in caplog.text


def test_what_is_logged_meanwhile_is_about_the_request(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what a thread logs for it; nothing is, once it is answered."""
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(api.store, "room", lambda **_: seen.append(logged_ids()))
    api.client.post(EXPERIMENTS, json=spec(), headers={"X-Request-ID": "abc-123"})
    assert seen == [{"request_id": "abc-123"}]
    assert logged_ids() == {}


def test_every_answer_has_a_request_id(api: Service) -> None:
    """The sender's own if it is sane, otherwise a new one."""
    given = api.client.get("/healthz", headers={"X-Request-ID": "trace.7:b-2_c"})
    assert given.headers["x-request-id"] == "trace.7:b-2_c"
    for insane in ("a b", "x" * 101, "<script>"):
        made = api.client.get("/v1/nothing", headers={"X-Request-ID": insane}).headers["x-request-id"]
        assert made != insane
        assert len(made) == 32
    assert api.get("/healthz").headers["x-request-id"] != api.get("/healthz").headers["x-request-id"]


def test_head_is_get_without_the_body(api: Service) -> None:
    """On every path that answers to GET, also where that is an error."""
    api.post(spec())
    for path in ("/healthz", EXPERIMENTS, "/v1/nothing"):
        head, get = api.client.head(path), api.get(path)
        assert head.status_code == get.status_code
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers["content-length"] == get.headers["content-length"]


def test_no_byte_of_a_body_is_sent_in_answer_to_head(api: Service) -> None:
    """Asked of the application itself, since clients and servers drop such a body silently."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "HEAD", "path": "/healthz", "query_string": b"", "headers": []}
    anyio.run(api.client.app, scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b""


def test_every_type_is_explained_where_its_link_leads(api: Service) -> None:
    """Those of the table, and those that are refused without an error of ours."""
    listed = api.get("/v1/errors").json()["errors"]
    types = {each["type"] for each in listed}
    assert {f"urn:stepbias:problem:{kind.slug}" for kind in TABLE.values()} <= types
    for each in listed:
        assert api.get(each["link"]).json() == each
        assert all(meaning.endswith(".") for meaning in each["meanings"])
    for response in (
        api.get("/v1/nothing"),
        api.client.delete("/healthz"),
        api.get("/readyz"),
        api.get(f"{EXPERIMENTS}?limit=0"),
        api.client.post(EXPERIMENTS, content=b"{}", headers={"Content-Type": "text/plain"}),
    ):
        document = response.json()
        explained = api.get(response.links["help"]["url"]).json()
        assert (explained["type"], explained["status"]) == (document["type"], document["status"])
        assert ("retry-after" in response.headers) <= explained["may_pass"]
    assert_problem(api.get("/v1/errors/none"), 404)
