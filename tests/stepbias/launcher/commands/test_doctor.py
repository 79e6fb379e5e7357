"""`stepbias doctor`: whatever can be wrong is brought about for real, and named with what to type."""

import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from click.testing import CliRunner, Result
from typing_extensions import override  # in typing itself from Python 3.12 on

from core.identity import NUMERICS_VERSION
from jobs.records import LiveWorker, Queue, Wishes
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.cli.main import app
from stepbias.launcher.commands.serve import _require_own_store, _warn_if_it_forgets
from stepbias.launcher.diagnosis import api, installation, machine
from stepbias.launcher.diagnosis.finding import Level
from stepbias.launcher.diagnosis.store import clock, of_power_cuts, too_old
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.embedded import embedded_server
from tests.conftest import free_port, running_valkey

CLOSED: Final = "redis://somebody:s3cr3t@127.0.0.1:9/0"
HOME: Final[Mapping[str, str | None]] = {"STEPBIAS_REDIS_URL": None, "STEPBIAS_URL": None, "STEPBIAS_SECRETS_DIR": None}


def _doctor(*words: str, **environment: str | None) -> Result:
    return CliRunner().invoke(app, ["doctor", *words], env={**HOME, **environment})


def _findings(**environment: str | None) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(_doctor("--json", **environment).stdout)
    return told


def _remedy(findings: list[dict[str, Any]], level: Level, text: str) -> str:
    """That of the one finding of this level with this text."""
    found = [each for each in findings if text in each["text"]]
    assert [each["level"] for each in found] == [level], findings
    return str(found[0]["remedy"])


@pytest.fixture(autouse=True)
def nobody_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever listens at port 8000 of this machine is none of ours."""
    monkeypatch.setattr(api, "LOCAL", "http://127.0.0.1:9")


def test_a_sound_installation_is_described() -> None:
    """Everything that numbers depend on is named."""
    result = _doctor()
    assert result.exit_code == 0
    assert "WRONG" not in result.stdout
    for subject in ("stepbias", "python", "numpy", "blas", "kernel", "celery", "server", "disk", "files"):
        assert f"ok    {subject}" in result.stdout


def test_a_program_reads_what_was_found() -> None:
    """A level, and a remedy where something is not well."""
    told = _doctor("--json", STEPBIAS_REDIS_URL=CLOSED)
    findings = {each["subject"]: each for each in json.loads(told.stdout)}
    assert told.exit_code == 1
    assert (findings["numpy"]["level"], findings["numpy"]["remedy"]) == ("ok", None)
    assert findings["server"]["level"] == "wrong"
    assert "Start it" in findings["server"]["remedy"]


def test_a_warning_is_no_error() -> None:
    """Two cores may be meant to share; what is wrong alone ends with 1."""
    result = _doctor(STEPBIAS_MAX_CONNECTIONS=str(10**9))
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] == resource.RLIM_INFINITY:
        pytest.skip("no limit of files here")
    assert "WARN  files    a process may open" in result.stdout
    assert "LimitNOFILE=1000000200" in result.stdout
    assert result.exit_code == 0


UNUSABLE: Final = ("no process of the service starts", "in a password / is written as %2F")
ADDRESSES: Final = {
    "http://127.0.0.1:9": UNUSABLE,
    "store.lab:6379": UNUSABLE,
    "redis://me:pa/ss@127.0.0.1:9/0": UNUSABLE,
    "redis://:6379/0": UNUSABLE,
    "redis://127.0.0.1:9/stepbias": UNUSABLE,
    "redis://127.0.0.1:9/0#x": UNUSABLE,
    "redis://nobody.invalid:6379/0": ("no address is known for nobody.invalid", "getent hosts nobody.invalid"),
    CLOSED: ("does not answer", "no server listens there. Start it, or correct the address"),
    "unix:///nowhere/redis.sock": ("does not answer", "No such file or directory at /nowhere/redis.sock"),
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_that_leads_nowhere_is_wrong(url: str) -> None:
    """By where the way ends, without the password."""
    text, remedy = ADDRESSES[url]
    assert remedy in _remedy(_findings(STEPBIAS_REDIS_URL=url), Level.WRONG, text)
    shown = _doctor(STEPBIAS_REDIS_URL=url)
    assert shown.exit_code == 1
    assert "s3cr3t" not in shown.output
    assert "pa/ss" not in shown.output


def test_a_host_that_says_nothing_is_told_from_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port whose queue of connections is full answers as a firewall does: not at all."""
    monkeypatch.setattr("stepbias.launcher.diagnosis.store_address.PATIENCE", 0.2)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        with _crowd(port):
            findings = _findings(STEPBIAS_REDIS_URL=f"redis://127.0.0.1:{port}/0")
    assert "a firewall is in the way, or the host is down" in _remedy(findings, Level.WRONG, "does not answer")


