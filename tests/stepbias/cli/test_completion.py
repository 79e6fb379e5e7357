"""What a shell offers while a command is typed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from stepbias import Client
from stepbias.cli.main import app
from tests.stepbias.client.living_service import LivingService, living_service, small_spec


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service with one experiment."""
    with living_service() as service, Client(service.url) as client:
        client.submit(small_spec(name="completed"))
        yield service


def _offered(words: str, url: str, directory: Path) -> subprocess.CompletedProcess[str]:
    asked = {"_STEPBIAS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    environment = dict(os.environ) | asked | {"STEPBIAS_URL": url, "XDG_CONFIG_HOME": str(directory)}
    done = [sys.executable, "-m", "stepbias"]
    return subprocess.run(done, env=environment, capture_output=True, text=True, check=False)


def test_presets_and_ids_are_offered(service: LivingService, tmp_path: Path) -> None:
    """Those that begin as what was typed."""
    presets = _offered("stepbias presets figure-", service.url, tmp_path).stdout.split()
    assert "plain,figure-1" in presets
    assert all(each.startswith("plain,figure-") for each in presets)
    with Client(service.url) as client:
        (known,) = client.experiments()
    for command in ("status", "watch", "fetch", "delete", "compare"):
        assert _offered(f"stepbias {command} {known.id[:3]}", service.url, tmp_path).stdout == f"plain,{known.id}\n"


def test_without_a_service_nothing_is_said(tmp_path: Path) -> None:
    """Nothing is offered, and no line disturbs the one that is typed; nor where profiles cannot be read."""
    (tmp_path / "stepbias").mkdir()
    (tmp_path / "stepbias" / "profiles.toml").write_text("no TOML")
    for url in ("http://127.0.0.1:9", "here", ""):
        done = _offered("stepbias status ", url, tmp_path)
        assert (done.stdout, done.stderr) == ("\n", "") or (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_shell_is_told_how(shell: str) -> None:
    """By a script that it reads; that for bash asks bash itself for its version."""
    result = CliRunner().invoke(app, ["completion", shell])
    assert result.exit_code == 0
    assert "_STEPBIAS_COMPLETE" in result.stdout
