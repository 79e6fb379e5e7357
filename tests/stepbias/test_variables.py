"""Variables that are misspelt: whoever set one is told, since nothing else would ever say so."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from jobs.settings import Settings
from stepbias.cli.main import app
from stepbias.variables import KNOWN, OF_SERVICE, PREFIX, unread

ROOT: Final = Path(__file__).parents[2]
SECRET: Final = "hunter2"
NAME: Final = re.compile(r"(?<![A-Za-z0-9_])STEPBIAS_([A-Z0-9_]*[A-Z0-9])")
PLACES: Final = ("api", "benchmarks", "core", "deploy", "docs", "examples", "jobs", "service", "stepbias", "worker")
FILES: Final = (".env.example", "Dockerfile", "Makefile", "README.md", "hatch_build.py", "SECURITY.md")
NOBODYS: Final = "redis://127.0.0.1:9/0"


def _files() -> Iterator[Path]:
    """Everything that is ours, as text: no pictures, no site that was built, no other program's files."""
    yield from (ROOT / name for name in FILES)
    yield from ROOT.glob("docker-compose*.yml")
    for place in PLACES:
        for path in (ROOT / place).rglob("*"):
            if path.is_file() and "_site" not in path.parts and "__pycache__" not in path.parts:
                yield path


def test_the_list_has_every_variable_of_the_repository_and_no_other() -> None:
    """One that is read, and not listed, would be called unread; one that is listed, and gone, would not."""
    found = {name for path in _files() for name in NAME.findall(path.read_text(encoding="utf-8", errors="ignore"))}
    # The example on the page of the installation.
    assert found - {"MAXRUNS"} == KNOWN
    assert {name.upper() for name in Settings.model_fields} == OF_SERVICE


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("STEPBIAS_KEY", "STEPBIAS_KEYS"),
        ("STEPBIAS_MAXRUNS", "STEPBIAS_MAX_RUNS"),
        ("STEPBIAS_REDISURL", "STEPBIAS_REDIS_URL"),
        ("stepbias_url", "STEPBIAS_URL"),
        ("Stepbias_Keys", "STEPBIAS_KEYS"),
        ("STEPBIAS_APIKEY", "STEPBIAS_API_KEY"),
    ],
)
def test_the_nearest_known_name_is_asked_about(name: str, meant: str) -> None:
    """By likeness of the letters, without the prefix that all have."""
    assert list(unread([name, "PATH", meant])) == [f"nothing reads the variable {name}; is {meant} meant?"]


def test_what_resembles_nothing_is_named_alone() -> None:
    """And what belongs to another prefix is no business of ours."""
    assert list(unread(["STEPBIAS_QQQQ", "_STEPBIAS_COMPLETE", "MY_STEPBIAS_KEYS"])) == [
        "nothing reads the variable STEPBIAS_QQQQ"
    ]
    assert list(unread(f"{PREFIX}{name}" for name in KNOWN)) == []


def test_a_command_says_so_and_goes_on() -> None:
    """Of the client, on stderr, once, without the value; its answer is the same."""
    wrong = {"STEPBIAS_KEY": SECRET, "STEPBIAS_URL": "http://127.0.0.1:9", "STEPBIAS_API_KEY": None}
    done = CliRunner().invoke(app, ["list"], env=wrong)
    assert done.stderr.count("stepbias: nothing reads the variable STEPBIAS_KEY; is STEPBIAS_KEYS meant?\n") == 1
    assert SECRET not in done.output
    assert "nothing reads" not in CliRunner().invoke(app, ["list"], env=wrong | {"STEPBIAS_KEY": None}).stderr


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "stepbias", "serve", "api", "--port", "1"],
        ["-c", "import stepbias.launcher.celery_app"],
        ["-m", "stepbias", "up", "--port", "1", "--state-dir", "/proc/none"],
        ["-m", "stepbias", "keys", "list"],
    ],
    ids=["api", "celery", "up", "keys"],
)
def test_every_process_that_reads_settings_says_so(words: Sequence[str]) -> None:
    """At its start, whatever becomes of it."""
    environment = dict(os.environ) | {"STEPBIAS_REDIS_URL": NOBODYS, "STEPBIAS_MAXRUNS": SECRET}
    with subprocess.Popen([sys.executable, *words], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.kill()
    assert first.endswith("nothing reads the variable STEPBIAS_MAXRUNS; is STEPBIAS_MAX_RUNS meant?\n")
    assert SECRET not in first


def test_the_doctor_warns_of_the_environment_and_of_the_file_of_compose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What compose has no use for reaches no container: nobody else could see it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"# STEPBIAS_NONE=1\nexport STEPBIAS_KEY={SECRET}\nSTEPBIAS_PORT=8001\n")
    runner, clean = CliRunner(), {"STEPBIAS_MAXRUNS": SECRET, "STEPBIAS_URL": "http://127.0.0.1:9"}
    alone = runner.invoke(app, ["doctor"], env=clean)
    assert (
        "WARN  settings here, nothing reads the variable STEPBIAS_MAXRUNS; is STEPBIAS_MAX_RUNS meant?" in alone.stdout
    )
    assert "STEPBIAS_KEY;" not in alone.stdout
    (tmp_path / "docker-compose.yml").touch()
    beside = runner.invoke(app, ["doctor"], env=clean)
    assert f"in {tmp_path}/.env, nothing reads the variable STEPBIAS_KEY; is STEPBIAS_KEYS meant?" in beside.stdout
    assert "STEPBIAS_NONE" not in beside.stdout
    assert SECRET not in alone.output + beside.output
