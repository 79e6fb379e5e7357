"""The files that an experiment leaves behind: its spec, results, curves and figures."""

from collections.abc import Mapping
from pathlib import Path

import typer

from client import ExperimentHandle


def remote_files(handle: ExperimentHandle, *, figures: Mapping[str, str]) -> dict[str, bytes]:
    """The files of an experiment of a service, byte for byte as it sends them.

    Args:
        handle: the experiment.
        figures: file names, and the figure to find in each; the suffix is the format.
    """
    documents = {f"{part}.json": handle.read(part) for part in ("spec", "results", "curves")}
    drawn = {file: handle.figure(name, format=Path(file).suffix[1:]) for file, name in figures.items()}
    return documents | drawn


def save(files: Mapping[str, bytes], out: Path) -> None:
    """Write the files, and say where they are.

    Raises:
        OSError: the directory or a file cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
        typer.echo(out / name)
