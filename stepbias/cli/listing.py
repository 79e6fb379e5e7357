"""`stepbias list`: the experiments of a service."""

from itertools import islice
from typing import Any, Final

from stepbias import Experiment
from stepbias.cli.options import Service
from stepbias.cli.output import remark, tell_json, tell_table
from stepbias.cli.submit import connected

_COLUMNS: Final = ("id", "status", "runs", "created", "name", "tags")


def list_experiments(*, limit: int, service: Service, as_json: bool, **filters: Any) -> int:
    """Print the newest experiments that have what is asked for, a line each."""
    wanted: dict[str, Any] = {name: value for name, value in filters.items() if value}
    with connected(service) as client:
        found = client.experiments(page_size=min(limit, 100), **wanted)
        experiments = [handle.experiment for handle in islice(found, limit)]
    if as_json:
        tell_json([each.document for each in experiments])
    elif experiments:
        tell_table(_COLUMNS, map(_cells, experiments))
    else:
        remark("there is no such experiment" if wanted else "no experiments yet: stepbias submit SPEC makes one")
    return 0


def _cells(experiment: Experiment) -> tuple[str, ...]:
    runs = f"{experiment.runs_done}/{experiment.runs_total}"
    created = experiment.created_at or ""
    return (experiment.id, experiment.status, runs, created, experiment.name, " ".join(experiment.tags))
