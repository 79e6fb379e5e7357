"""Secrets are changed by the page, while a sweep is under way, people ask, and ends are told."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.webhooks import signature
from stepbias import Client
from tests.conftest import free_port, running_valkey
from tests.operation.page import Block, Reader, read, typed
from tests.operation.sweep import QUICK, begin, computed_alone, rows

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

OLD_WEBHOOK: Final = "whsec_" + 32 * "A"

REDIS_CLI: Final = f"""#!{sys.executable}
import os, sys
import redis
with redis.Redis(port=int(os.environ["TEST_STORE_PORT"])) as client:
    print(client.execute_command(*sys.argv[1:]))
"""
"""Of what a machine without the clients of Redis has to do without, the part that the page uses."""


class _Receiver(BaseHTTPRequestHandler):
    """Keeps what it is told, and takes it."""

    told: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        """An end."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    @override
    def log_message(self, *_: object) -> None: ...


@contextmanager
def _receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    told: list[tuple[dict[str, str], bytes]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Receiver", (_Receiver,), {"told": told})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/end", told
        server.shutdown()


class _Asking:
    """Somebody who asks all the time, and waits for nobody: a request that is refused is kept."""

    def __init__(self, url: str, key: str) -> None:
        self.refused: list[str] = []
        self.answered = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(url, key))

    def __enter__(self) -> "_Asking":  # noqa: PYI034 - nobody inherits from it
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self, url: str, key: str) -> None:
        with Client(url, api_key=key, patience=0.0) as client:
            while not self._over.is_set():
                try:
                    client.estimate(_small(self.answered))
                    next(iter(client.experiments()), None)
                    self.answered += 1
                except Exception as error:  # noqa: BLE001 - whatever it is, it is told of
                    self.refused.append(repr(error))
                self._over.wait(0.05)


def _small(number: int) -> dict[str, Any]:
    return {
        "name": f"small {number}",
        "data": {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2},
        "initialization": {"kind": "uniform", "scale": 0.1 + 0.01 * number},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.01},
        "stopping": {"max_steps": 1000},
    }


def test_secrets_are_changed_with_nothing_stopped(tmp_path: Path) -> None:
    """No request is refused, no end told under a secret that nobody knows, no run lost or computed otherwise."""
    alone = computed_alone(tmp_path)
    port, home = free_port(), tmp_path / "home"
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "redis-cli").write_text(REDIS_CLI)
    (tools / "redis-cli").chmod(0o755)
    environment = {**QUICK, "STEPBIAS_WEBHOOK_HOSTS": "127.0.0.1", "TEST_STORE_PORT": str(port)}
    reader = Reader(home, environment=environment)
    reader.ports["6379"] = str(port)
    with (
        running_valkey(tmp_path, port) as url,
        redis.Redis.from_url(url) as operator,
        _receiver() as receiver,
        reader,
    ):
        reader.environment["PATH"] = f"{tools}:{reader.environment['PATH']}"
        operator.config_set("appendonly", "yes")
        operator.config_set("appendfsync", "always")
        operator.execute_command("ACL", "SETUSER", "stepbias", "on", ">OLDPASSWORD", "~stepbias:*", "&*", "+@all")
        page = typed("rotate-secrets.md")
        secrets, workers, api, passwords, keys, webhooks = (
            page[:1],
            page[1:3],
            page[3:4],
            page[4:8],
            page[8:10],
            page[10:12],
        )
        read(reader, secrets)
        (home / "secrets" / "stepbias_webhook_secret").write_text(f"{OLD_WEBHOOK}\n")
        read(reader, [*workers, *api])
        reader.type(Block(text="stepbias keys add ada > old.key", line=0))
        key = (home / "old.key").read_text().strip()
        _await_ready(reader)
        with Client(reader.url(), api_key=key, patience=30.0) as client, _Asking(reader.url(), key) as asking:
            identifier = begin(client)
            reader.environment["STEPBIAS_API_KEY"] = key
            read(reader, passwords)
            operator.execute_command("CLIENT", "KILL", "USER", "stepbias")
            assert len(operator.acl_getuser("stepbias")["passwords"]) == 1
            assert rows(client, identifier, tmp_path) == alone
            assert client.experiment(identifier).experiment.jobs_dead == 0

            read(reader, keys[:1])
            reader.type(Block(text="stepbias keys list --json > listed.json", line=0))
            listed = json.loads((home / "listed.json").read_text())
            new_key = (home / "new.key").read_text().strip()
            reader.words["OLDKEY"] = next(each["id"] for each in listed if each["last_four"] == key[-4:])
            with Client(reader.url(), api_key=new_key) as other:
                assert other.experiment(identifier).id == identifier

                _change_webhook_secret(reader, webhooks, client, receiver)
                asking.__exit__()
                read(reader, keys[1:])
                time.sleep(1.5)
                assert other.experiment(identifier).id == identifier
                with pytest.raises(Exception, match="key"):
                    client.experiment(identifier)
        assert asking.refused == []
        assert asking.answered > 10


def _change_webhook_secret(
    reader: Reader, blocks: list[Block], client: Client, receiver: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    """Before, between and after the two steps of the page an end is told under what is valid then."""
    address, told = receiver
    secrets = reader.home / "secrets" / "stepbias_webhook_secret"
    ends = [client.submit(_small(100), webhook=address).wait(timeout=60.0).id]
    _await_told(told, *ends)
    read(reader, blocks[:1])
    both = secrets.read_text().split()
    assert both[1:] == [OLD_WEBHOOK]
    ends.append(client.submit(_small(101), webhook=address).wait(timeout=60.0).id)
    _await_told(told, *ends)
    read(reader, blocks[1:])
    assert secrets.read_text().split() == both[:1]
    ends.append(client.submit(_small(102), webhook=address).wait(timeout=60.0).id)
    _await_told(told, *ends)
    for end, signed_by in zip(ends, (both[1:], both, both[:1]), strict=True):
        headers, body = next((headers, body) for headers, body in told if end in headers["webhook-id"])
        timestamp = int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signature(" ".join(signed_by), headers["webhook-id"], timestamp, body)


def _await_ready(reader: Reader) -> None:
    deadline = time.monotonic() + 120.0
    ask = Block(text="curl -fsS http://127.0.0.1:8000/readyz", line=0)
    while True:
        try:
            reader.type(ask)
        except AssertionError:
            assert time.monotonic() < deadline, reader.logs()
            time.sleep(0.2)
        else:
            return


def _await_told(told: list[tuple[dict[str, str], bytes]], *identifiers: str) -> None:
    deadline = time.monotonic() + 60.0
    while not all(any(each in headers["webhook-id"] for headers, _ in told) for each in identifiers):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
