"""`stepbias upload`: data of one's own, sent to a service once and used by their id."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stepbias.cli.options import Service
from stepbias.cli.output import remark, tell, tell_json
from stepbias.cli.submit import connected


def upload(files: Sequence[Path], *, service: Service, as_json: bool, **options: Any) -> int:
    """Upload a data set; print its id on stdout, and what was understood, guessed or left out on stderr."""
    with connected(service) as client:
        document = client.upload_dataset(files, **options)
    if as_json:
        tell_json(document)
    else:
        tell(document["id"])
        remark(", ".join(_contents(document)))
    for line in understood(document["reading"]):
        remark(line)
    return 0


def understood(reading: Mapping[str, Any]) -> Iterator[str]:
    """What became of a file, a sentence each."""
    for what in ("dropped", "converted", "guessed"):
        yield from (f"{what}: {sentence}" for sentence in reading[what])


def _contents(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{document['samples']} samples in {document['dimension']} columns"
    if document["held_out_samples"]:
        yield f"{document['held_out_samples']} held out"
    if document["has_true_predictor"]:
        yield "with a true predictor"