@contextmanager
def _crowd(port: int) -> Iterator[None]:
    """Connections that nobody takes, more than wait at a port."""
    waiting = [socket.socket() for _ in range(8)]
    for each in waiting:
        each.settimeout(0)
        each.connect_ex(("127.0.0.1", port))
    try:
        yield
    finally:
        for each in waiting:
            each.close()


@pytest.mark.services
def test_a_server_that_does_not_let_one_in_says_whom(tmp_path: Path) -> None:
    """Without a password, with a wrong one, with a user who lacks a right: each with the line that helps."""
    rights = {
        "no-info": (["~*", "&*", "+@all", "-info"], "'info'"),
        "no-scripts": (["~*", "&*", "+@all", "-@scripting"], "'evalsha'"),
        "no-keys": (["~other:*", "&*", "+@all"], "key"),
        "no-writes": (["~*", "&*", "+@all", "-set"], "'set'"),
    }
    with embedded_server(tmp_path) as (server, _), redis.Redis.from_url(server.url) as client:
        where = server.url.partition("@")[2]
        for user, (allowed, _) in rights.items():
            client.execute_command("ACL", "SETUSER", user, "on", ">good", *allowed)
        for user, (_, lacking) in rights.items():
            findings = _findings(STEPBIAS_REDIS_URL=f"redis://{user}:good@{where}")
            told = _remedy(findings, Level.WRONG, "do not come to terms")
            assert lacking in told
            assert "`stepbias store users`" in told
        bare = _findings(STEPBIAS_REDIS_URL=f"redis://{where}")
        assert "wants a user and a password" in _remedy(bare, Level.WRONG, "do not come to terms")
        bad = _findings(STEPBIAS_REDIS_URL=f"redis://no-info:bad@{where}")
        assert "knows no such user, or another password" in _remedy(bad, Level.WRONG, "do not come to terms")


SERVER_SETTINGS: Final[tuple[tuple[str, str, str, str, Level, str], ...]] = (
    ("maxmemory-policy", "allkeys-lru", "noeviction", "has maxmemory-policy allkeys-lru", Level.WRONG, "noeviction"),
    ("appendonly", "no", "yes", "keeps no append-only file", Level.WRONG, "set appendonly yes"),
    ("appendfsync", "everysec", "always", "has appendfsync everysec", Level.WRONG, "CONFIG SET appendfsync always"),
    ("maxmemory", "1000", "0", "the store is full", Level.WRONG, "CONFIG SET maxmemory"),
    ("maxmemory", "100mb", "0", "may have 105 MB of memory", Level.WARNING, "CONFIG SET maxmemory"),
)
"""A directive, its wrong value and the right one; what is said, how bad it is, and what to type."""


@pytest.mark.services
def test_a_server_that_forgets_or_is_full_is_wrong(tmp_path: Path) -> None:
    """A real server, as it should be, and set up wrongly in one way after another."""
    with embedded_server(tmp_path) as (server, _), redis.Redis.from_url(server.url) as client:
        assert _doctor(STEPBIAS_REDIS_URL=server.url).exit_code == 0
        for directive, wrong_value, right_value, text, level, remedy in SERVER_SETTINGS:
            client.config_set(directive, wrong_value)
            findings = _findings(STEPBIAS_REDIS_URL=server.url)
            client.config_set(directive, right_value)
            assert remedy in _remedy(findings, level, text)
        assert _doctor(STEPBIAS_REDIS_URL=server.url).exit_code == 0


