"""`--json`: what a program reads of every command, and what a shell does with the rest."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from stepbias import Client
from stepbias.cli.command import EXIT_CODES
from stepbias.cli.main import app
from stepbias.cli.output import table_lines
from tests.stepbias.client.living_service import LivingService, living_service, small_spec

SILENT = {"down", "serve api", "serve worker", "serve health", "completion", "explorer"}
"""Commands that answer by their exit code, with a script or with a page."""


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file, at work."""
    with living_service() as service, service.at_work():
        yield service


@pytest.fixture(scope="module")
def done(service: LivingService) -> str:
    """The id of an experiment of it that has succeeded."""
    spec = json.dumps(small_spec(name="for programs")).encode()
    return _run(service, "submit", "-", "--watch", stdin=spec).stdout.strip()


def _run(service: LivingService, *words: Any, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--url", service.url], input=stdin)


def _json(service: LivingService, *words: Any) -> Any:
    result = _run(service, *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def _commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{name} ")
        else:
            yield f"{prefix}{name}", command


@pytest.mark.parametrize(("name", "command"), list(_commands(app)), ids=[name for name, _ in _commands(app)])
def test_every_command_that_prints_has_json(name: str, command: click.Command) -> None:
    """And every help text can be read on any terminal."""
    options = {option for parameter in command.params for option in parameter.opts}
    assert ("--json" in options) == (name not in SILENT)
    assert command.get_help(click.Context(command)).isascii()


def test_the_exit_codes_stand_in_the_help() -> None:
    """Those of every command."""
    told = " ".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    assert EXIT_CODES in told


def test_an_experiment_is_the_document_of_the_service(service: LivingService, done: str) -> None:
    """From every command that tells of one; an id may be cut to 8 digits."""
    prefix = done[:8]
    assert _json(service, "status", prefix)["counts"]["runs"]["total"] == 6
    assert [each["id"] for each in _json(service, "list", "--name", "for programs")] == [done]
    assert _json(service, "rename", prefix, "for many programs")["name"] == "for many programs"
    assert "x" in _json(service, "tag", prefix, "x")["tags"]
    assert _json(service, "note", prefix, "seen")["notes"] == "seen"
    assert _json(service, "share", prefix)["shared"] is True
    assert _json(service, "cancel", prefix)["id"] == done
    assert [each["status"] for each in map(json.loads, _run(service, "watch", prefix, "--json").stdout.splitlines())][
        -1
    ] == "succeeded"


def test_results_of_some_runs(service: LivingService, done: str, tmp_path: Path) -> None:
    """Those that `--where` means, as a table, as JSON, and as files."""
    where = "init_scale<0.5 and outcome=converged"
    rows = _json(service, "status", done, "--where", where)
    assert rows
    assert all(row["init_scale"] < 0.5 and row["outcome"] == "converged" for row in rows)
    shown = _run(service, "status", done, "--where", where).stdout.splitlines()
    assert shown[0].split()[:4] == ["index", "init_scale", "step_size_fraction", "outcome"]
    assert [int(line.split()[0]) for line in shown[1:]] == [row["index"] for row in rows]
    fetched = _json(service, "fetch", done, "--where", where, "--arrays", "--out", tmp_path)
    kept = [json.loads(line) for line in (tmp_path / "results.ndjson").read_text().splitlines()]
    assert kept == rows
    assert len((tmp_path / "results.csv").read_text().splitlines()) == len(rows) + 1
    assert {path.stem for path in (tmp_path / "runs").iterdir()} == {str(row["index"]) for row in rows}
    assert str(tmp_path / "results.ndjson") in fetched["files"]
    header, *_ = (tmp_path / "results.csv").read_text().splitlines()
    nothing = _run(service, "fetch", done, "--where", "init_scale=7", "--format", "csv", "--out", tmp_path)
    assert (tmp_path / "results.csv").read_text().splitlines() == [header]
    assert "--where init_scale=7: it holds for none of 6 runs that are stored" in nothing.stderr
    assert "all else is of the whole experiment" in nothing.stderr
    refused = _run(service, "fetch", done, "--where", where, "--format", "parquet", "--out", tmp_path / "other")
    assert "--where saves results as csv or ndjson, and not as parquet" in refused.stderr


def test_curves_of_some_runs(service: LivingService, done: str) -> None:
    """Narrowed in x and in the series."""
    words = ["curves", done, "--x", "init_scale", "--y", "train_loss", "--where", "init_scale>=0.3"]
    assert _json(service, *words)["x"]["values"] == [0.3, 1.0]
    rows = _run(service, *words, "--csv").stdout.splitlines()
    assert {line.split(",")[3] for line in rows[1:]} == {"0.3", "1.0"}


def test_curves_beyond_a_plane_have_a_file_for_each_value(service: LivingService, tmp_path: Path) -> None:
    """Of the axes that are not shown; in the plane of figures, with seeds aggregated."""
    spec = small_spec(name="four axes", model={"kind": "diagonal", "depth": {"values": [2, 3]}})
    spec["data"] |= {"seed": {"values": [0, 1]}}
    handed_in = _run(service, "submit", "-", "--watch", stdin=json.dumps(spec).encode())
    fetched = _json(service, "fetch", handed_in.stdout.strip(), "--format", "csv", "--out", tmp_path)
    assert fetched["left_out"] == {}
    for depth in (2, 3):
        found = json.loads((tmp_path / "curves" / f"depth={depth}.json").read_text())
        assert (found["x"]["name"], found["series"]["name"], found["over"]) == (
            "init_scale",
            "step_size_fraction",
            "seed",
        )
        assert found["where"] == {"depth": depth}
    assert not (tmp_path / "curves.json").exists()


def test_other_answers(service: LivingService, done: str, tmp_path: Path) -> None:
    """Of presets, data, figures and deletions."""
    assert {"name", "title", "sizes"} <= _json(service, "presets")[0].keys()
    assert _json(service, "presets", "figure-1")["data"]["kind"] == "sparse_regression"
    (tmp_path / "data.csv").write_text("a;b;y\n1;2;3\n4;5;6\n7;9;8\n")
    uploaded = _json(service, "upload", tmp_path / "data.csv", "--delimiter", "semicolon", "--drop", "b")
    assert (uploaded["samples"], uploaded["dimension"]) == (3, 1)
    analysed = _json(service, "analyse", tmp_path / "data.csv", "--drop", "a", "--missing", "refuse")
    assert analysed["dimension"] == 1
    assert "risk" in _json(service, "figure", done)
    assert _json(service, "figure", done, "risk", "--out", tmp_path) == {"file": str(tmp_path / "risk.png")}
    assert _json(service, "report", done)["basis"]
    spec = json.dumps(small_spec(name="to be deleted", stopping={"max_steps": 10})).encode()
    answer = json.loads(_run(service, "submit", "-", "--watch", "--json", stdin=spec).stdout)
    assert answer["status"] == "succeeded"
    assert _json(service, "delete", answer["id"]) == {"id": answer["id"], "refused": None}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_names_of_any_script_reach_any_terminal(service: LivingService, encoding: str) -> None:
    """Replaced in tables (case 38), escaped in JSON, and never a traceback."""
    spec = json.dumps(small_spec(name="näher η 数")).encode()
    assert _run(service, "submit", "-", stdin=spec).exit_code == 0
    for flags in ([], ["--json"]):
        words = [sys.executable, "-m", "stepbias", "list", "--url", service.url, *flags]
        listed = subprocess.run(words, capture_output=True, check=False, env={"PYTHONIOENCODING": encoding})
        assert (listed.returncode, listed.stderr) == (0, b"")
        text = listed.stdout.decode(encoding)
        assert "\\u03b7" in text
        if flags:
            assert "näher η 数" in {each["name"] for each in json.loads(text)}


def test_no_cell_of_a_table_moves_a_terminal() -> None:
    """What is not printable is written by its code point; columns stand below each other."""
    lines = table_lines(("id", "name"), [("1", "a\x1b[31m\n"), ("22", "b")])
    assert lines == ["id  name", "1   a\\x1b[31m\\n", "22  b"]


def test_a_list_whose_reader_leaves_is_quiet(service: LivingService) -> None:
    """As `stepbias list | head -1` runs."""
    with Client(service.url) as client:
        client.submit(small_spec(name="listed"))
    command = f"{sys.executable} -m stepbias list --url {service.url} | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("id ")
    assert done.stderr == ""


def test_a_profile_names_the_service(service: LivingService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of `sb.connect`: the one called default, or another; an unknown one is a sentence with those there are."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("STEPBIAS_URL", raising=False)
    (tmp_path / "stepbias").mkdir()
    (tmp_path / "stepbias" / "profiles.toml").write_text(
        f'[default]\nurl = "{service.url}"\n[off]\nurl = "http://127.0.0.1:9"\n'
    )
    asked = CliRunner().invoke(app, ["presets"])
    assert asked.exit_code == 0
    assert "figure-1" in asked.stdout
    monkeypatch.setattr("stepbias.cli.submit.FIRST_CONTACT", 0.0)
    away = CliRunner().invoke(app, ["presets", "--profile", "off"])
    assert "127.0.0.1:9" in away.stderr
    unknown = CliRunner().invoke(app, ["presets", "--profile", "lab"])
    assert (unknown.exit_code, "there are: default, off" in unknown.stderr) == (1, True)
