"""How answers are sent: validators, digests, compression."""

import base64
import gzip
import hashlib
from collections.abc import MutableMapping
from typing import Any

import anyio
import pytest

from api.http.negotiation import accepts_gzip
from api.http.representations import LARGE, LEAST_COMPRESSED, RepresentationsMiddleware
from tests.api.service import EXPERIMENTS, Service, assert_problem, spec

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "br, gzip;q=0.5"}


def digest_of(content: bytes) -> str:
    """`Content-Digest` as RFC 9530 has it."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def raw(response: Any) -> bytes:
    """The bytes that were sent, before they were unpacked."""
    content: bytes = response.content
    return gzip.compress(content, 5, mtime=0) if "content-encoding" in response.headers else content


def test_what_has_not_changed_is_not_sent_again(api: Service) -> None:
    """On every kind of GET; the tag is another one as soon as a byte is."""
    place = f"{EXPERIMENTS}/{api.submit()}"
    for path in ("/healthz", "/openapi.json", "/v1/presets", EXPERIMENTS, place, f"{place}/spec", f"{place}/runs"):
        first = api.get(path)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = api.client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), path
            assert again.headers["etag"] == tag
            assert "content-type" not in again.headers
            assert "x-request-id" in again.headers
        assert api.client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    before = api.get(place).headers["etag"]
    api.client.post(f"{place}/cancel")
    assert api.get(place).headers["etag"] != before


def test_what_may_change_is_asked_for_again_and_what_may_not_is_kept(api: Service) -> None:
    """A spec stays what it is."""
    place = f"{EXPERIMENTS}/{api.submit()}"
    assert api.get(place).headers["cache-control"] == "no-cache"
    assert "immutable" in api.get(f"{place}/spec").headers["cache-control"]


def test_every_whole_answer_has_the_digest_of_what_is_sent(api: Service) -> None:
    """Answers to POST and problems as well; compressed ones of what is sent, not of what it stands for."""
    answers = [api.post(spec()), api.get("/v1/nothing"), api.client.get("/openapi.json", headers=PLAIN)]
    answers.append(api.client.get("/openapi.json", headers=GZIP))
    assert ["content-encoding" in each.headers for each in answers] == [False, False, False, True]
    for each in answers:
        assert each.headers["content-digest"] == digest_of(raw(each))
        assert each.headers["content-length"] == str(len(raw(each)))


def test_a_compressed_answer_has_a_tag_of_its_own(api: Service) -> None:
    """Strong tags are of bytes; each is good for its own kind."""
    plain, packed = (api.client.get("/openapi.json", headers=each) for each in (PLAIN, GZIP))
    assert plain.content == packed.content
    assert plain.headers["etag"] != packed.headers["etag"]
    for each, wish in ((plain, PLAIN), (packed, GZIP)):
        assert each.headers["vary"] == "Accept-Encoding"
        known = api.client.get("/openapi.json", headers=wish | {"If-None-Match": each.headers["etag"]})
        assert (known.status_code, known.headers["vary"]) == (304, "Accept-Encoding")
    other = api.client.get("/openapi.json", headers=PLAIN | {"If-None-Match": packed.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br, GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.01", True),
        ("identity", False),
        ("*", True),
        ("*, gzip;q=0", False),
        ("x-gzipped", False),
        ("", False),
    ],
)
def test_who_takes_gzip(header: str, taken: bool) -> None:  # noqa: FBT001 - a column of the table
    """As RFC 9110 weighs it."""
    assert accepts_gzip(header) == taken


def answered(pieces: list[bytes], content_type: str, wish: str = "gzip") -> tuple[dict[str, str], list[bytes]]:
    """Headers and pieces of an answer whose route sends these."""
    sent: list[MutableMapping[str, Any]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type.encode())]}
        )
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": piece is not pieces[-1]})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "headers": [(b"accept-encoding", wish.encode())]}
    anyio.run(RepresentationsMiddleware(app), scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, [each["body"] for each in sent[1:]]


def test_an_answer_in_pieces_is_sent_in_pieces() -> None:
    """Compressed on the way; nothing of it is held back until its end but what compression holds."""
    pieces = [bytes([65 + number]) * 200_000 for number in range(3)]
    headers, sent = answered(pieces, "application/x-ndjson")
    assert headers["content-encoding"] == "gzip"
    assert len(sent) == 3
    assert gzip.decompress(b"".join(sent)) == b"".join(pieces)
    assert answered(pieces, "application/x-ndjson", "identity")[1] == pieces


def test_what_is_small_or_packed_already_is_sent_as_it_is() -> None:
    """And so are events, which somebody waits for."""
    for pieces, kind in (
        ([b"x" * (LEAST_COMPRESSED - 1)], "application/json"),
        ([b"x" * LARGE], "image/png"),
        ([b"x" * LARGE], "application/x-npz"),
        ([b"data: 1\n\n", b"data: 2\n\n"], "text/event-stream; charset=utf-8"),
    ):
        headers, sent = answered(pieces, kind)
        assert "content-encoding" not in headers
        assert sent == pieces
    headers, sent = answered([b"x" * LARGE], "application/json")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(sent[0]) == b"x" * LARGE


def test_who_comes_too_early_is_told_when_to_come_again(api: Service) -> None:
    """202, and every 409 that time may mend."""
    submitted = api.post(spec())
    place = f"{EXPERIMENTS}/{submitted.json()['id']}"
    early = [api.get(f"{place}/{part}") for part in ("runs/0/arrays", "figures/risk.png")]
    answers = [submitted, api.client.delete(place), *early]
    assert [each.status_code for each in answers] == [202, 409, 409, 409]
    assert all(int(each.headers["retry-after"]) > 0 for each in answers)
    assert "retry-after" not in api.client.post(f"{place}/retry").headers
    unready = api.get("/readyz")
    assert_problem(unready, 503)
    assert int(unready.headers["retry-after"]) > 0


def test_an_experiment_links_to_every_door(api: Service) -> None:
    """Those of runs and problems are templates of addresses of the OpenAPI document."""
    document = api.get(f"{EXPERIMENTS}/{api.submit()}").json()
    paths = api.get("/openapi.json").json()["paths"]
    templates = {link.replace(document["id"], "{experiment_id}") for link in document["links"].values()}
    assert templates <= paths.keys()
    doors = {path for path in paths if path.startswith(f"{EXPERIMENTS}/{{experiment_id}}/") and "." not in path}
    assert doors <= templates | {f"{EXPERIMENTS}/{{experiment_id}}/figures/{{file}}"}


def test_a_number_in_a_path_is_an_integer_for_generated_clients(api: Service) -> None:
    """One spelling of it, all the same."""
    paths = api.get("/openapi.json").json()["paths"]
    schemas = [
        each["schema"]
        for path, operations in paths.items()
        if "{index}" in path or "{problem}" in path
        for each in operations["get"]["parameters"]
        if each["name"] in {"index", "problem"}
    ]
    assert len(schemas) >= 9
    assert all((each["type"], each["minimum"]) == ("integer", 0) for each in schemas)
    assert_problem(api.get(f"{EXPERIMENTS}/{api.submit()}/runs/01"), 404)
