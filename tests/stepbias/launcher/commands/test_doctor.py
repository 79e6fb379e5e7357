"""`stepbias doctor`: what is wrong, and what to do."""

from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner, Result

from stepbias.cli.main import app
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.embedded import embedded_server

CLOSED = "redis://somebody:secret@127.0.0.1:9/0"


def _doctor(**environment: str | None) -> Result:
    return CliRunner().invoke(app, ["doctor"], env={"STEPBIAS_REDIS_URL": None} | environment)


def test_a_sound_installation_is_described() -> None:
    """Everything that numbers depend on is named."""
    result = _doctor()
    assert result.exit_code == 0
    assert "WRONG" not in result.stdout
    for subject in ("stepbias", "python", "numpy", "blas", "kernel", "celery", "server", "disk"):
        assert f"ok    {subject}" in result.stdout


def test_a_server_that_does_not_answer_is_wrong() -> None:
    """With what to do about it, and without its password."""
    result = _doctor(STEPBIAS_REDIS_URL=CLOSED)
    assert result.exit_code == 1
    assert "WRONG server   STEPBIAS_REDIS_URL (redis://127.0.0.1:9/0) does not answer" in result.stdout
    assert "Start it, or correct the address" in result.stdout
    assert "secret" not in result.output


def test_an_address_that_is_none_is_wrong() -> None:
    """A scheme that no server speaks is told apart from silence."""
    result = _doctor(STEPBIAS_REDIS_URL="http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "one of the following schemes" in result.stdout


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