@pytest.mark.services
def test_a_store_of_another_version_is_wrong_and_stays_as_it_is(tmp_path: Path) -> None:
    """Of one without anything in it nothing is made either, beside what asks whether it may be written."""
    with embedded_server(tmp_path) as (server, _), redis.Redis.from_url(server.url) as client:
        assert _doctor(STEPBIAS_REDIS_URL=server.url).exit_code == 0
        assert client.keys() == [b"stepbias:probe"]
        client.set("stepbias:schema", "99")
        foreign = _findings(STEPBIAS_REDIS_URL=server.url)
        assert client.get("stepbias:schema") == b"99"
    remedy = _remedy(foreign, Level.WRONG, "is of another version")
    assert "a version of stepbias with schema 99" in remedy
    assert "Run the version of stepbias that wrote it" in remedy


def test_a_server_too_old_for_the_scripts_is_named() -> None:
    """By its own version; a Valkey says which Redis it is like."""
    assert too_old({"redis_version": "6.0.16"}) is not None
    assert too_old({"redis_version": "7.2.4", "valkey_version": "9.1.2"}) is None
    assert too_old({}) is None


def test_a_server_that_may_need_a_person_after_a_power_cut_is_named() -> None:
    """By its own version."""
    for version in ("7.0.15", "7.4.1", "8.2.3"):
        assert of_power_cuts({"redis_version": version}) is not None
    for version, is_risky in {"8.1.9": True, "9.0.5": True, "9.0.6": False, "9.1.1": True, "9.1.2": False}.items():
        assert (of_power_cuts({"redis_version": "7.2.4", "valkey_version": version}) is not None) is is_risky
    assert of_power_cuts({"redis_version": "7.2.4", "valkey_version": "10.0.0"}) is None
    assert of_power_cuts({}) is None


@pytest.mark.parametrize(("off", "level", "text"), [(3.0, Level.OK, "agrees"), (-90.0, Level.WARNING, "90 s behind")])
def test_clocks_that_differ_are_named(off: float, level: Level, text: str) -> None:
    """With what comes of it, which is not that work is lost."""
    finding = clock(1e9, 1e9 + off)
    assert finding.level is level
    assert text in finding.text
    assert finding.remedy is None or "No job is lost" in finding.remedy


@pytest.mark.services
def test_workers_that_are_missing_or_differ_are_named(empty_valkey_url: str) -> None:
    """None of a queue; another version of the numbers; another kernel; more than this machine has cores."""
    here = f"{socket.gethostname()}:1"
    with redis.Redis.from_url(empty_valkey_url) as client:
        store = RedisStore(client, Settings())
        store.adopt()
        alone = _findings(STEPBIAS_REDIS_URL=empty_valkey_url)
        for queue in Queue:
            live = LiveWorker(name=f"b:{queue}", numerics=NUMERICS_VERSION, idle=1, kernel="c-3/neon")
            store.register(live, queues=[queue], seconds=60.0)
        other_kernel = _findings(STEPBIAS_REDIS_URL=empty_valkey_url)
        store.register(LiveWorker(name="old:1", numerics="1", idle=1), queues=[Queue.BATCH], seconds=60.0)
        many = LiveWorker(name=here, numerics=NUMERICS_VERSION, idle=1, processes=1000)
        store.register(many, queues=[Queue.BATCH], seconds=60.0)
        others = _findings(STEPBIAS_REDIS_URL=empty_valkey_url)
        assert _doctor(STEPBIAS_REDIS_URL=empty_valkey_url, STEPBIAS_MAX_CONNECTIONS="9").exit_code == 1  # no AOF
    for queue in Queue:
        remedy = _remedy(alone, Level.WARNING, f"missing is a live worker for the {queue} queue")
        assert f"stepbias serve worker --queue {queue}" in remedy
    assert "STEPBIAS_KERNEL" in _remedy(other_kernel, Level.WARNING, "others compute with c-3/neon")
    assert not [each for each in other_kernel if "missing is" in each["text"]]
    assert "Install the same version" in _remedy(others, Level.WARNING, "old:1 are of another numerics version")
    assert "for the batch queue" in _remedy(others, Level.WARNING, "1000 processes of workers share")
    assert "STEPBIAS_PROCESS_MEMORY_BYTES=" in _remedy(others, Level.WARNING, "1000 processes of workers may take")


