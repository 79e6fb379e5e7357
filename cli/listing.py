"""`stepbias list`: the experiments of a service."""

from itertools import islice

import typer
from rich.console import Console
from rich.table import Table

from cli.submit import connected


def list_experiments(*, limit: int, url: str) -> int:
    """Print the newest experiments, a line each."""
    with connected(url) as client:
        experiments = [handle.experiment for handle in islice(client.experiments(page_size=min(limit, 100)), limit)]
    table = Table("id", "status", "runs", "created", "name", "tags", box=None)
    for experiment in experiments:
        counts = f"{experiment.runs_done}/{experiment.runs_total}"
        cells = (experiment.created_at or "", experiment.name, " ".join(experiment.tags))
        table.add_row(experiment.id, experiment.status, counts, *cells)
    if not experiments:
        typer.echo("no experiments yet: stepbias submit SPEC makes one", err=True)
        return 0
    # Lines are never wrapped or cut: ids are there to be copied, and other programs may read them.
    width = None if (console := Console(markup=False, highlight=False)).is_terminal else 10_000
    console.print(table, width=width, soft_wrap=True)
    return 0
