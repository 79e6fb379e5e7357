"""`stepbias upload`: data of one's own, sent to a service once and used by their id."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from stepbias.cli.submit import connected


def upload(files: Sequence[Path], *, target: str | None, url: str) -> int:
    """Upload a data set; print its id on stdout."""
    with connected(url) as client:
        document = client.upload_dataset(files, target=target)
        typer.echo(document["id"])
        typer.echo(", ".join(_contents(document)), err=True)
    return 0


def _contents(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{document['samples']} samples in {document['dimension']} columns"
    if document["held_out_samples"]:
        yield f"{document['held_out_samples']} held out"
    if document["has_true_predictor"]:
        yield "with a true predictor"
