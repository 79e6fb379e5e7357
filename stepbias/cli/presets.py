"""`stepbias presets`: the specs of the paper's figures."""

import json

import typer

from core.presets import PRESETS, preset
from stepbias.cli.failure import explained


def presets(name: str | None, *, size: str | None, seeds: int) -> int:
    """Print what presets there are, or the spec of one, ready to be changed and submitted."""
    if name is None:
        for known in PRESETS.values():
            sizes = ", ".join(known.sizes)
            typer.echo(f"{known.name:<18} {known.title} ({sizes})")
        return 0
    with explained():
        spec = preset(name, size, seeds=seeds)
    typer.echo(json.dumps(spec.model_dump(mode="json"), indent=2, ensure_ascii=False))
    return 0
