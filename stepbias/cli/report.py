"""`stepbias report`: every inequality of the paper, checked on an experiment of a service."""

import typer

from stepbias.cli.submit import connected


def report(experiment_id: str, *, url: str, as_json: bool) -> int:
    """Print the report on stdout, as a page of text or as JSON, as the service sends it."""
    with connected(url) as client:
        content = client.experiment(experiment_id).read("report" if as_json else "report.txt")
        typer.echo(content.decode().rstrip("\n"))
    return 0
