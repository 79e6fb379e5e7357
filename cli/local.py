"""`stepbias run`: an experiment computed in this process, without server, queue or API."""

import logging
from pathlib import Path

import typer

from api.submission import read_spec, require_supported
from cli.experiment_files import local_files, save
from cli.failure import explained
from cli.progress import outcome_counts, progress_report, runs, standing
from cli.submit import spec_bytes
from jobs.states import ExperimentStatus
from worker.local import run_locally


def run(spec: str, *, out: Path) -> int:
    """Compute the experiment and save what `fetch` would."""
    # A failed job is reported below, in one sentence; the worker's log is for operators of a service.
    logging.getLogger("worker").addHandler(logging.NullHandler())
    with explained():
        document = read_spec(spec_bytes(spec))
        require_supported(document)
        with progress_report() as report:
            local = run_locally(document, on_progress=lambda now: report(now.progress, standing(now)))
        ended = local.experiment
        if ended.status is not ExperimentStatus.SUCCEEDED:
            typer.echo(f"stepbias: the experiment {ended.status}: {ended.error}", err=True)
            return 1
        save(local_files(local), out)
    typer.echo(f"{runs(ended.runs_total)}: {outcome_counts(ended.outcomes)}")
    return 0
