"""Requests that are meant to do harm, each with the status that it is to have."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType
from typing import Any, Final

MARK: Final = "h0sT1Le"
"""What stands in requests, and in no answer."""

EXPERIMENTS: Final = "/v1/experiments"

_JSON: Final = "application/json"
SMALL_SPEC: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hostile:
    """A request; `{id}` in its path stands for an experiment that is there."""

    method: str
    path: str
    status: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For whoever looks at a table of them."""
        return f"{self.status} {self.method} {self.path[:50]} {bytes(self.body or b'')[:30]!r} {dict(self.headers)}"[
            :140
        ]


def _bodies() -> Iterator[tuple[bytes, int]]:
    """What is no document that anybody should read, whatever is wanted."""
    mark = MARK.encode()
    malformed = [
        b"",
        b" \n",
        b"\x00",
        b"{",
        b"{" + mark,
        b'{"name": ' + mark + b"}",
        b'{"name": "' + mark,
        b"[" * 100_000,
        b'{"a":' * 15_000,
        b'{"name": "\xff' + mark + b'"}',
        b"\xff\xfe{\x00}\x00",
        b'{"name": "' + mark + b'"} {}',
        b"{'name': '" + mark + b"'}",
        b'{"name": "' + mark + b'",}',
        b'{"name": 1' + b"0" * 5000 + b"}",
        b"<" + mark + b"/>",
        b'{"name": "' + mark + b'\n"}',
        b"name=" + mark,
    ]
    yield from ((body, 400) for body in malformed)
    wrong: list[Any] = [None, True, 1, MARK, [], [MARK], {MARK[:3]: MARK}]
    yield from ((json.dumps(body).encode(), 422) for body in wrong)
    yield from (
        (body, 422)
        for body in (
            b'{"name": NaN}',
            b'{"name": 1e999}',
            b'{"name": "\\ud800' + mark + b'"}',
            b'{"\\ud800": "' + mark + b'"}',
            b'{"name": "' + mark + b'", "name": "' + mark + b'"}',
            b'{"name": ' + b"[" * 70 + b"]" * 70 + b"}",
            b'{"name": 123456789012345678901234567890}',
        )
    )


def _of_bodies() -> Iterator[Hostile]:
    doors = (
        ("POST", EXPERIMENTS),
        ("POST", f"{EXPERIMENTS}/estimate"),
        ("PATCH", f"{EXPERIMENTS}/{{id}}"),
        ("POST", "/v1/datasets"),
    )
    for (method, path), (body, status) in product(doors, _bodies()):
        yield Hostile(method=method, path=path, status=status, body=body, headers={"Content-Type": _JSON})


_PLACES: Final = (
    ("data", "samples"),
    ("data", "dimension"),
    ("data", "mean"),
    ("data", "seed"),
    ("initialization", "scale"),
    ("optimizer", "step_size"),
    ("optimizer", "warmup_steps"),
    ("stopping", "max_steps"),
    ("recording", "points"),
)
_NUMBERS: Final = (
    "1",
    MARK,
    True,
    None,
    [],
    {},
    {"values": []},
    {"values": [MARK]},
    {"start": 1, "stop": 2},
    1e101,
    2**60,
)


def _of_specs() -> Iterator[Hostile]:
    for (part, name), value in product(_PLACES, _NUMBERS):
        spec = dict(SMALL_SPEC) | {part: dict(SMALL_SPEC.get(part, {})) | {name: value}}
        yield _submission(spec)
    texts = [f"{MARK}\n", f"{MARK}\x00", f"\u202e{MARK}", f"{MARK}\u2028", MARK * 100, 7, [MARK]]
    yield from (_submission(dict(SMALL_SPEC) | {"name": text}) for text in texts)
    yield from (_submission(dict(SMALL_SPEC) | {"tags": [text]}) for text in texts)
    for kind in (MARK, "", None, 0, "../etc/passwd"):
        for part in ("data", "model", "initialization", "optimizer"):
            yield _submission(dict(SMALL_SPEC) | {part: {"kind": kind}})
    for identifier in (MARK, "../" * 10, "0" * 64, "a" * 100, "*", "\x00"):
        yield _submission(dict(SMALL_SPEC) | {"data": {"kind": "dataset", "id": identifier}})
    huge = {"start": 1, "stop": 100_000, "num": 100_000}
    grid = {"kind": "sparse_regression", "samples": huge, "dimension": huge, "seed": huge}
    yield _submission(dict(SMALL_SPEC) | {"data": grid})
    fine = {"start": 0.1, "stop": 1.7, "num": 100_000}
    fine_grid = {"kind": "sparse_regression", "mean": fine, "variance": fine, "noise_variance": fine}
    yield _submission(dict(SMALL_SPEC) | {"data": fine_grid})
    yield _submission(dict(SMALL_SPEC) | {"data": {"kind": "sparse_regression", "samples": 10**9, "dimension": 10**9}})


