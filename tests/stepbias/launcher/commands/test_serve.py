"""`stepbias serve`: the one way in which every process of the service is started."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from jobs.records import Queue
from stepbias.cli.groups.service import QUEUES
from stepbias.cli.main import app
from stepbias.launcher.checks.port import free_port
from stepbias.launcher.commands.health import health, missing_worker
from tests.stepbias.launcher.household import eventually

BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def _served(*words: str, store: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """`stepbias serve` as a process, in a directory whose modules have the names of the service's own."""
    for name in ("api", "core", "jobs", "worker", "celeryconfig"):
        (directory / f"{name}.py").write_text("raise AssertionError('the module of the user')\n")
    command = [sys.executable, "-P", "-m", "stepbias.cli.main", "serve", *words]
    environment = dict(os.environ) | {"STEPBIAS_REDIS_URL": store}
    with subprocess.Popen(command, cwd=directory, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.services
def test_a_worker_is_heard_of_until_it_is_told_to_stop(
    empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SIGTERM is a good end."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", empty_valkey_url)
    with _served("worker", "--queue", "batch", store=empty_valkey_url, directory=tmp_path) as worker:
        assert eventually(
            lambda: missing_worker(socket.gethostname()) is None or worker.poll() is not None, patience=120
        )
        worker.send_signal(signal.SIGTERM)
        _, complaints = worker.communicate(timeout=60)
    assert worker.returncode == 0, complaints


@pytest.mark.services
def test_a_worker_waits_for_a_store_that_is_full(
    empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It says so once, and works as soon as there is room."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", empty_valkey_url)
    with redis.Redis.from_url(empty_valkey_url) as client:
        client.config_set("maxmemory", "1mb")
        with _served("worker", "--queue", "batch", store=empty_valkey_url, directory=tmp_path) as worker:
            assert worker.stderr is not None
            # Before that it says that this server keeps no append-only file.
            told = next(line for line in worker.stderr if "append-only" not in line)
            client.config_set("maxmemory", "0")
            assert "the worker waits: the store is full" in told
            assert eventually(
                lambda: missing_worker(socket.gethostname()) is None or worker.poll() is not None, patience=120
            )
            worker.send_signal(signal.SIGTERM)
            _, complaints = worker.communicate(timeout=60)
    assert worker.returncode == 0, complaints
    assert "the worker waits" not in complaints


@pytest.mark.services
def test_the_api_answers_at_its_port(empty_valkey_url: str, tmp_path: Path) -> None:
    """And is well while it does; under watch as well, which ends when it is told to, with nothing left."""
    port = free_port("127.0.0.1")
    assert health("api", host="127.0.0.1", port=port) == 1
    with _served("api", "--port", str(port), "--watch", store=empty_valkey_url, directory=tmp_path) as watch:
        assert eventually(lambda: health("api", host="127.0.0.1", port=port) == 0, patience=120)
        watch.send_signal(signal.SIGTERM)
        told = watch.communicate(timeout=60)[1]
        assert [line for line in told.splitlines() if "keeps no append-only file" not in line] == []
    assert watch.returncode == 0
    assert health("api", host="127.0.0.1", port=port) == 1


@pytest.mark.parametrize(
    "words", [["api"], ["worker", "--queue", "batch"], ["api", "--watch"], ["worker", "--queue", "batch", "--watch"]]
)
@pytest.mark.parametrize(
    ("environment", "reason", "code"),
    [
        ({"STEPBIAS_REDIS_URL": None}, "STEPBIAS_REDIS_URL is not set", 1),
        ({"STEPBIAS_REDIS_URL": "redis://127.0.0.1:9", "STEPBIAS_LEASE_SECONDS": "-1"}, "STEPBIAS_LEASE_SECONDS", 2),
    ],
)
def test_a_process_that_cannot_be_served_says_why(
    words: list[str],
    environment: dict[str, str | None],
    reason: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a sentence, before anything is started."""
    _many_threads(monkeypatch)
    result = CliRunner().invoke(app, ["serve", *words], env=environment)
    assert result.exit_code == code
    assert result.stderr.startswith("stepbias: ")
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.services
@pytest.mark.parametrize("words", [["api"], ["worker", "--queue", "batch"]])
def test_nothing_is_served_from_a_store_of_another_version(
    words: list[str], empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that 0.1 wrote: it has experiments, and does not say of which schema it is."""
    _many_threads(monkeypatch)
    with redis.Redis.from_url(empty_valkey_url) as client:
        client.set("stepbias:experiments:number", 3)
        result = CliRunner().invoke(app, ["serve", *words], env={"STEPBIAS_REDIS_URL": empty_valkey_url})
        assert client.keys() == [b"stepbias:experiments:number"]
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "stepbias: the store was written by stepbias 0.1, and this version does not read it"
    )
    assert len(result.stderr.splitlines()) == 1


def test_a_kernel_that_is_not_there_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not by every experiment: a worker without it would live, be ready, and fail each job."""
    _many_threads(monkeypatch)
    environment = {"STEPBIAS_REDIS_URL": "redis://127.0.0.1:9/0", "STEPBIAS_KERNEL": "foo"}
    result = CliRunner().invoke(app, ["serve", "worker", "--queue", "batch"], env=environment)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("stepbias: STEPBIAS_KERNEL: ")
    assert "choose from: auto" in result.stderr


def test_matrices_are_multiplied_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says: processes work side by side, and another number of threads gives other bits."""
    _many_threads(monkeypatch)
    monkeypatch.setenv("STEPBIAS_REDIS_URL", "redis://127.0.0.1:9/0")
    seen: dict[str, str] = {}
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: seen.update(os.environ))
    assert CliRunner().invoke(app, ["serve", "api"]).exit_code == 0
    assert [seen[name] for name in BLAS_THREADS] == ["1", "1", "1"]


@pytest.mark.parametrize("value", ["1.5", "abc"])
@pytest.mark.parametrize("words", [["serve", "health", "worker"], ["run", "-"], ["up", "--port", "0"]])
def test_a_wrong_setting_is_one_sentence(words: list[str], value: str) -> None:
    """With the exit code of misuse, before anything else is done."""
    result = CliRunner().invoke(app, words, env={"STEPBIAS_LEASE_SECONDS": value})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("stepbias: STEPBIAS_LEASE_SECONDS")
    assert result.stderr.count("\n") == 1


def _many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment, which is put back afterwards."""
    for name in BLAS_THREADS:
        monkeypatch.setenv(name, "4")


def test_every_queue_can_be_served() -> None:
    """The command has names of its own for them, since it knows nothing of jobs."""
    assert set(QUEUES) == {queue.value for queue in Queue}
