"""`stepbias presets`: the specs of the paper's figures."""

import json

import typer

from stepbias.cli.submit import connected


def presets(name: str | None, *, size: str | None, seeds: int, url: str) -> int:
    """Print what presets there are, or the spec of one, ready to be changed and submitted."""
    with connected(url) as client:
        if name is None:
            for known in client.presets():
                typer.echo(f"{known['name']:<18} {known['title']} ({', '.join(known['sizes'])})")
        else:
            typer.echo(json.dumps(client.preset(name, size, seeds=seeds), indent=2, ensure_ascii=False))
    return 0
