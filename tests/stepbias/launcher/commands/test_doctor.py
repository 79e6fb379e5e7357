"""`stepbias doctor`: what is wrong, and what to do."""

import json
import time
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from jobs.records import Wishes
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.cli.main import app
from stepbias.launcher.commands.serve import _warn_if_it_forgets
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.embedded import embedded_server

CLOSED = "redis://somebody:s3cr3t@127.0.0.1:9/0"


def _doctor(**environment: str | None) -> Result:
    return CliRunner().invoke(app, ["doctor"], env={"STEPBIAS_REDIS_URL": None} | environment)


def test_a_sound_installation_is_described() -> None:
    """Everything that numbers depend on is named."""
    result = _doctor()
    assert result.exit_code == 0
    assert "WRONG" not in result.stdout
    for subject in ("stepbias", "python", "numpy", "blas", "kernel", "celery", "server", "disk"):
        assert f"ok    {subject}" in result.stdout


def test_a_program_reads_what_was_found() -> None:
    """A remedy where something is wrong."""
    told = CliRunner().invoke(app, ["doctor", "--json"], env={"STEPBIAS_REDIS_URL": CLOSED})
    findings = {each["subject"]: each for each in json.loads(told.stdout)}
    assert told.exit_code == 1
    assert findings["numpy"]["remedy"] is None
    assert "Start it" in findings["server"]["remedy"]


def test_a_server_that_does_not_answer_is_wrong() -> None:
    """With what to do about it, and without its password."""
    result = _doctor(STEPBIAS_REDIS_URL=CLOSED)
    assert result.exit_code == 1
    assert "WRONG server   STEPBIAS_REDIS_URL (redis://127.0.0.1:9/0) does not answer" in result.stdout
    assert "Start it, or correct the address" in result.stdout
    assert "s3cr3t" not in result.output


def test_an_address_that_is_none_is_wrong() -> None:
    """A scheme that no server speaks is told apart from silence, as every setting that cannot be used is."""
    result = _doctor(STEPBIAS_REDIS_URL="http://:s3cr3t@127.0.0.1:9")
    assert result.exit_code == 2
    assert "STEPBIAS_REDIS_URL: an address as redis://:PASSWORD@HOST:6379/0 is wanted" in result.output
    assert "s3cr3t" not in result.output


def test_no_server_program_at_all_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither on PATH nor in the package."""
    monkeypatch.setattr("stepbias.launcher.store.embedded._packaged_binary", _no_binary)
    result = _doctor(PATH=str(tmp_path))
    assert result.exit_code == 1
    assert "WRONG server   none" in result.stdout
    assert "install one" in result.stdout


def test_a_disk_that_is_nearly_full_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the state directory; with a server elsewhere nothing but logs is kept there."""
    monkeypatch.setattr(
        "stepbias.launcher.commands.doctor.free_bytes", lambda path: 499_600_000 if path == tmp_path else 10**12
    )
    result = _doctor(STEPBIAS_STATE_DIR=str(tmp_path))
    assert result.exit_code == 1
    assert f"WRONG disk     500 MB free at {tmp_path}" in result.stdout
    assert "--state-dir" in result.stdout
    assert _doctor(STEPBIAS_STATE_DIR=str(tmp_path / "elsewhere")).exit_code == 0
    assert "disk" not in _doctor(STEPBIAS_STATE_DIR=str(tmp_path), STEPBIAS_REDIS_URL=CLOSED).stdout


def _no_binary() -> Path:
    raise StartupError("no server here, install one")


@pytest.mark.services
@pytest.mark.parametrize("is_named", [False, True])
def test_what_is_damaged_in_an_instance_that_runs_is_named(tmp_path: Path, *, is_named: bool) -> None:
    """Readiness counts it, and sends whoever wants to know here; of one that does not run nothing is known."""
    words, environment = ["doctor"], {"STEPBIAS_REDIS_URL": None, "STEPBIAS_STATE_DIR": str(tmp_path)}
    if is_named:
        words, environment = [*words, "--state-dir", str(tmp_path)], {"STEPBIAS_REDIS_URL": CLOSED}
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


@pytest.mark.services
def test_a_server_that_forgets_is_wrong(tmp_path: Path) -> None:
    """A real server, as it should be, of another version, with eviction on, and without an append-only file."""
    with embedded_server(tmp_path) as (server, _), redis.Redis.from_url(server.url) as settings:
        assert _doctor(STEPBIAS_REDIS_URL=server.url).exit_code == 0
        assert not settings.keys()
        settings.set("stepbias:schema", "99")
        foreign = _doctor(STEPBIAS_REDIS_URL=server.url)
        settings.delete("stepbias:schema")
        settings.config_set("maxmemory-policy", "allkeys-lru")
        evicting = _doctor(STEPBIAS_REDIS_URL=server.url)
        settings.config_set("maxmemory-policy", "noeviction")
        settings.config_set("appendonly", "no")
        forgetting = _doctor(STEPBIAS_REDIS_URL=server.url)
    assert foreign.exit_code == 1
    assert "is of another version" in foreign.stdout
    assert "a version of stepbias with schema 99" in foreign.stdout
    assert evicting.exit_code == 1
    assert "set maxmemory-policy noeviction" in evicting.stdout
    assert forgetting.exit_code == 1
    assert "set appendonly yes" in forgetting.stdout