def test_no_server_program_at_all_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither on PATH nor in the package."""
    monkeypatch.setattr("stepbias.launcher.store.embedded._packaged_binary", _no_binary)
    result = _doctor(PATH=str(tmp_path))
    assert result.exit_code == 1
    assert "WRONG server   none" in result.stdout
    assert "install one" in result.stdout


def _no_binary() -> Path:
    raise StartupError("no server here, install one")


def test_a_disk_that_is_nearly_full_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the state directory; with a server elsewhere nothing but logs is kept there."""
    monkeypatch.setattr(machine, "free_bytes", lambda path: 499_600_000 if path == tmp_path else 10**12)
    result = _doctor(STEPBIAS_STATE_DIR=str(tmp_path))
    assert result.exit_code == 1
    assert f"WRONG disk     500 MB free at {tmp_path}" in result.stdout
    assert "--state-dir" in result.stdout
    assert _doctor(STEPBIAS_STATE_DIR=str(tmp_path / "elsewhere")).exit_code == 0
    assert "disk" not in _doctor(STEPBIAS_STATE_DIR=str(tmp_path), STEPBIAS_REDIS_URL=CLOSED).stdout


def _system(directory: Path, **files: str) -> Path:
    """A root directory in which the system says other things than here."""
    places = {
        "meminfo": "proc/meminfo",
        "overcommit": "proc/sys/vm/overcommit_memory",
        "pages": "sys/kernel/mm/transparent_hugepage/enabled",
        "most": "sys/fs/cgroup/memory.max",
        "used": "sys/fs/cgroup/memory.current",
    }
    for name, text in files.items():
        file = directory / places[name]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return directory


def test_memory_that_is_short_is_named(tmp_path: Path) -> None:
    """Of the machine, or of the container where that has less."""
    machine_alone = machine.memory(_system(tmp_path / "a", meminfo="MemTotal: 9 kB\nMemAvailable: 1000000 kB\n"))
    short = machine.memory(_system(tmp_path / "b", meminfo="MemAvailable:   200000 kB\n"))
    boxed = _system(tmp_path / "c", meminfo="MemAvailable: 9000000 kB\n", most="900000000\n", used="800000000\n")
    assert (machine_alone.level, machine_alone.text) == (Level.OK, "1024 MB available")
    assert (short.level, short.text) == (Level.WARNING, "205 MB available")
    assert machine.memory(boxed).text == "100 MB available"
    assert machine.memory(tmp_path / "nowhere").level is Level.OK


def test_what_harms_a_store_on_its_host_is_named(tmp_path: Path) -> None:
    """Both settings of the kernel that the servers' makers warn of, with the line that sets them."""
    harmful = _system(tmp_path / "a", overcommit="0\n", pages="[always] madvise never\n")
    good = _system(tmp_path / "b", overcommit="1\n", pages="always [madvise] never\n")
    assert ["sysctl vm.overcommit_memory=1" in str(each.remedy) for each in machine.of_store_host(harmful)] == [
        True,
        False,
    ]
    assert "transparent_hugepage/enabled" in str(list(machine.of_store_host(harmful))[1].remedy)
    assert not list(machine.of_store_host(good))


def test_installations_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    """Client and service of two versions; a command of another environment before this one's."""
    assert installation.versions("0.2.0", "0.2.0").level is Level.OK
    beside = installation.versions("0.2.0", "0.1.0")
    assert (beside.level, beside.text) == (Level.WRONG, "0.2.0, beside stepbias-service 0.1.0")
    assert "pip install 'stepbias[service]==0.2.0'" in str(beside.remedy)
    other, own = tmp_path / "old" / "bin" / "stepbias", tmp_path / "new" / "bin" / "python"
    (found,) = installation.command_on_path(str(other), own)
    assert found.level is Level.WARNING
    assert f"export PATH={own.parent}" in str(found.remedy)
    assert not list(installation.command_on_path(str(own.parent / "stepbias"), own))
    assert not list(installation.command_on_path(None, own))