def _submission(spec: Mapping[str, Any]) -> Hostile:
    body = json.dumps(spec).encode()
    return Hostile(method="POST", path=EXPERIMENTS, status=422, body=body, headers={"Content-Type": _JSON})


_COUNTED: Final = (
    (EXPERIMENTS, "limit"),
    (f"{EXPERIMENTS}/{{id}}", "wait"),
    (f"{EXPERIMENTS}/{{id}}/runs", "limit"),
    (f"{EXPERIMENTS}/{{id}}/runs", "cursor"),
    (f"{EXPERIMENTS}/{{id}}/jobs", "cursor"),
    (f"{EXPERIMENTS}/{{id}}/results.csv", "after"),
    (f"{EXPERIMENTS}/{{id}}/runs/0/trajectory", "points"),
    ("/v1/datasets", "limit"),
    ("/v1/presets/figure-1", "seeds"),
)
_SPELLINGS: Final = (
    "",
    "%2B1",
    "-1",
    "1_0",
    "%201",
    "1%20",
    "1e3",
    "0x1",
    "1.0",
    "%D9%A3",
    "%00",
    "9" * 400,
    "NaN",
    MARK,
)
_CHOSEN: Final = (
    (EXPERIMENTS, "status"),
    (EXPERIMENTS, "since"),
    (EXPERIMENTS, "until"),
    (EXPERIMENTS, "cursor"),
    (EXPERIMENTS, "preset"),
    (f"{EXPERIMENTS}/{{id}}/results", "format"),
    (f"{EXPERIMENTS}/{{id}}/curves", "x"),
    (f"{EXPERIMENTS}/{{id}}/curves", "y"),
    (f"{EXPERIMENTS}/{{id}}/curves", "include"),
    ("/v1/presets/figure-1", "size"),
)
_TEXTS: Final = ("", MARK, f"{MARK}%00", f"%22%3E{MARK}", f"..%2F{MARK}", f"{MARK}*")


def _of_queries() -> Iterator[Hostile]:
    for (path, name), text in product(_COUNTED, _SPELLINGS):
        yield Hostile(method="GET", path=f"{path}?{name}={text}", status=422)
    for (path, name), text in product(_CHOSEN, _TEXTS):
        yield Hostile(method="GET", path=f"{path}?{name}={text}", status=422)
    for path in (EXPERIMENTS, f"{EXPERIMENTS}/{{id}}", "/healthz", "/v1/errors", "/metrics", "/v1/version"):
        yield Hostile(method="GET", path=f"{path}?limit={MARK}&limit={MARK}&x={MARK}", status=422)


def _of_paths() -> Iterator[Hostile]:
    names = (MARK, f"{MARK}%00", f"..%2f..%2f{MARK}", "%2e%2e", "*", "a" * 5000, "{id}", "%F0%9F%92%A9", f"{MARK};x=1")
    for name in names:
        yield Hostile(method="GET", path=f"{EXPERIMENTS}/{name}x", status=404)
        yield Hostile(method="DELETE", path=f"{EXPERIMENTS}/{name}x", status=404)
        yield Hostile(method="GET", path=f"/v1/datasets/{name}x", status=404)
        yield Hostile(method="GET", path=f"/v1/presets/{name}x", status=404)
        yield Hostile(method="GET", path=f"/v1/errors/{name}x", status=404)
        yield Hostile(method="GET", path=f"/v1/{name}x", status=404)
    for name in ("-1", "01", "1e0", "%C2%B2", "9" * 400, MARK, "0%00", "0.0", "+0", "0%20"):
        yield Hostile(method="GET", path=f"{EXPERIMENTS}/{{id}}/runs/{name}", status=404)
        yield Hostile(method="GET", path=f"{EXPERIMENTS}/{{id}}/analysis/{name}/data", status=404)
    for name in (f"{MARK}.png", "risk.exe", "..%2frisk.png", "risk.png%00", ".png", "risk"):
        yield Hostile(method="GET", path=f"{EXPERIMENTS}/{{id}}/figures/{name}", status=404)
    for ending in (MARK, "exe", "csv%00", "JSON"):
        yield Hostile(method="GET", path=f"{EXPERIMENTS}/{{id}}/results.{ending}", status=404)


