"""How the client gets through to a service that is busy, restarting, or something else."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest

from stepbias import Client, ProblemError, ServiceUnreachable, UnusableEnvironment
from tests.stepbias.client.stub import ADDRESS, Answer, ScriptedService, ok, problem, refused


def test_a_busy_service_is_asked_again_when_it_wishes() -> None:
    """A 503 with Retry-After is waited out, and its wish is the pause."""
    service = ScriptedService([problem(503, "Busy", {"Retry-After": "7"}), ok({"version": "1"})])
    assert service.client().version() == {"version": "1"}
    assert service.clock.slept == [7.0]


def test_a_wish_given_as_a_date_counts_from_the_date_of_the_answer() -> None:
    """The clock of this machine plays no part."""
    dates = {"Date": "Tue, 01 Jan 2030 00:00:00 GMT", "Retry-After": "Tue, 01 Jan 2030 00:00:03 GMT"}
    service = ScriptedService([problem(503, "Busy", dates), ok({})])
    service.client().version()
    assert service.clock.slept == [3.0]


@pytest.mark.parametrize("wish", ["soon", "-1", "Tue, 01 Jan 2030 00:00:03 GMT"])
def test_an_unreadable_wish_is_no_wish(wish: str) -> None:
    """The client's own pauses take its place."""
    service = ScriptedService([problem(503, "Busy", {"Retry-After": wish}), ok({})])
    service.client().version()
    assert service.clock.slept == [0.2]


def test_a_service_that_is_not_there_yet_is_waited_for_with_growing_pauses() -> None:
    """Refused connections, broken answers and gateways without a service are all the same: later."""
    gone: list[Answer] = [
        refused(),
        httpx2.RemoteProtocolError("cut off"),
        httpx2.ReadTimeout("slow"),
        httpx2.Response(502),
    ]
    service = ScriptedService([*gone, ok({})])
    service.client().version()
    assert service.clock.slept == [0.2, 0.4, 0.8, 1.6]


def test_patience_ends() -> None:
    """A service that stays away is reported, with its address and the reason, within the patience."""
    service = ScriptedService([refused()])
    with pytest.raises(ServiceUnreachable, match=r"does not answer at http://stepbias\.test.*Connection refused"):
        service.client(patience=60.0).version()
    assert 50.0 < service.clock.now() <= 60.0


def test_a_service_that_stays_busy_is_reported_in_its_own_words() -> None:
    """When patience ends the last problem is the error."""
    service = ScriptedService([problem(503, "Store full", {"Retry-After": "20"}, detail="no room for writes")])
    with pytest.raises(ProblemError, match=r"Store full \(503\): no room for writes") as caught:
        service.client(patience=60.0).version()
    assert caught.value.is_temporary
    assert service.clock.slept == [20.0, 20.0, 20.0]


def test_a_refusal_is_final_and_names_the_fields() -> None:
    """A 422 is not sent again, and its message has a line for each field at fault."""
    errors = [
        {"pointer": "/data/mean", "detail": "not a number"},
        {"pointer": "", "detail": "too many runs"},
        {"parameter": "fresh", "detail": "no such thing"},
    ]
    service = ScriptedService([problem(422, "Invalid spec", detail="2 fields", errors=errors)])
    with pytest.raises(ProblemError) as caught:
        service.client().submit({})
    assert str(caught.value) == (
        "Invalid spec (422): 2 fields\n"
        "  /data/mean: not a number\n  (the document): too many runs\n  fresh: no such thing"
    )
    assert (caught.value.status, caught.value.title, caught.value.detail) == (422, "Invalid spec", "2 fields")
    assert caught.value.errors[0].pointer == "/data/mean"
    assert len(service.requests) == 1


def test_an_error_that_is_no_problem_document_still_has_a_message() -> None:
    """The page of a proxy is not shown; the status is."""
    service = ScriptedService([httpx2.Response(404, text="<html>nothing here</html>")])
    with pytest.raises(ProblemError, match=r"^Not Found \(404\)$"):
        service.client().version()


def test_something_else_at_the_address_is_recognised() -> None:
    """A web page instead of JSON, or JSON of another shape, is not the service."""
    for answer in (httpx2.Response(200, text="<html>"), ok({"hello": "world"}), ok([])):
        with pytest.raises(ServiceUnreachable, match="is the address right"):
            ScriptedService([answer]).client().experiment("e1")
    with pytest.raises(ServiceUnreachable, match="is the address right"):
        list(ScriptedService([ok([])]).client().experiments())


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://there", "http://", "http://here:port", ""])
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    """Nothing is sent, and nothing is waited for."""
    with pytest.raises(ServiceUnreachable, match="is no address"):
        Client(address)


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback of a proxy is another machine's."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    for address, proxied in (("http://127.0.0.1:8000", False), ("http://localhost", False), ("http://far.test", True)):
        with Client(address) as client:
            assert client._connection._http.trust_env is proxied


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "socks5h://127.0.0.1:9"), ("HTTPS_PROXY", "ftp://x"), ("SSL_CERT_FILE", "/gone.pem")],
)
def test_an_environment_that_cannot_be_used_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it says."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(UnusableEnvironment, match=f"{variable}={value}"):
        Client("https://lab.invalid")


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        (["bad thing"], "bad thing"),
        ({"a": "b"}, '{"a": "b"}'),
        ("no", "no"),
        ([{"message": "no"}], '{"message": "no"}'),
        ([3, None], "3"),
    ],
)
def test_errors_in_a_form_of_somebody_else_are_told(errors: Any, told: str) -> None:
    """A gateway before the service has its own."""
    scripted = ScriptedService([problem(422, "no", errors=errors)])
    with scripted.client() as client, pytest.raises(ProblemError, match="no") as refused:
        client.version()
    assert refused.value.errors[0].detail == told


def test_what_cannot_be_decoded_is_not_the_service() -> None:
    """A gateway that says gzip and does not mean it."""
    garbled = httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx2.ByteStream(b"not gzip"))
    with ScriptedService([garbled]).client() as client, pytest.raises(ServiceUnreachable, match="cannot be read"):
        client.version()


def test_a_redirect_is_followed_where_one_reads_and_named_where_not() -> None:
    """What is sent goes to nobody but whom it was given to."""
    moved = httpx2.Response(308, headers={"Location": f"{ADDRESS}/elsewhere"})
    with ScriptedService([moved, ok({"version": "1"})]).client() as client:
        assert client.version() == {"version": "1"}
    with ScriptedService([moved]).client() as client, pytest.raises(ServiceUnreachable, match=f"{ADDRESS}/elsewhere"):
        client.submit({})


def test_a_redirect_without_an_end_ends() -> None:
    """In a sentence."""
    moved = httpx2.Response(308, headers={"Location": f"{ADDRESS}/v1/version"})
    with ScriptedService([moved]).client() as client, pytest.raises(ServiceUnreachable, match="redirects"):
        client.version()


class _Peers(BaseHTTPRequestHandler):
    """Answers who asks with the port from which it does, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        body = b'{"version": %d}' % self.client_address[1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def test_a_forked_process_reads_no_answers_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the sockets that were open, and so have its siblings: who reads first gets what comes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Peers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with Client(f"http://127.0.0.1:{server.server_port}") as client:
            ours = client.version()
            assert client.version() == ours
            inherited = client._connection._http
            monkeypatch.setattr(os, "getpid", lambda: -1)
            theirs = client.version()
            assert theirs != ours
            assert client.version() == theirs
            inherited.close()
        server.shutdown()
