"""`stepbias list`: the experiments of a service."""

import json
from dataclasses import asdict
from itertools import islice
from typing import Any

import typer
from rich.table import Column, Table

from stepbias import Experiment
from stepbias.cli.submit import connected
from stepbias.cli.table import print_table


def list_experiments(*, limit: int, url: str, as_json: bool, **filters: Any) -> int:
    """Print the newest experiments that have what is asked for, a line each."""
    wanted = {name: value for name, value in filters.items() if value}
    with connected(url) as client:
        found = client.experiments(page_size=min(limit, 100), **wanted)
        experiments = [handle.experiment for handle in islice(found, limit)]
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in experiments], indent=2, ensure_ascii=False))
        return 0
    if not experiments:
        typer.echo(_NONE_SUCH if wanted else "no experiments yet: stepbias submit SPEC makes one", err=True)
        return 0
    # Ids are there to be copied, so they are never cut.
    table = Table(Column("id", no_wrap=True, min_width=len(experiments[0].id)), *_COLUMNS, box=None, pad_edge=False)
    for experiment in experiments:
        table.add_row(*_cells(experiment))
    print_table(table)
    return 0


_NONE_SUCH = "there is no such experiment"

_COLUMNS = ("status", "runs", "created", "name", "tags")


def _cells(experiment: Experiment) -> tuple[str, ...]:
    runs = f"{experiment.runs_done}/{experiment.runs_total}"
    created = experiment.created_at or ""
    return (experiment.id, experiment.status, runs, created, experiment.name, " ".join(experiment.tags))