def _of_headers() -> Iterator[Hostile]:
    body = json.dumps(dict(SMALL_SPEC)).encode()
    for media_type in (
        "",
        MARK,
        "text/plain",
        "application/xml",
        f"multipart/form-data; boundary={MARK}",
        "a/" + "b" * 9000,
    ):
        yield Hostile(method="POST", path=EXPERIMENTS, status=415, body=body, headers={"Content-Type": media_type})
    for coding in ("gzip", "br", MARK, "identity, gzip"):
        packed = {"Content-Type": _JSON, "Content-Encoding": coding}
        yield Hostile(method="POST", path=EXPERIMENTS, status=415, body=body, headers=packed)
    for host in (f"{MARK}.example", "127.0.0.1.evil.example", "localhost.evil.example:80"):
        yield Hostile(method="GET", path=EXPERIMENTS, status=421, headers={"Host": host})
    for origin in ("null", f"http://{MARK}.example", "http://127.0.0.1.evil.example"):
        sent = {"Content-Type": _JSON, "Origin": origin}
        yield Hostile(method="POST", path=EXPERIMENTS, status=403, body=body, headers=sent)
    for key in (f"a {MARK}", "k" * 201, ""):
        sent = {"Content-Type": _JSON, "Idempotency-Key": key}
        yield Hostile(method="POST", path=EXPERIMENTS, status=422, body=body, headers=sent)
    for number in (MARK, "-1", "1.5", "9" * 400):
        yield Hostile(method="GET", path=f"{EXPERIMENTS}/{{id}}/events", status=422, headers={"Last-Event-ID": number})
    for accept in ("text/html", MARK, f"application/{MARK}", "application/json;q=0", "*/*;q=0", f"*/*;q={MARK}"):
        yield Hostile(method="GET", path=f"{EXPERIMENTS}/{{id}}/results", status=406, headers={"Accept": accept})


def _of_methods() -> Iterator[Hostile]:
    for path in (
        EXPERIMENTS,
        f"{EXPERIMENTS}/{{id}}",
        f"{EXPERIMENTS}/estimate",
        "/healthz",
        "/v1/errors",
        "/docs/api",
    ):
        for method in ("PUT", "TRACE", "OPTIONS", "PROPFIND"):
            yield Hostile(method=method, path=path, status=405)
    for method in ("GET", "PATCH", "DELETE"):
        yield Hostile(method=method, path=f"{EXPERIMENTS}/estimate", status=405)


def _of_files() -> Iterator[Hostile]:
    tables = [
        b"",
        b"\x00" * 100,
        MARK.encode(),
        f"y\n{MARK}\n".encode(),
        b"a,y\n1\n",
        b"a,y\n1,2,3\n",
        b"\xff\xfe",
        b"a,a,y\n1,2,3\n",
    ]
    for body in tables:
        yield Hostile(method="POST", path="/v1/datasets", status=422, body=body, headers={"Content-Type": "text/csv"})
    archives = [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\x00" * 18, b"\x93NUMPY", MARK.encode() * 100]
    for body, media_type in product(archives, ("application/zip", "application/x-npz", "application/octet-stream")):
        yield Hostile(method="POST", path="/v1/datasets", status=422, body=body, headers={"Content-Type": media_type})
    large = b'{"name": "' + b"x" * 1_100_000 + b'"}'
    for method, path in (
        ("POST", EXPERIMENTS),
        ("POST", f"{EXPERIMENTS}/estimate"),
        ("PATCH", f"{EXPERIMENTS}/{{id}}"),
    ):
        yield Hostile(method=method, path=path, status=413, body=large, headers={"Content-Type": _JSON})


ROWS: Final = (
    *_of_bodies(),
    *_of_specs(),
    *_of_queries(),
    *_of_paths(),
    *_of_headers(),
    *_of_methods(),
    *_of_files(),
)
