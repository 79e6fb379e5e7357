"""What is refused before any route sees it, on every route alike."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from api.http import senders
from api.http.senders import is_own_host
from api.http.slow_bodies import SlowBodiesMiddleware
from api.problems.request_errors import BodyTooSlow
from tests.api.service import EXPERIMENTS, Service, assert_problem, service, spec

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def operations(api: Service) -> list[tuple[str, str, dict[str, dict[str, Any]]]]:
    """Method, path with something in place of each parameter, and the declared query of every operation."""
    paths = api.get("/openapi.json").json()["paths"]
    return [
        (
            method.upper(),
            _filled(path),
            {each["name"]: each.get("schema", {}) for each in operation.get("parameters", ()) if each["in"] == "query"},
        )
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]


def is_list(schema: dict[str, Any]) -> bool:
    """Whether a parameter may be given again."""
    return "array" in {schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ()))}


def test_a_parameter_that_a_route_does_not_have_is_refused_on_every_route(api: Service) -> None:
    """Also where the experiment does not exist, and where the body would be wrong."""
    all_operations = operations(api)
    assert len(all_operations) > 25
    for method, path, _ in all_operations:
        document = assert_problem(api.client.request(method, f"{path}?no_such=1"), 422)
        assert document["errors"] == [{"parameter": "no_such", "detail": "there is no such parameter here"}], path


def test_it_is_refused_by_every_route_that_there_is_documented_or_not(api: Service) -> None:
    """The document itself, the page, health and metrics among them; HEAD as well as GET."""
    parts = api.client.app.routes  # type: ignore[attr-defined]  # the application is one
    routes = [
        route
        for part in parts
        for route in (part.original_router.routes if "original_router" in vars(part) else [part])
    ]
    asked = {(method, _filled(route.path)) for route in routes for method in route.methods}
    assert {
        ("GET", path) for path in ("/openapi.json", "/docs", "/docs/api", "/healthz", "/metrics", "/v1/presets")
    } <= asked
    assert {
        (method, path): status
        for method, path in asked
        if (status := api.client.request(method, f"{path}?no_such=1").status_code) != 422
    } == {}


def _filled(path: str) -> str:
    return "/".join("0" if part.startswith("{") else part for part in path.split("/"))


def test_a_parameter_with_one_value_is_refused_twice_on_every_route(api: Service) -> None:
    """Neither the first nor the last is what was meant."""
    seen = {True: 0, False: 0}
    for method, path, query in operations(api):
        for name, schema in query.items():
            response = api.client.request(method, f"{path}?{name}=1&{name}=1")
            said = {"parameter": name, "detail": "give it once"}
            assert (said in response.json().get("errors", [])) == (not is_list(schema)), (path, name)
            seen[is_list(schema)] += 1
    assert seen[True] >= 3
    assert seen[False] >= 10


def test_axes_of_curves_are_fixed_by_parameters_of_their_names(api: Service) -> None:
    """The one query whose names the route itself judges; a repeated one is refused there as well."""
    place = f"{EXPERIMENTS}/{api.submit(initialization={'kind': 'uniform', 'scale': {'values': [0.1, 0.2]}})}/curves"
    assert api.get(f"{place}?where.step_size=0.001").status_code == 200
    assert_problem(api.get(f"{place}?where.step_size=0.001&where.step_size=0.002"), 422)
    assert_problem(api.get(f"{place}?step_size=0.001"), 422)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("192.168.1.7", True),
        ("localhost", True),
        ("LOCALHOST:80", True),
        ("api:8000", True),
        ("a.localhost", True),
        ("", True),
        ("lab.example", True),
        ("LAB.example.:443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8000", False),
        ("lab.example.evil.example", False),
        ("localhost.evil.example", False),
        ("[bad", False),
    ],
)
def test_a_foreign_name_is_none_of_the_service(host: str, own: bool) -> None:  # noqa: FBT001 - a column of the table
    """A stranger can let a name with a dot lead here, and nothing else."""
    assert is_own_host(host, {"lab.example"}) == own


def test_every_name_is_the_services_own_where_that_is_set() -> None:
    """For those who know that a proxy looks at names."""
    assert is_own_host("evil.example", {"*"})


def test_a_name_is_remembered_unless_it_is_long() -> None:
    """Strangers choose what they send, up to what the server takes for a header."""
    sizes = []
    for length in (255, 256, 60_000):
        senders._known.cache_clear()
        assert not is_own_host(f"{'a' * (length - 5)}.evil", {"lab.example"})
        sizes.append(senders._known.cache_info().currsize)
    assert sizes == [1, 0, 0]


def test_a_request_for_a_foreign_name_is_misdirected(api: Service) -> None:
    """Reading as well: after DNS rebinding a page may read what it asks for."""
    for path in ("/healthz", EXPERIMENTS, "/v1/nothing"):
        document = assert_problem(api.client.get(path, headers={"Host": "evil.example"}), 421)
        assert "evil" not in str(document)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Origin": "http://testserver"}, 202),
        ({"Origin": "http://testserver:80"}, 202),
        ({"Origin": "http://testserver:3000"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[bad"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
        ({"Sec-Fetch-Site": "none"}, 202),
        ({"Origin": "https://notebook.example", "Sec-Fetch-Site": "cross-site"}, 202),
    ],
)
def test_a_foreign_page_changes_nothing(headers: dict[str, str], status: int) -> None:
    """A browser says where a page is from; the page of an origin that is listed may ask."""
    one = service(cors_origins="https://notebook.example")
    with one.client:
        response = one.client.post(EXPERIMENTS, json=spec(), headers=headers)
        assert response.status_code == status
        assert len(one.get(EXPERIMENTS).json()["experiments"]) == (status == 202)
        deletion = one.client.delete(f"{EXPERIMENTS}/none", headers=headers)
        assert deletion.status_code == (404 if status == 202 else 403)


def test_pages_of_other_origins_may_read_where_that_is_set(api: Service) -> None:
    """And nothing is said of it where it is not."""
    wish = {"Origin": "https://notebook.example"}
    preflight = wish | {"Access-Control-Request-Method": "DELETE"}
    assert "access-control-allow-origin" not in api.client.get("/healthz", headers=wish).headers
    assert_problem(api.client.options(EXPERIMENTS, headers=preflight), 405)
    one = service(cors_origins="https://notebook.example")
    with one.client:
        answer = one.client.get("/healthz", headers=wish)
        assert answer.headers["access-control-allow-origin"] == "https://notebook.example"
        assert one.client.options(EXPERIMENTS, headers=preflight).status_code == 200
        stranger = one.client.get("/healthz", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


def test_json_that_is_declared_as_text_is_refused(api: Service) -> None:
    """What a page may send anywhere without asking first."""
    assert_problem(api.client.post(EXPERIMENTS, content=b"{}", headers={"Content-Type": "text/plain"}), 415)


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    """What comes in time is read to its end, whoever reads."""

    async def read(pieces: Iterator[MutableMapping[str, Any]]) -> bytes:
        async def receive() -> MutableMapping[str, Any]:
            piece = next(pieces, None)
            if piece is None:
                await anyio.sleep_forever()
            assert piece is not None
            return piece

        found = b""

        async def app(scope: Any, receive: Any, _send: Any) -> None:
            nonlocal found
            found = await Request(scope, receive).body()

        async def send(_message: MutableMapping[str, Any]) -> None: ...

        await SlowBodiesMiddleware(app, grace=0.05)({"type": "http", "method": "POST"}, receive, send)
        return found

    first = {"type": "http.request", "body": b"one ", "more_body": True}
    assert anyio.run(read, iter([first, {"type": "http.request", "body": b"two"}])) == b"one two"
    with pytest.raises(BodyTooSlow):
        anyio.run(read, iter([first]))


def test_a_slow_body_is_a_problem(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """408, and the connection is not used again."""

    async def never(*_: object, **__: object) -> bytes:
        raise BodyTooSlow("The body came too slowly.", headers={"Connection": "close"})

    monkeypatch.setattr("api.requests.body.limited_body", never)
    response = api.post(spec())
    assert_problem(response, 408)
    assert response.headers["connection"] == "close"
