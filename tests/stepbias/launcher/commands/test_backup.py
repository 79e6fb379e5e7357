"""`stepbias backup` and `stepbias restore`: on real servers, and on files that are not as they should be."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from typing_extensions import override  # in typing itself from Python 3.12 on

from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.connection import connect
from jobs.errors import ExperimentNotFound
from jobs.records import Claim, FinishedRun, Queue, StoredRun
from jobs.redis_store import RedisStore
from jobs.redis_store.keys import SCHEMA
from jobs.settings import Settings
from jobs.states import ExperimentStatus
from stepbias.cli.main import app
from stepbias.launcher.store.backup_file import FORMAT, Header, UnusableBackup, read_commands, read_header, write_backup
from stepbias.launcher.store.embedded import embedded_server
from tests.stepbias.launcher.household import eventually
from worker.context import WorkerContext
from worker.perform import work_off

SETTINGS = Settings(lease_seconds=1.0, heartbeat_seconds=0.01, checkpoint_seconds=0.001, janitor_seconds=0.01)
HEADER_HERE = Header(schema=SCHEMA, numerics="n", version="0.2.0")
HEADER = Header(schema="2", numerics="n", version="0.2.0")

SPEC = ExperimentSpec.model_validate(
    {
        "name": "kept",
        "tags": ["thesis"],
        "data": {"kind": "inline", "X": [[1.0, 2.0, 0.5, 1.5], [0.5, 1.0, 2.0, 1.0]], "y": [1.0, 0.5]},
        "initialization": {"kind": "uniform", "scale": {"start": 0.05, "stop": 1, "num": 6, "spacing": "log"}},
        "optimizer": {"kind": "gradient_descent", "step_size": {"start": 0.001, "stop": 0.05, "num": 5}},
        "stopping": {"loss_tolerance": 1e-8, "max_steps": 200_000, "finish": "iterate"},
        "recording": {"points": 8},
    }
)


def _stepbias(*words: str | Path, store: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"STEPBIAS_REDIS_URL": store})


def _submitted(store: RedisStore) -> str:
    submission = store.submit(
        spec=SPEC.canonical(), content_hash=SPEC.content_hash(), name=SPEC.name, tags=SPEC.tags, runs=len(Grid(SPEC))
    )
    return submission.experiment.id


def _work(store: RedisStore, stopping: threading.Event) -> None:
    """Take jobs of both queues until it is time to stop."""
    context = WorkerContext(store=store, settings=SETTINGS, name="worker", stopping=stopping)
    while not stopping.wait(0.001):
        for queue in Queue:
            work_off(queue, context)


class HeldStore(RedisStore):
    """A worker's store, in which a training stops after its first commit until it may go on; its heart beats."""

    may_go_on: threading.Event

    @override
    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        counted = super().commit_runs(claim, runs)
        self.may_go_on.wait()
        return counted


@contextmanager
def _worker(url: str, *, is_held: bool = False) -> Iterator[None]:
    """Somebody works, in a thread; or holds a batch that is half done, until the block ends."""
    stopping = threading.Event()
    with connect(url, patience=20.0) as client:
        store = HeldStore(client, SETTINGS)
        store.may_go_on = threading.Event()
        if not is_held:
            store.may_go_on.set()
        thread = threading.Thread(target=_work, args=(store, stopping))
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            store.may_go_on.set()
            thread.join()


def _results(store: RedisStore, experiment_id: str) -> list[StoredRun | None]:
    return [store.run(experiment_id, index) for index in range(len(Grid(SPEC)))]


@pytest.mark.services
@pytest.mark.usefixtures("short_chunks")
def test_a_sweep_under_way_is_restored_and_ends_in_the_same_bytes(empty_valkey_url: str, tmp_path: Path) -> None:
    """Backed up while a worker works, lost, restored and finished: as if nothing had been."""
    file = tmp_path / "kept.backup"
    with connect(empty_valkey_url, patience=20.0) as client:
        store = RedisStore(client, SETTINGS)
        undisturbed = _submitted(store)
        with _worker(empty_valkey_url):
            assert eventually(lambda: store.experiment(undisturbed).status is ExperimentStatus.SUCCEEDED, patience=120)
        expected = _results(store, undisturbed)
        client.flushall()
        experiment_id = _submitted(store)
        with _worker(empty_valkey_url, is_held=True):
            assert eventually(lambda: store.experiment(experiment_id).runs_done > 0, patience=60)
            backup = _stepbias("backup", file, store=empty_valkey_url)
        assert backup.exit_code == 0, backup.output
        client.flushall()
        restored = _stepbias("restore", file, store=empty_valkey_url)
        assert restored.exit_code == 0, restored.output
        half = store.experiment(experiment_id)
        assert 0 < half.runs_done < half.runs_total
        assert (half.name, half.tags, half.status) == ("kept", ("thesis",), ExperimentStatus.RUNNING)
        with _worker(empty_valkey_url):
            assert eventually(lambda: _is_finished(store, experiment_id), patience=120)
        assert store.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED
        assert _results(store, experiment_id) == expected
        assert None not in expected
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def _is_finished(store: RedisStore, experiment_id: str) -> bool:
    """After the janitor has found what was claimed before."""
    store.tidy("janitor", period=1.0, last=None, elapsed=0.0)
    return store.experiment(experiment_id).finished_at is not None


