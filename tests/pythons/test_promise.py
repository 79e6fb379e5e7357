"""What is promised about Pythons is one promise, wherever it is written."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.pythons.promise import ROOT, interpreter, promised


def test_every_page_promises_the_same_pythons() -> None:
    """The range that pip enforces, the classifiers, what make looks for, and the words of the pages."""
    versions = promised()
    minors = [int(version.removeprefix("3.")) for version in versions]
    assert minors == list(range(minors[0], minors[-1] + 1))
    for file in ("pyproject.toml", "service/pyproject.toml"):
        project = tomllib.loads((ROOT / file).read_text(encoding="utf-8"))["project"]
        assert project["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"
        assert [each[-4:] for each in project["classifiers"] if "Python :: 3" in each] == versions
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"python(3\.\d+)", makefile) == versions
    for page in ("README.md", "Makefile", "docs/decisions/0007-locked-dependencies.md"):
        assert f"Python {versions[0]} to {versions[-1]}" in (ROOT / page).read_text(encoding="utf-8"), page


def test_make_names_the_promised_pythons_where_it_has_none_of_them(tmp_path: Path) -> None:
    """Instead of installing for minutes what cannot run; nothing is made."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "service").mkdir()
    builds = [f"{folder}{name}" for folder in ("", "service/") for name in ("pyproject.toml", "hatch_build.py")]
    for name in ("requirements-dev.lock", *builds):
        (tmp_path / name).touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for choice in (f"PYTHON={old}", "PYTHON=", "PYTHON=no-such-python"):
        command = ["make", "--directory", tmp_path, "setup", choice]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode != 0
        assert f"needs Python {promised()[0]} to {promised()[-1]}" in run.stderr
        assert not (tmp_path / ".venv").exists()


def test_an_interpreter_is_one_that_runs_and_has_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launcher that stands for nothing is passed over, and so is one of another version."""
    version = "{}.{}".format(*sys.version_info)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreter(version) is None
    launcher = tmp_path / f"python{version}"
    launcher.write_text("#!/bin/sh\nexit 127\n")
    launcher.chmod(0o755)
    assert interpreter(version) is None
    launcher.unlink()
    launcher.symlink_to(sys.executable)
    assert interpreter(version) == launcher
    (tmp_path / "python3.10").symlink_to(sys.executable)
    assert interpreter("3.10") is None