def test_a_kernel_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is asked for, and the compiled one of an installation without a compiler."""
    findings = _findings(STEPBIAS_KERNEL="abacus")
    assert "STEPBIAS_KERNEL" in _remedy(findings, Level.WRONG, "none")
    monkeypatch.setattr(installation, "kernel_names", lambda: ("numpy",))
    bare = installation.kernel("numpy")
    assert bare.level is Level.WARNING
    assert "sudo apt install gcc" in str(bare.remedy)


def test_threads_that_the_environment_asks_for_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service sets one thread itself; who wonders reads it."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    found = installation.blas()
    assert found.level is Level.OK
    assert "one thread in each process of the service; OPENBLAS_NUM_THREADS=8 counts for other programs" in found.text


_AS_SOMEBODY: Final = """
import contextlib, io, os
from stepbias.cli.main import app
def doctor():
    with contextlib.suppress(SystemExit):
        app(["doctor", "--json"])
with contextlib.redirect_stdout(io.StringIO()):
    doctor()
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
doctor()
"""
"""The command as a user whom permissions bind, which root is not; what it needs is imported by then."""


def _as_somebody(**environment: str) -> list[dict[str, Any]]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    command = [sys.executable, "-P", "-c", _AS_SOMEBODY]
    done = subprocess.run(command, env=plain | environment, capture_output=True, text=True, check=False, cwd="/")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_secrets_that_are_not_there_or_open_to_all_are_named(tmp_path: Path) -> None:
    """A directory that is missing; a file that others read; one that nobody reads."""
    missing = _findings(STEPBIAS_SECRETS_DIR=str(tmp_path / "nowhere"))
    assert f"install -d -m 700 {tmp_path / 'nowhere'}" in _remedy(missing, Level.WRONG, "is no directory here")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    secrets.chmod(0o755)
    (secrets / "stepbias_redis_url").write_text(CLOSED)
    (secrets / "stepbias_redis_url").chmod(0o644)
    (secrets / "redis_url").write_text(CLOSED)
    findings = _findings(STEPBIAS_SECRETS_DIR=str(secrets))
    assert "chmod o= " in _remedy(findings, Level.WARNING, "everybody on this machine may read")
    assert "stepbias_redis_url" in _remedy(findings, Level.WARNING, "redis_url in")
    assert "Start it" in _remedy(findings, Level.WRONG, "does not answer")
    secrets.chmod(0o700)
    assert not [each for each in _findings(STEPBIAS_SECRETS_DIR=str(secrets)) if "everybody" in each["text"]]


def test_secrets_that_one_may_not_read_are_named(tmp_path: Path) -> None:
    """The directory, or a file in it. Directories above are opened meanwhile, which no other test does beside it."""
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o755)
    (secrets / "stepbias_redis_url").write_text(CLOSED)
    with _passable(tmp_path), _passable(Path(sys.prefix)):
        for closed in (secrets / "stepbias_redis_url", secrets):
            closed.chmod(0o000)
            found = _as_somebody(STEPBIAS_SECRETS_DIR=str(secrets), STEPBIAS_STATE_DIR="/nowhere")
            closed.chmod(0o700)
            assert "chown" in _remedy(found, Level.WRONG, "is not readable for")


def test_a_directory_in_place_of_a_secret_is_named(tmp_path: Path) -> None:
    """As Docker makes one where the file is missing that it was to mount."""
    (tmp_path / "stepbias_redis_url").mkdir()
    findings = _findings(STEPBIAS_SECRETS_DIR=str(tmp_path))
    assert "Remove it" in _remedy(
        [each for each in findings if each["subject"] == "secrets"], Level.WRONG, "is no file"
    )


def test_a_state_directory_of_somebody_else_is_a_finding(tmp_path: Path) -> None:
    """And not taken for one in which nothing is, nor the end of the report."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "instance.lock").touch(mode=0o600)
    with _passable(tmp_path), _passable(Path(sys.prefix)):
        found = _as_somebody(STEPBIAS_STATE_DIR=str(state))
    assert "--state-dir" in _remedy(found, Level.WRONG, f"{state} cannot be looked into: Permission denied")


