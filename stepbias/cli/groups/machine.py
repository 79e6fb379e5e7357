"""What is done on this machine without asking a service."""

from pathlib import Path
from typing import Annotated

import typer

from stepbias.cli.launched import launched
from stepbias.cli.options import Arrays, OutDirectory, SpecFile, StateDirectory, Trajectories

app = typer.Typer()

BackupFile = Annotated[str, typer.Argument(metavar="FILE", help="File of the backup; - is stdout, or stdin.")]


@app.command()
def run(
    spec: SpecFile,
    out: OutDirectory = Path("out"),
    arrays: Arrays = False,
    trajectories: Trajectories = False,
) -> None:
    """Compute an experiment here, without any service; save what `fetch` would."""
    raise typer.Exit(launched("local", "run")(spec, out=out, arrays=arrays, trajectories=trajectories))


@app.command()
def backup(file: BackupFile, state_dir: StateDirectory = None) -> None:
    """Write everything that the store holds to one file; the service may run."""
    raise typer.Exit(launched("backup", "backup")(file, state_dir))


@app.command()
def restore(file: BackupFile, state_dir: StateDirectory = None) -> None:
    """Make the store of a backup, where there is none."""
    raise typer.Exit(launched("backup", "restore")(file, state_dir))


@app.command()
def doctor(state_dir: StateDirectory = None) -> None:
    """Say what this installation is made of, and what is wrong."""
    raise typer.Exit(launched("doctor", "doctor")(state_dir))
