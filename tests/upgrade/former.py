"""Versions of before, as they were: a commit, installed into an environment with what it was locked to."""

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.test_named_places import ROOT


@dataclass(frozen=True, kw_only=True)
class Former:
    """A commit, and what it was in: the schema of its store and the version of its numbers."""

    commit: str
    schema: str | None
    numerics: str


LAST_0_1 = Former(commit="7f10b95", schema=None, numerics="4")
"""The last of 0.1.0; its stores say nothing of a schema."""

SCHEMA_3 = Former(commit="2f3f128", schema="3", numerics="4")

NUMERICS_6 = Former(commit="dcf004d", schema="5", numerics="6")
"""Of the schema of now, and of other numbers."""


def installed(former: Former, directory: Path) -> Path:
    """The directory of its commands. No kernel is compiled for it, which takes a minute: NumPy trains.

    A test that needs it is skipped where the history does not reach so far, or nothing can be installed from a network.
    """
    done = subprocess.run(["git", "-C", ROOT, "archive", former.commit], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"the history here does not reach back to {former.commit}")
    sources, environment = directory / "sources", directory / "environment"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(sources, filter="data")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    projects = [each for each in (sources, sources / "service") if (each / "pyproject.toml").exists()]
    for words in (
        ["--require-hashes", "-r", str(sources / "requirements-build.lock")],
        ["--require-hashes", "-r", str(sources / "requirements-dev.lock")],
        ["--no-deps", "--no-build-isolation", *(word for each in projects for word in ("-e", str(each)))],
    ):
        command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "-q"]
        done = subprocess.run(
            [*command, "--python", str(environment / "bin" / "python"), *words],
            env=dict(os.environ) | {"CC": "false"},
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"{former.commit} cannot be installed here: {done.stderr.decode()[-300:]}")
    return environment / "bin"