@contextmanager
def _passable(directory: Path) -> Iterator[None]:
    """A directory for the tests, or a clone, may be in one that is its owner's alone: it is in the way of others."""
    before = {each: each.stat().st_mode for each in (directory, *directory.parents)}
    closed = [each for each, mode in before.items() if os.geteuid() == 0 and not mode & 1]
    for each in closed:
        each.chmod(before[each] | 0o11)
    try:
        yield
    finally:
        for each in closed:
            each.chmod(before[each])


def test_settings_that_contradict_each_other_are_a_finding() -> None:
    """And not the end of the report."""
    findings = _findings(STEPBIAS_LEASE_SECONDS="1")
    assert "STEPBIAS_LEASE_SECONDS (1) must be" in _remedy(findings, Level.WRONG, "no process of the service starts")
    assert "numpy" in {each["subject"] for each in findings}


@pytest.mark.services
@pytest.mark.parametrize("is_named", [False, True])
def test_what_is_damaged_in_an_instance_that_runs_is_named(tmp_path: Path, *, is_named: bool) -> None:
    """Readiness counts it, and sends whoever wants to know here; of one that does not run nothing is known."""
    words, environment = ["doctor"], {**HOME, "STEPBIAS_STATE_DIR": str(tmp_path)}
    if is_named:
        words, environment = [*words, "--state-dir", str(tmp_path)], {**HOME, "STEPBIAS_REDIS_URL": CLOSED}
    with embedded_server(tmp_path) as (server, _), redis.Redis.from_url(server.url) as client:
        sound = CliRunner().invoke(app, words, env=environment)
        client.zadd("stepbias:damaged", {"spec of e": time.time()})
        damaged = CliRunner().invoke(app, words, env=environment)
    assert (sound.exit_code, damaged.exit_code) == (0, 1)
    assert f"ok    server   that of the instance in {tmp_path} answers" in sound.stdout
    assert f"that of the instance in {tmp_path}: 1 stored values were found damaged" in damaged.stdout
    assert "spec of e" in damaged.stdout
    assert CliRunner().invoke(app, words, env=environment).exit_code == 0


@pytest.mark.services
def test_ends_that_no_living_worker_may_tell_are_named(tmp_path: Path) -> None:
    """With the host, and what is to be set where."""
    with embedded_server(tmp_path) as (server, _), redis.Redis.from_url(server.url) as client:
        store = RedisStore(client, Settings())
        store.adopt()
        wishes = Wishes(webhook="https://hooks.example/x")
        submitted = store.submit(spec=b"a", content_hash="0" * 64, name="", tags=[], runs=1, wishes=wishes)
        assert _doctor(STEPBIAS_REDIS_URL=server.url).exit_code == 0
        store.cancel(submitted.experiment.id)
        found = _doctor(STEPBIAS_REDIS_URL=server.url)
    assert found.exit_code == 1
    assert "1 end waits to be told, and no living worker may tell hooks.example" in found.stdout
    assert "STEPBIAS_WEBHOOK_HOSTS" in found.stdout


