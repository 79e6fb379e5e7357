"""`stepbias list`: the experiments of a service."""

from itertools import islice

import typer
from rich.table import Column, Table

from stepbias import Experiment
from stepbias.cli.submit import connected
from stepbias.cli.table import print_table


def list_experiments(*, limit: int, url: str) -> int:
    """Print the newest experiments, a line each."""
    with connected(url) as client:
        experiments = [handle.experiment for handle in islice(client.experiments(page_size=min(limit, 100)), limit)]
    if not experiments:
        typer.echo("no experiments yet: stepbias submit SPEC makes one", err=True)
        return 0
    # Ids are there to be copied, so they are never cut.
    table = Table(Column("id", no_wrap=True, min_width=len(experiments[0].id)), *_COLUMNS, box=None, pad_edge=False)
    for experiment in experiments:
        table.add_row(*_cells(experiment))
    print_table(table)
    return 0


_COLUMNS = ("status", "runs", "created", "name", "tags")


def _cells(experiment: Experiment) -> tuple[str, ...]:
    runs = f"{experiment.runs_done}/{experiment.runs_total}"
    created = experiment.created_at or ""
    return (experiment.id, experiment.status, runs, created, experiment.name, " ".join(experiment.tags))
