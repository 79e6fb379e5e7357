"""What is done on this machine without asking a service."""

from pathlib import Path
from typing import BinaryIO

import click

from stepbias.cli.command import Group
from stepbias.cli.launched import launched
from stepbias.cli.options import arrays, as_json, out_results, spec_file, state_directory, trajectories
from stepbias.explorer.document import document

app = Group()

backup_file = click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))


@app.command()
@spec_file
@out_results
@arrays
@trajectories
@as_json
def run(*, spec: str, out: Path, arrays: bool, trajectories: bool, as_json: bool) -> int:
    """Compute an experiment here, without any service; save what it found.

    SPEC is a JSON file, or - for stdin. Files are byte for byte those of `fetch`.
    """
    return launched("local", "run")(spec, out=out, arrays=arrays, trajectories=trajectories, as_json=as_json)


@app.command()
@backup_file
@state_directory
@as_json
def backup(*, file: str, state_dir: Path | None, as_json: bool) -> int:
    """Write everything that the store holds to one file; the service may run.

    FILE may be a directory, for a file with the date in its name, or - for stdout.
    """
    return launched("backup", "backup")(file, state_dir, as_json=as_json)


@app.command()
@backup_file
@state_directory
@click.option("--replace", "replaces", is_flag=True, help="Delete what the store holds first.")
@as_json
def restore(*, file: str, state_dir: Path | None, replaces: bool, as_json: bool) -> int:
    """Make the store of a backup, where there is none.

    FILE may be - for stdin.
    """
    return launched("backup", "restore")(file, state_dir, replaces=replaces, as_json=as_json)


@app.command()
@state_directory
@as_json
def doctor(*, state_dir: Path | None, as_json: bool) -> int:
    """Say what this installation is made of, and what is wrong."""
    return launched("doctor", "doctor")(state_dir, as_json=as_json)


@app.command()
@click.option(
    "--out", "-o", metavar="FILE", type=click.File("wb", lazy=True), default="-", help="A file; default: stdout."
)
def explorer(*, out: BinaryIO) -> int:
    """Print the explorer, a page for any browser: what the step size does to two or three weights.

    It needs no service and no network: stepbias explorer > explorer.html
    """
    out.write(document().encode())
    return 0