@pytest.mark.services
def test_a_server_that_forgets_is_told_of_at_the_start(empty_valkey_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody else would hear of it before something is lost."""
    with redis.Redis.from_url(empty_valkey_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        _warn_if_it_forgets(empty_valkey_url)
        client.config_set("maxmemory-policy", "noeviction")
    assert "has maxmemory-policy allkeys-lru. It would throw results away" in caplog.text


class _Answers(BaseHTTPRequestHandler):
    """An API that answers as it is told to."""

    answers: Mapping[str, tuple[int, dict[str, Any]]]

    def do_GET(self) -> None:
        """What is told of the path."""
        status, document = self.answers.get(self.path, (404, {}))
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: object) -> None: ...


@contextmanager
def _answering(host: str, **answers: tuple[int, dict[str, Any]]) -> Iterator[str]:
    kind = type("Told", (_Answers,), {"answers": {f"/{path}": answer for path, answer in answers.items()}})
    with ThreadingHTTPServer((host, 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


READY: Final[dict[str, tuple[int, dict[str, Any]]]] = {
    "readyz": (HTTPStatus.OK, {"status": "ready"}),
    "v1/version": (HTTPStatus.OK, {"version": "0.1.0", "numerics_version": "3"}),
}


def test_an_old_service_beside_a_new_installation_is_named() -> None:
    """By what it says of itself."""
    with _answering("127.0.0.1", **READY) as url:
        findings = _findings(STEPBIAS_URL=url)
    assert "start it again" in _remedy(findings, Level.WARNING, f"{url} is stepbias 0.1.0")


def test_a_service_that_is_not_ready_says_what_it_lacks() -> None:
    """Also one that wants a key for everything else; and what is not stepbias is told from it."""
    lack = (HTTPStatus.SERVICE_UNAVAILABLE, {"detail": "Missing: the store."})
    with _answering("127.0.0.1", **{"readyz": lack, "v1/version": (HTTPStatus.UNAUTHORIZED, {})}) as url:
        waiting = _findings(STEPBIAS_URL=url)
    with _answering("127.0.0.1") as url:
        stranger = _findings(STEPBIAS_URL=url)
    assert "some seconds" in _remedy(waiting, Level.WRONG, "is not ready: Missing: the store.")
    assert "wants a key" in str(waiting)
    assert "Correct STEPBIAS_URL" in _remedy(stranger, Level.WRONG, "is not stepbias")
    nobody = _findings(STEPBIAS_URL="http://127.0.0.1:9")
    assert "stepbias up" in _remedy(nobody, Level.WRONG, "nobody answers at http://127.0.0.1:9")


def test_a_service_that_others_reach_without_a_key_is_named() -> None:
    """It is asked at the address that others would use."""
    if api.own_address() is None:
        pytest.skip("no network here")
    answers = READY | {"v1/experiments?limit=1": (HTTPStatus.OK, {"experiments": []})}
    with _answering("0.0.0.0", **answers) as url:
        open_to_all = _findings(STEPBIAS_URL=url)
    with _answering("0.0.0.0", **READY | {"v1/experiments?limit=1": (HTTPStatus.UNAUTHORIZED, {})}) as url:
        closed = _findings(STEPBIAS_URL=url)
    assert "STEPBIAS_KEYS=required" in _remedy(open_to_all, Level.WARNING, "nobody needs a key")
    assert "nobody needs a key" not in str(closed)


@pytest.fixture
def cluster_url(tmp_path: Path) -> Iterator[str]:
    """A cluster of one node, which has every slot."""
    # The port of the nodes among themselves is else one that may not exist.
    node = {"cluster-enabled": "yes", "cluster-port": free_port()}
    with running_valkey(tmp_path, free_port(), **node) as url, redis.Redis.from_url(url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
            time.sleep(0.02)
        yield url


@pytest.mark.services
def test_a_cluster_is_refused_at_the_start_and_by_the_doctor(cluster_url: str) -> None:
    """In a sentence that says what is needed instead, before anything is written."""
    sentence = "is a node of a cluster"
    with pytest.raises(StartupError, match=f"{sentence}. The store needs one server"):
        _require_own_store(cluster_url, Settings())
    found = _doctor(STEPBIAS_REDIS_URL=cluster_url)
    assert found.exit_code == 1
    assert sentence in found.stdout
    assert "cluster-enabled no" in found.stdout
    with redis.Redis.from_url(cluster_url) as client:
        assert client.dbsize() == 0


@pytest.mark.services
def test_a_cluster_would_refuse_the_scripts_of_the_store(cluster_url: str) -> None:
    """That is why: they reach keys of several slots, though the one node has them all."""
    with redis.Redis.from_url(cluster_url) as client:
        store = RedisStore(client, Settings())
        with pytest.raises(redis.ResponseError, match="do not hash to the same slot"):
            store.submit(spec=b"a", content_hash="0" * 64, name="", tags=[], runs=1)
        with pytest.raises(redis.ResponseError, match="do not hash to the same slot"):
            store.claim(Queue.BATCH, worker="w")
