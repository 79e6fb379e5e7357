"""From an empty environment to figures of data, by the lines of the README. `python -m tests.first_hour --help`."""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from tests.first_hour.readme import ROOT, commands

FOREIGN: Final = ("PYTHON", "VIRTUAL_ENV", "STEPBIAS_", "XDG_")
"""What begins so in the environment is of this run, and not of a machine on which nothing was ever set up."""
SAMPLES: Final = 40
FEATURES: Final = 60
START_SECONDS: Final = 120.0


def main() -> int:
    """Type each line as it stands, in a clone of the last commit, and say how long it took; 1 without a figure."""
    parser = argparse.ArgumentParser(prog="python -m tests.first_hour", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="of the empty environment; %(default)s")
    words = parser.parse_args()
    install, serve, *asking = commands()
    with tempfile.TemporaryDirectory(prefix="stepbias-first-hour-") as directory:
        environment = _empty_environment(Path(directory), words.python)
        checkout = Path(directory, "stepbias")
        subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
        _write_table(checkout / "data.csv")
        started_at = time.monotonic()
        _typed(install, checkout, environment)
        with _serving(serve, checkout, environment):
            for line in asking:
                _typed(line, checkout, environment)
        figures = sorted(file.name for file in checkout.glob("results/*.png"))
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        click.echo(f"{time.monotonic() - started_at:6.0f} s  in all, to {len(figures)} figures: {', '.join(figures)}")
        click.echo(
            f"{used.ru_utime + used.ru_stime:6.0f} s  of a core, which a machine that has nothing else to do takes"
        )
    return int(not figures)


def _empty_environment(home: Path, python: str) -> dict[str, str]:
    """The variables of a shell in which a new environment of Python is active, and whose user has no files."""
    subprocess.run([python, "-m", "venv", home / "environment"], check=True)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return ours | {"HOME": str(home), "PATH": f"{home / 'environment' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def _write_table(file: Path) -> None:
    """More features than samples, of which three matter, and names of columns."""
    draw = random.Random(0)
    lines = [",".join([*(f"feature_{column}" for column in range(FEATURES)), "y"])]
    for _ in range(SAMPLES):
        row = [draw.gauss(0.0, 1.0) for _ in range(FEATURES)]
        lines.append(",".join(f"{value:.6g}" for value in [*row, row[0] - 2.0 * row[1] + 0.5 * row[2]]))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _typed(line: str, directory: Path, environment: dict[str, str]) -> None:
    started_at = time.monotonic()
    done = subprocess.run(
        ["sh", "-c", line], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{line}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    click.echo(f"{time.monotonic() - started_at:6.0f} s  {line}")


@contextmanager
def _serving(line: str, directory: Path, environment: dict[str, str]) -> Iterator[None]:
    """Inside, the service runs as in a terminal of its own."""
    started_at = time.monotonic()
    said = directory / "service.txt"
    with (
        said.open("wb") as output,
        subprocess.Popen(
            ["sh", "-c", f"exec {line}"],
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            while b"is ready at" not in said.read_bytes():
                if process.poll() is not None or time.monotonic() > started_at + START_SECONDS:
                    raise RuntimeError(f"the service has not started: {said.read_text(errors='replace')}")
                time.sleep(0.05)
            click.echo(f"{time.monotonic() - started_at:6.0f} s  {line}")
            yield
        finally:
            process.terminate()


sys.exit(main())
