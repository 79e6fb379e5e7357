"""Clients generated from docs/openapi.json, in Python and TypeScript: `python -m tests.clients`; 0 if both work."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from tests.faults.besieged_service import BesiegedService

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
DOCUMENT: Final = ROOT / "docs" / "openapi.json"
PROGRAMS: Final = ROOT / ".venv-clients" / "bin"


def python_client(directory: Path) -> None:
    """Generate a client and let it run an experiment."""
    generator = PROGRAMS / "openapi-python-client"
    _run(generator, "generate", "--path", DOCUMENT, "--output-path", directory / "generated", "--meta", "none")
    shutil.copy(HERE / "generated_client.py", directory)
    with BesiegedService(directory, workers=1, settings={}) as service:
        _run(PROGRAMS / "python", "generated_client.py", service.url, directory=directory)


def typescript_client(directory: Path) -> None:
    """Generate types and let the compiler read what uses them, at its strictest."""
    shutil.copytree(HERE / "typescript", directory, dirs_exist_ok=True)
    _run("npm", "ci", "--silent", "--ignore-scripts", directory=directory)
    programs = directory / "node_modules" / ".bin"
    # A default is what is taken where nothing is given, so its field need not be.
    _run(programs / "openapi-typescript", DOCUMENT, "--default-non-nullable=false", "--output", directory / "api.d.ts")
    strict = ("--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
    _run(programs / "tsc", *strict, "--lib", "es2022,dom", "api.d.ts", "use.ts", directory=directory)


def _run(*command: str | Path, directory: Path = ROOT) -> None:
    subprocess.run(command, cwd=directory, env=dict(os.environ) | {"PYTHONPATH": ""}, check=True)


def main() -> int:
    """Both, one after the other."""
    for client in (python_client, typescript_client):
        with tempfile.TemporaryDirectory(prefix="stepbias-clients-") as directory:
            client(Path(directory))
        click.echo(f"{client.__name__.replace('_', ' ')}: works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
