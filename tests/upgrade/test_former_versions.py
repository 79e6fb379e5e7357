"""The page on upgrades, typed where a version of before has a sweep under way."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stepbias import Client
from stepbias.errors import ProblemError, ServiceUnreachable
from tests.conftest import free_port
from tests.operation.page import Block, Reader, read, typed
from tests.operation.sweep import QUICK, SWEEP, begin, computed_alone, rows
from tests.upgrade.former import LAST_0_1, NUMERICS_6, SCHEMA_3, installed

pytestmark = [pytest.mark.services, pytest.mark.thorough, pytest.mark.timeout(1200)]

START = Block(text="stepbias up --state-dir ~/stepbias --port 8000 --workers 1", line=0)


@contextmanager
def _old_service(reader: Reader, bin_directory: Path) -> Iterator[None]:
    """The old version, by its own command, in the reader's home."""
    now = reader.environment["PATH"]
    reader.environment["PATH"] = f"{bin_directory}{os.pathsep}{now}"
    try:
        reader.type(START)
        yield
    finally:
        reader.environment["PATH"] = now


def test_a_store_of_schema_3_is_taken_over_with_its_sweep_under_way(tmp_path: Path) -> None:
    """The backup of before is restored beside, and both end in the results of now; the old version refuses them."""
    alone, old = computed_alone(tmp_path), installed(SCHEMA_3, tmp_path / "old")
    with Reader(tmp_path / "home", environment=dict(QUICK)) as reader:
        backup, start, look, trial = [*typed("upgrade.md")][:4]
        with _old_service(reader, old), Client(reader.url(), patience=30.0) as client:
            identifier = begin(client)
            # The command of the old version, which has no `down`: it is asked to stop as any process is.
            reader.type(Block(text="stepbias backup before.backup --state-dir ~/stepbias", line=0))
        reader.type(Block(text="stepbias down --state-dir ~/stepbias", line=0))
        assert "stepbias down" in backup.text
        read(reader, [start])
        with Client(reader.url(), patience=30.0) as client:
            assert rows(client, identifier, tmp_path) == alone
        read(reader, [look, trial])
        with Client(reader.url("8001"), patience=30.0) as client:
            assert rows(client, identifier, tmp_path) == alone
        reader.type(Block(text="stepbias down --state-dir ~/stepbias; stepbias down --state-dir ~/trial", line=0))
        back = f"{old / 'stepbias'} up --state-dir ~/stepbias --port 0 || echo refused"
        told = reader.type(Block(text=back, line=0))
        assert "schema" in told
        assert told.rstrip().endswith("refused") or "refused" in told
        reader.type(START)
        with Client(reader.url(), patience=30.0) as client:
            assert rows(client, identifier, tmp_path) == alone


def test_a_store_of_0_1_is_refused_in_words_and_stays_as_it_is(tmp_path: Path) -> None:
    """What is in it can be saved with the version that wrote it."""
    old = installed(LAST_0_1, tmp_path / "old")
    with Reader(tmp_path / "home", environment={}) as reader:
        with _old_service(reader, old), Client(reader.url(), patience=30.0) as client:
            experiment = client.submit(SWEEP)
            assert experiment.id
        stop = "kill $(cat ~/stepbias/instance.lock 2>/dev/null || cat ~/stepbias/*.lock | head -1); sleep 8"
        reader.type(Block(text=stop, line=0))
        before = _contents(reader.home / "stepbias" / "server" / "appendonlydir")
        told = reader.type(Block(text="stepbias up --state-dir ~/stepbias --port 0 || echo refused", line=0))
        assert "refused" in told
        assert "then give this one an empty store" in told
        assert "stepbias fetch" in told
        assert _contents(reader.home / "stepbias" / "server" / "appendonlydir") == before


def _contents(directory: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(directory.glob("*.incr.aof")))


def _served(bin_directory: Path, url: str, log: Path, *words: str) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    with log.open("wb") as output:
        return subprocess.Popen(
            [bin_directory / "stepbias", "serve", *words],
            env=environment | QUICK | {"STEPBIAS_REDIS_URL": url},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _told_by_both(some: bytes, others: bytes) -> bool:
    """Whether rows say the same in every field that both versions know."""
    pairs = zip(some.splitlines(), others.splitlines(), strict=True)
    return all(
        one[name] == other[name]
        for one, other in ((json.loads(a), json.loads(b)) for a, b in pairs)
        for name in one.keys() & other.keys()
    )


def test_hosts_are_upgraded_one_after_the_other(tmp_path: Path, empty_valkey_url: str) -> None:
    """Old and new workers side by side, an old API and then a new one; each does what is of its version."""
    alone, old = computed_alone(tmp_path), installed(NUMERICS_6, tmp_path / "old")
    new = Path(sys.executable).parent
    ports = [free_port(), free_port()]
    url = empty_valkey_url
    workers = [("worker", "--queue", queue) for queue in ("interactive", "batch")]
    running: list[subprocess.Popen[bytes]] = []
    try:
        parts = (*workers, ("api", "--port", str(ports[0])))
        running += [_served(old, url, tmp_path / f"old-{words[-1]}.log", *words) for words in parts]
        with Client(f"http://127.0.0.1:{ports[0]}", patience=60.0) as old_api:
            _await_ready(old_api)
            of_before = begin(old_api)
            # New workers come beside the old ones, which go on with what is theirs.
            running += [_served(new, url, tmp_path / f"new-{words[-1]}.log", *words) for words in workers]
            old_rows = rows(old_api, of_before, tmp_path)
            begun = old_api.submit(SWEEP | {"name": "handed in before, done after"}).id
            # The old ones go, and with them their version: the new ones plan its work anew.
            for each in running[:2]:
                each.terminate()
            running.append(_served(new, url, tmp_path / "new-api.log", "api", "--port", str(ports[1])))
            with Client(f"http://127.0.0.1:{ports[1]}", patience=60.0) as new_api:
                _await_ready(new_api)
                later = rows(new_api, begun, tmp_path)
                assert later == alone or _told_by_both(later, old_rows)
                assert _told_by_both(rows(new_api, of_before, tmp_path), old_rows)
                fresh = new_api.submit(SWEEP | {"name": "of now"})
                assert rows(new_api, fresh.id, tmp_path) == alone
                assert [each.experiment.jobs_dead for each in new_api.experiments()] == [0, 0, 0]
    finally:
        for each in running:
            each.terminate()
        for each in running:
            each.wait(60)


def _await_ready(client: Client) -> None:
    deadline = time.monotonic() + 120.0
    while True:
        try:
            client._connection.send("GET", "/readyz", patience=1.0)
        except (ProblemError, ServiceUnreachable):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return