@pytest.mark.services
def test_an_embedded_server_is_backed_up_running_or_not(tmp_path: Path) -> None:
    """And restored in another directory, where none runs; not over what is there."""
    home, other = tmp_path / "home", tmp_path / "other"
    with embedded_server(home) as (server, _), connect(server.url, patience=5.0) as client:
        identifier = _submitted(RedisStore(client, SETTINGS))
        assert _stepbias("backup", tmp_path / "running", "--state-dir", home).exit_code == 0
        occupied = _stepbias("restore", tmp_path / "running", "--state-dir", home)
    assert occupied.exit_code == 1
    assert "in use by another instance" in occupied.stderr
    assert _stepbias("backup", tmp_path / "resting", "--state-dir", home).exit_code == 0
    assert _stepbias("restore", tmp_path / "running", "--state-dir", other).exit_code == 0
    with embedded_server(other) as (server, _), connect(server.url, patience=5.0) as client:
        assert RedisStore(client, SETTINGS).spec(identifier) == SPEC.canonical()
    again = _stepbias("restore", tmp_path / "resting", "--state-dir", other)
    assert again.exit_code == 1
    assert "there are experiments or data in this store already" in again.stderr
    assert _commands(tmp_path / "running") == _commands(tmp_path / "resting")


def _commands(file: Path) -> list[tuple[bytes, ...]]:
    """Of a backup, in an order that is not that of a server's hash table."""
    with file.open("rb") as read:
        read_header(read)
        return sorted(read_commands(read))


@pytest.mark.services
def test_a_backup_goes_through_a_pipe(empty_valkey_url: str) -> None:
    """As from a container."""
    with connect(empty_valkey_url, patience=5.0) as client:
        identifier = _submitted(RedisStore(client, SETTINGS))
        written = _stepbias("backup", "-", store=empty_valkey_url)
        client.flushall()
        read = CliRunner().invoke(
            app, ["restore", "-"], env={"STEPBIAS_REDIS_URL": empty_valkey_url}, input=written.stdout_bytes
        )
        assert read.exit_code == 0, read.output
        assert RedisStore(client, SETTINGS).spec(identifier) == SPEC.canonical()


@pytest.mark.services
def test_a_backup_of_a_former_schema_is_taken_over_as_it_is_restored(empty_valkey_url: str, tmp_path: Path) -> None:
    """By processes that run already it is served at once; until then it says of which schema it is."""
    with connect(empty_valkey_url, patience=5.0) as client:
        store = RedisStore(client, SETTINGS)
        store.adopt()
        identifier = _submitted(store)
        client.set("stepbias:schema", "4")
        assert _stepbias("backup", tmp_path / "kept", store=empty_valkey_url).exit_code == 0
        with (tmp_path / "kept").open("rb") as file:
            assert read_header(file).schema == "4"
        client.flushall()
        restored = _stepbias("restore", tmp_path / "kept", store=empty_valkey_url)
        assert restored.exit_code == 0, restored.output
        assert client.get("stepbias:schema") == SCHEMA.encode()
        claim = store.claim(Queue.INTERACTIVE, worker="w")
        assert claim is not None
        assert claim.job.experiment_id == identifier


