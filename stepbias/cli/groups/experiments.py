# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that `stepbias --help` answers at once
"""Experiments of a service, uploads and presets: commands that speak HTTP."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from stepbias.cli.command import Group
from stepbias.cli.completion import complete_ids, complete_presets
from stepbias.cli.groups.service import QUEUES
from stepbias.cli.options import (
    TAKES_ID,
    Service,
    arrays,
    as_json,
    asks_service,
    experiment_id,
    out_directory,
    read_files,
    spec_file,
    trajectories,
    where,
)
from stepbias.formats import RESULT_FORMATS

app = Group()


@app.command()
@spec_file
@click.option("--watch", "then_watch", is_flag=True, help="Show progress until it is finished.")
@click.option("--shuffled", is_flag=True, help="Train a tenth of all runs, spread over the grid, after another.")
@click.option("--stop-at-first-failure", is_flag=True, help="Cancel it when a job has used up its attempts.")
@click.option("--priority", type=click.Choice(QUEUES), default="interactive", help="batch: nobody waits for it.")
@click.option("--webhook", metavar="ADDRESS", help="Where its end is told, by a signed POST.")
@as_json
@asks_service
def submit(  # noqa: PLR0913 - the options of the command, by name
    *,
    spec: str,
    then_watch: bool,
    shuffled: bool,
    stop_at_first_failure: bool,
    priority: str,
    webhook: str | None,
    as_json: bool,
    service: Service,
) -> int:
    """Hand in an experiment; print its id.

    SPEC is a JSON file, or - for stdin.
    """
    from stepbias.cli.submit import submit as run_submit

    wishes: dict[str, Any] = {"order": "shuffled" if shuffled else "grid", "priority": priority}
    wishes |= {"stop_at_first_failure": stop_at_first_failure} | ({} if webhook is None else {"webhook": webhook})
    return run_submit(spec, service=service, then_watch=then_watch, as_json=as_json, **wishes)


@app.command()
@spec_file
@click.option("--json", is_flag=True, expose_value=False, help="It is JSON anyway.")
@asks_service
def estimate(*, spec: str, service: Service) -> int:
    """Say what an experiment would cost, without running it.

    SPEC is a JSON file, or - for stdin.
    """
    from stepbias.cli.submit import estimate as run_estimate

    return run_estimate(spec, service=service)


@app.command()
@read_files
@as_json
@asks_service
def upload(*, files: Sequence[Path], options: Mapping[str, Any], as_json: bool, service: Service) -> int:
    """Upload data of your own; print the id to name them by in a spec, and how the file was understood.

    FILE is a .npz, .zip, .json or .csv file, or X.npy y.npy ...
    """
    from stepbias.cli.upload import upload as run_upload

    return run_upload(files, service=service, as_json=as_json, **options)


@app.command(context_settings=TAKES_ID)
@experiment_id
@as_json
@asks_service
def watch(*, experiment_id: str, as_json: bool, service: Service) -> int:
    """Show the progress of an experiment until it is finished.

    On a terminal as a table; elsewhere in lines. JSON is a document for each answer of the service.
    """
    from stepbias.cli.submit import watch as run_watch

    return run_watch(experiment_id, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@experiment_id
@out_directory("out")
@arrays
@trajectories
@click.option(
    "--format", "formats", type=click.Choice(RESULT_FORMATS), multiple=True, help="Of the results; default: every one."
)
@where
@as_json
@asks_service
def fetch(  # noqa: PLR0913 - the options of the command, by name
    *,
    experiment_id: str,
    out: Path,
    arrays: bool,
    trajectories: bool,
    formats: Sequence[str],
    where: Sequence[str],
    as_json: bool,
    service: Service,
) -> int:
    """Save all that an experiment has found: results, analysis, curves, report, figures, manifest.

    With --where, the results (as csv and ndjson), arrays and trajectories are those of these runs.
    """
    from stepbias.cli.fetch import fetch as run_fetch

    wanted = {"arrays": arrays, "trajectories": trajectories}
    return run_fetch(experiment_id, out=out, formats=formats, where=where, as_json=as_json, service=service, **wanted)


@app.command(context_settings=TAKES_ID)
@experiment_id
@as_json
@asks_service
def report(*, experiment_id: str, as_json: bool, service: Service) -> int:
    """Check every inequality of the paper on an experiment."""
    from stepbias.cli.report import report as run_report

    return run_report(experiment_id, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@experiment_id
@as_json
@asks_service
def cancel(*, experiment_id: str, as_json: bool, service: Service) -> int:
    """Stop an experiment; its finished runs are kept."""
    from stepbias.cli.submit import cancel as run_cancel

    return run_cancel(experiment_id, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@experiment_id
@as_json
@asks_service
def retry(*, experiment_id: str, as_json: bool, service: Service) -> int:
    """Compute again what failed in an experiment."""
    from stepbias.cli.submit import retry as run_retry

    return run_retry(experiment_id, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@click.argument("experiment_ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_ids)
@as_json
@asks_service
def delete(*, experiment_ids: Sequence[str], as_json: bool, service: Service) -> int:
    """Delete finished experiments, and of their results what no other one uses."""
    from stepbias.cli.submit import delete as run_delete

    return run_delete(experiment_ids, service=service, as_json=as_json)


@app.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--name", help="A part of the name, in letters of either case.")
@click.option("--tag", multiple=True, help="A tag that it has; may be given again.")
@click.option("--status", multiple=True, help="A status it may have; may be given again.")
@click.option("--since", help="Submitted then or later, 2026-01-31T12:00:00Z.")
@click.option("--until", help="Submitted before.")
@click.option("--preset", help="Submitted from this preset.", shell_complete=complete_presets)
@as_json
@asks_service
def list_experiments(*, limit: int, as_json: bool, service: Service, **filters: Any) -> int:
    """List the experiments of a service, newest first."""
    from stepbias.cli.listing import list_experiments as run_list

    return run_list(limit=limit, service=service, as_json=as_json, **filters)


@app.command(context_settings=TAKES_ID)
@experiment_id
@click.argument("name")
@as_json
@asks_service
def rename(*, experiment_id: str, name: str, as_json: bool, service: Service) -> int:
    """Give an experiment another name."""
    from stepbias.cli.labels import rename as run_rename

    return run_rename(experiment_id, name, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@experiment_id
@click.argument("tags", metavar="TAG...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take these tags away.")
@as_json
@asks_service
def tag(*, experiment_id: str, tags: Sequence[str], remove: bool, as_json: bool, service: Service) -> int:
    """Add tags to an experiment; print all that it has."""
    from stepbias.cli.labels import tag as run_tag

    return run_tag(experiment_id, tags, remove=remove, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@experiment_id
@click.argument("text", required=False)
@as_json
@asks_service
def note(*, experiment_id: str, text: str | None, as_json: bool, service: Service) -> int:
    """Note TEXT of an experiment, in place of what was noted; without it, print that."""
    from stepbias.cli.labels import note as run_note

    return run_note(experiment_id, text, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@experiment_id
@click.option("--stop", is_flag=True, help="Share it no longer.")
@as_json
@asks_service
def share(*, experiment_id: str, stop: bool, as_json: bool, service: Service) -> int:
    """Let others who have a key read an experiment; they need its whole id, which is printed."""
    from stepbias.cli.labels import share as run_share

    return run_share(experiment_id, shared=not stop, service=service, as_json=as_json)


@app.command()
@click.argument("name", required=False, shell_complete=complete_presets)
@click.option("--size", type=click.Choice(["demo", "quick", "full"]), help="How much of it; default: the least.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, help="Data sets over which curves are aggregated.")
@as_json
@asks_service
def presets(*, name: str | None, size: str | None, seeds: int, as_json: bool, service: Service) -> int:
    """List the paper's figures as specs, or print the one called NAME as JSON."""
    from stepbias.cli.presets import presets as run_presets

    return run_presets(name, size=size, seeds=seeds, service=service, as_json=as_json)
