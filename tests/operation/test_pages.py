"""What a page says is done, with a sweep under way; and everything that it promises is so."""

import json
import socket
from pathlib import Path

import pytest

from stepbias import Client
from stepbias.errors import ProblemError
from tests.operation.page import Block, Reader, blocks, files_under, read, typed
from tests.operation.sweep import QUICK, SWEEP, begin, computed_alone, rows

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

START = Block(text="stepbias up --state-dir ~/stepbias --port 8000 --workers 1", line=0)

PAGES = ("install.md", "move.md", "backup.md", "upgrade.md", "rotate-secrets.md", "remove.md")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The results of the sweep, computed without any service."""
    return computed_alone(tmp_path_factory.mktemp("alone"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of a user who has nothing yet."""
    return tmp_path / "home"


def _client(reader: Reader, port: str = "8000") -> Client:
    return Client(reader.url(port), patience=30.0)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_of_operation_have_something_to_type(page: str) -> None:
    """A mark that is misspelt would let a page be read and not typed."""
    assert len(typed(page)) > 2
    assert all(block.why_not for block in blocks(page) if block not in typed(page))


def test_a_service_is_moved_with_a_sweep_under_way(home: Path, alone: bytes, tmp_path: Path) -> None:
    """It goes on elsewhere to the same bytes; the old place says where to, and neither runs twice."""
    with Reader(home, environment=dict(QUICK)) as reader:
        reader.type(START)
        with _client(reader) as client:
            identifier = begin(client)
        stop, copy, note, refused, start, look, delete = typed("move.md")[:7]
        read(reader, [stop])
        assert _is_free(reader.ports["8000"])
        read(reader, [copy, note])
        before = files_under(home / "stepbias")
        told = reader.type(refused)
        assert "has moved (new-machine, ~/elsewhere, since Monday)" in told
        assert "as it should be" in told
        backup = Block(text="stepbias backup x --state-dir ~/stepbias || echo refused", line=0)
        assert "has moved" in reader.type(backup)
        assert files_under(home / "stepbias") == before
        read(reader, [start])
        again = Block(text="stepbias up --state-dir ~/elsewhere --port 0 || echo refused", line=0)
        assert "in use by another instance" in reader.type(again)
        assert identifier[:8] in read(reader, [look])[0]
        with _client(reader) as client:
            assert rows(client, identifier, tmp_path) == alone
        read(reader, [delete, *typed("move.md")[7:]])
        assert not (home / "stepbias").exists()


def test_a_service_is_backed_up_and_restored_with_a_sweep_under_way(home: Path, alone: bytes, tmp_path: Path) -> None:
    """What was restored goes on to the same bytes, beside and in place of what was there; the latter when told."""
    with Reader(home, environment=dict(QUICK)) as reader:
        reader.type(START)
        with _client(reader) as client:
            identifier = begin(client)
            backup, restore, replace = typed("backup.md")[:3]
            read(reader, [backup])
            later = client.submit(SWEEP | {"name": "after the backup"}).id
        assert (home / "stepbias.backup").stat().st_mode & 0o777 == 0o600
        read(reader, [restore])
        with _client(reader, "8001") as client:
            assert rows(client, identifier, tmp_path) == alone
        read(reader, [Block(text="stepbias down --state-dir ~/restored", line=0)])
        told = reader.type(replace)
        assert "there are experiments or data in this store already" in told
        assert "as it should be" in told
        reader.type(START)
        with _client(reader) as client:
            assert rows(client, identifier, tmp_path) == alone
            with pytest.raises(ProblemError):
                client.experiment(later)


def test_what_is_removed_leaves_nothing(home: Path) -> None:
    """No file, no process and no port, after an experiment with its figure."""
    mark = f"READER_OF_TEST={home}"
    with Reader(home, environment={"READER_OF_TEST": str(home)}) as reader:
        (home / "notes.txt").write_text("the reader's own")
        before = files_under(home)
        reader.type(START)
        spec = {
            "data": {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2},
            "initialization": {"kind": "uniform", "scale": {"values": [0.1, 1.0]}},
            "optimizer": {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.2, 0.5]}},
        }
        (home / "spec.json").write_text(json.dumps(spec))
        with _client(reader) as client:
            experiment = client.submit(spec).wait(timeout=120.0)
            figure = experiment.figure(experiment.figures()[0])
            assert figure is not None
        assert _members(mark)
        store_port = (home / "stepbias" / "server" / "port").read_text().strip()
        read(reader, typed("remove.md"))
        assert _members(mark) == []
        assert _is_free(reader.ports["8000"])
        assert _is_free(store_port)
        # Directories that every desktop has, and that are empty again.
        assert files_under(home) - before - {".cache", ".config"} == {"everything.backup", "spec.json"}


def _members(mark: str) -> list[str]:
    """The processes with this in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def _is_free(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) != 0