@pytest.mark.services
def test_a_refused_backup_changes_nothing(empty_valkey_url: str, tmp_path: Path) -> None:
    """Damaged, of another schema, or no backup at all; the store stays as it is."""
    sound, damaged, other = (tmp_path / name for name in ("sound", "damaged", "other"))
    with redis.Redis.from_url(empty_valkey_url) as client:
        with connect(empty_valkey_url, patience=5.0) as patient:
            _submitted(RedisStore(patient, SETTINGS))
        assert _stepbias("backup", sound, store=empty_valkey_url).exit_code == 0
        client.flushall()
        content = bytearray(sound.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
        with other.open("wb") as file:
            write_backup(file, Header(schema="99", numerics="n", version="0.9"), [])
        for name, reason in ((damaged, "damaged"), (other, "schema 99 (stepbias 0.9)"), (tmp_path / "none", "No such")):
            result = _stepbias("restore", name, store=empty_valkey_url)
            assert result.exit_code == 1
            assert result.stderr.startswith("stepbias: ")
            assert reason in result.stderr
        assert not client.keys()


def test_a_backup_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    """And no half of a new one."""
    file = tmp_path / "kept.backup"
    file.write_bytes(b"the one before")
    result = _stepbias("backup", file, store="redis://127.0.0.1:9/0")
    assert result.exit_code == 1
    assert "the store is not available" in result.stderr
    assert file.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.services
def test_a_disk_that_is_full_in_the_middle_leaves_the_backup_before(empty_valkey_url: str, tmp_path: Path) -> None:
    """A limit of the file's size ends the writing at a byte, as a full disk does; writers are let in again."""
    file = tmp_path / "kept.backup"
    with connect(empty_valkey_url, patience=20.0) as client:
        _submitted(RedisStore(client, SETTINGS))
        assert _stepbias("backup", file, store=empty_valkey_url).exit_code == 0
        before = file.read_bytes()
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
        program = f"{limit}; from stepbias.cli.main import app; app()"
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, "backup", str(file)],
            env=dict(os.environ) | {"STEPBIAS_REDIS_URL": empty_valkey_url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.startswith("stepbias: ")
        assert "File too large" in done.stderr
        assert file.read_bytes() == before
        assert list(tmp_path.iterdir()) == [file]
        client.set("stepbias:probe", "1")


@pytest.mark.services
def test_a_store_is_replaced_by_a_backup_when_that_is_said(empty_valkey_url: str, tmp_path: Path) -> None:
    """And not before the file is known to be whole; what others keep on the server stays."""
    file, damaged = tmp_path / "kept.backup", tmp_path / "damaged"
    with connect(empty_valkey_url, patience=20.0) as client:
        store = RedisStore(client, SETTINGS)
        kept = _submitted(store)
        assert _stepbias("backup", file, store=empty_valkey_url).exit_code == 0
        later = store.submit(spec=SPEC.canonical(), content_hash="1" * 64, name="later", tags=[], runs=1).experiment.id
        client.set("of others", "1")
        damaged.write_bytes(file.read_bytes()[:-1])
        assert _stepbias("restore", damaged, "--replace", store=empty_valkey_url).exit_code == 1
        refused = _stepbias("restore", file, store=empty_valkey_url)
        assert refused.exit_code == 1
        assert "--replace" in refused.stderr
        assert store.experiment(later).name == "later"
        replaced = _stepbias("restore", file, "--replace", store=empty_valkey_url)
        assert replaced.exit_code == 0, replaced.output
        assert store.spec(kept) == SPEC.canonical()
        with pytest.raises(ExperimentNotFound):
            store.experiment(later)
        assert client.get("of others") == b"1"


@pytest.mark.parametrize("name", ["nowhere", "home"])
def test_no_state_directory_is_made_for_a_backup(tmp_path: Path, name: str) -> None:
    """A mistyped name is one, and no empty store; nor is a directory that holds something else."""
    home = tmp_path / "home"
    home.mkdir()
    result = _stepbias("backup", tmp_path / "file", "--state-dir", tmp_path / name)
    assert result.exit_code == 1
    assert "there is no state directory" in result.stderr
    assert list(tmp_path.iterdir()) == [home]
    assert not list(home.iterdir())


@pytest.mark.parametrize("command", [["backup", "-"], ["restore", "file"], ["keys", "list"]])
def test_of_two_stores_that_are_named_neither_is_taken(tmp_path: Path, command: list[str]) -> None:
    """Whoever names a directory does not think of what the environment names."""
    (tmp_path / "file").write_bytes(_written(HEADER_HERE))
    words = [str(tmp_path / word) if word == "file" else word for word in command]
    result = _stepbias(*words, "--state-dir", tmp_path, store="redis://127.0.0.1:9/0")
    assert result.exit_code == 1
    assert "leave one of them out" in result.stderr
    assert not result.stdout


COMMANDS = [(b"SET", b"a", bytes(range(256))), (b"HSET", b"b", b"", b"x"), (b"SADD", b"c", b"")]


def _written(header: Header = HEADER) -> bytes:
    file = io.BytesIO()
    assert write_backup(file, header, COMMANDS) == 3
    return file.getvalue()


def test_what_is_read_is_what_was_written() -> None:
    """Bit by bit, empty words included; also of nothing."""
    file = io.BytesIO(_written())
    assert read_header(file) == HEADER
    assert list(read_commands(file)) == COMMANDS
    nothing = io.BytesIO()
    write_backup(nothing, HEADER, [])
    nothing.seek(0)
    assert read_header(nothing) == HEADER
    assert list(read_commands(nothing)) == []


def test_every_damage_is_found() -> None:
    """A bit anywhere, a piece that is missing at the end, or one too many."""
    whole = _written()
    spoilt: list[Any] = [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in range(len(whole))]
    spoilt += [whole[:length] for length in range(len(whole))]
    for content in (*spoilt, whole + b"\0"):
        with pytest.raises(UnusableBackup):
            read_header(io.BytesIO(content))


def test_a_form_of_the_future_is_told_from_damage() -> None:
    """By the header."""
    header = Header(schema="2", numerics="n", version="9.0", format=FORMAT + 1)
    with pytest.raises(UnusableBackup, match=f"has format {FORMAT + 1}"):
        read_header(io.BytesIO(_written(header)))
