"""`stepbias upload`: data of one's own, sent to a service once and used by their id."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from stepbias.cli.submit import connected


def upload(files: Sequence[Path], *, url: str, **options: Any) -> int:
    """Upload a data set; print its id on stdout, and what was understood, guessed or left out on stderr."""
    with connected(url) as client:
        document = client.upload_dataset(files, **options)
        typer.echo(document["id"])
        typer.echo(", ".join(_contents(document)), err=True)
        for line in _understood(document["reading"]):
            typer.echo(line, err=True)
    return 0


def _understood(reading: Mapping[str, Any]) -> Iterator[str]:
    for what in ("dropped", "converted", "guessed"):
        yield from (f"{what}: {sentence}" for sentence in reading[what])


def _contents(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{document['samples']} samples in {document['dimension']} columns"
    if document["held_out_samples"]:
        yield f"{document['held_out_samples']} held out"
    if document["has_true_predictor"]:
        yield "with a true predictor"
