"""`make demo test` in a clean clone with each Python that is promised. `python -m tests.pythons --help`."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import click

from tests.pythons.promise import ROOT, interpreter, promised

LAST_LINES: Final = 30
FOREIGN: Final = ("PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "STEPBIAS_")
"""What begins so in the environment is of this run, and not of a machine on which nothing was ever set up."""


def main() -> int:
    """Each in turn; 1 unless all of them passed. A version that is not on this machine has not passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.pythons", description=__doc__)
    parser.add_argument("--versions", nargs="+", default=promised(), help="instead of all that are promised")
    parser.add_argument("--targets", nargs="+", default=["demo", "test"], help="of make; demo and test unless given")
    parser.add_argument("--logs", type=Path, default=ROOT / "out" / "pythons", help="directory; %(default)s")
    words = parser.parse_args()
    words.logs.mkdir(parents=True, exist_ok=True)
    verdicts = {version: _verdict(version, words.targets, words.logs) for version in words.versions}
    click.echo("\n".join(f"{version}  {verdict or 'passed'}" for version, verdict in verdicts.items()))
    return int(any(verdicts.values()))


def _verdict(version: str, targets: list[str], logs: Path) -> str:
    """Nothing, or why it has not passed."""
    python = interpreter(version)
    if python is None:
        return "not run: there is no such Python on this machine"
    log = logs / f"{version}.log"
    click.echo(f"{version}  {python}: make {' '.join(targets)} (log: {log})")
    started_at = time.monotonic()
    code = _run_in_clone(python, targets, log)
    click.echo(f"{version}  exit code {code} after {time.monotonic() - started_at:.0f} s")
    if code == 0:
        return ""
    click.echo("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]))
    return f"failed with exit code {code}"


def _run_in_clone(python: Path, targets: list[str], log: Path) -> int:
    """The exit code of make in a clone of the last commit, which has no environment yet."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    with tempfile.TemporaryDirectory(prefix="stepbias-pythons-") as clone, log.open("w", encoding="utf-8") as output:
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        command = ["make", "--directory", clone, *targets, f"PYTHON={python}"]
        return subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode


sys.exit(main())
