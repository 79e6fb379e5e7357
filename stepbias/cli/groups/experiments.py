# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that `stepbias --help` answers at once
"""Experiments of a service, uploads and presets: commands that speak HTTP."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stepbias.cli.options import (
    LOCAL_URL,
    Arrays,
    AsJson,
    ExperimentId,
    OutDirectory,
    ServedQueue,
    SpecFile,
    Trajectories,
    Url,
)

app = typer.Typer()

Columns = Annotated[list[str] | None, typer.Option(help="A column to leave out; may be given again.")]

# An id may begin with a hyphen.
_TAKES_ID = {"ignore_unknown_options": True}


class PresetSize(StrEnum):
    """How much of a figure a preset computes."""

    DEMO = "demo"
    QUICK = "quick"
    FULL = "full"


class ResultFormat(StrEnum):
    """What results are saved as."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    NPZ = "npz"


ResultFormats = Annotated[
    list[ResultFormat] | None, typer.Option("--format", help="How results are saved; may be repeated. Default: json.")
]


@app.command()
def submit(  # noqa: PLR0913, PLR0917 - the options of the command, by name
    spec: SpecFile,
    watch: Annotated[bool, typer.Option("--watch", help="Show progress until it is finished.")] = False,
    shuffled: Annotated[
        bool, typer.Option("--shuffled", help="Train a tenth of all runs, spread over the grid, after another.")
    ] = False,
    stop_at_first_failure: Annotated[
        bool, typer.Option("--stop-at-first-failure", help="Cancel it when a job has used up its attempts.")
    ] = False,
    priority: Annotated[ServedQueue, typer.Option(help="batch: nobody waits for it.")] = ServedQueue.INTERACTIVE,
    webhook: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where its end is told, by a signed POST.")
    ] = None,
    url: Url = LOCAL_URL,
) -> None:
    """Hand in an experiment; print its id."""
    from stepbias.cli.submit import submit as run_submit

    order = "shuffled" if shuffled else "grid"
    wishes = {"order": order, "stop_at_first_failure": stop_at_first_failure, "priority": priority.value}
    wishes |= {} if webhook is None else {"webhook": webhook}
    raise typer.Exit(run_submit(spec, url=url, then_watch=watch, **wishes))


@app.command()
def estimate(spec: SpecFile, url: Url = LOCAL_URL) -> None:
    """Say what an experiment would cost, without running it."""
    from stepbias.cli.submit import estimate as run_estimate

    raise typer.Exit(run_estimate(spec, url=url))


@app.command()
def upload(  # noqa: PLR0913, PLR0917 - the options of the command, by name
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="A .npz, .zip, .json or .csv file, or X.npy y.npy …")
    ],
    target: Annotated[
        str | None, typer.Option(help="The column of a .csv file that is y; default: the one called y, or the last.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the data set is called; default: the file's name.")] = None,
    drop: Columns = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="A column that counts the rows, or has no name, and is a feature.")
    ] = None,
    one_hot: Annotated[
        list[str] | None, typer.Option(help="A column of categories, which becomes columns of 0 and 1.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="comma, semicolon, tab, bar or space.")] = None,
    decimal: Annotated[str | None, typer.Option(help="point or comma.")] = None,
    missing: Annotated[str | None, typer.Option(help="Samples with missing values: refuse, drop or mean.")] = None,
    url: Url = LOCAL_URL,
) -> None:
    """Upload data of your own; print the id to name them by in a spec, and how the file was understood."""
    from stepbias.cli.upload import upload as run_upload

    columns = {"target": target, "drop": drop, "keep": keep, "one_hot": one_hot}
    dialect = {"delimiter": delimiter, "decimal": decimal, "missing": missing}
    raise typer.Exit(run_upload(files, url=url, name=name, **columns, **dialect))


@app.command(context_settings=_TAKES_ID)
def watch(experiment: ExperimentId, url: Url = LOCAL_URL) -> None:
    """Show the progress of an experiment until it is finished."""
    from stepbias.cli.submit import watch as run_watch

    raise typer.Exit(run_watch(experiment, url=url))


@app.command(context_settings=_TAKES_ID)
def fetch(  # noqa: PLR0913, PLR0917 - options of a command
    experiment: ExperimentId,
    out: OutDirectory = Path("out"),
    arrays: Arrays = False,
    trajectories: Trajectories = False,
    formats: ResultFormats = None,
    url: Url = LOCAL_URL,
) -> None:
    """Save what an experiment has found: results, curves, figures."""
    from stepbias.cli.fetch import fetch as run_fetch

    chosen = [each.value for each in formats or [ResultFormat.JSON]]
    raise typer.Exit(run_fetch(experiment, out=out, url=url, arrays=arrays, trajectories=trajectories, formats=chosen))


@app.command(context_settings=_TAKES_ID)
def report(
    experiment: ExperimentId,
    url: Url = LOCAL_URL,
    as_json: AsJson = False,
) -> None:
    """Check every inequality of the paper on an experiment."""
    from stepbias.cli.report import report as run_report

    raise typer.Exit(run_report(experiment, url=url, as_json=as_json))


@app.command(context_settings=_TAKES_ID)
def cancel(experiment: ExperimentId, url: Url = LOCAL_URL) -> None:
    """Stop an experiment; its finished runs are kept."""
    from stepbias.cli.submit import cancel as run_cancel

    raise typer.Exit(run_cancel(experiment, url=url))


@app.command(context_settings=_TAKES_ID)
def retry(experiment: ExperimentId, url: Url = LOCAL_URL) -> None:
    """Compute again what failed in an experiment."""
    from stepbias.cli.submit import retry as run_retry

    raise typer.Exit(run_retry(experiment, url=url))


@app.command(context_settings=_TAKES_ID)
def delete(
    experiments: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of finished experiments.")],
    url: Url = LOCAL_URL,
) -> None:
    """Delete experiments, and of their results what no other one uses."""
    from stepbias.cli.submit import delete as run_delete

    raise typer.Exit(run_delete(experiments, url=url))


@app.command("list")
def list_experiments(  # noqa: PLR0913, PLR0917 - the options of the command, by name
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    name: Annotated[str | None, typer.Option(help="A part of the name, in letters of either case.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag that it has; may be given again.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="A status it may have; may be given again.")] = None,
    since: Annotated[str | None, typer.Option(help="Submitted then or later, 2026-01-31T12:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Submitted before.")] = None,
    preset: Annotated[str | None, typer.Option(help="Submitted from this preset.")] = None,
    as_json: AsJson = False,
    url: Url = LOCAL_URL,
) -> None:
    """List the experiments of a service, newest first."""
    from stepbias.cli.listing import list_experiments as run_list

    times = {"since": since, "until": until}
    raise typer.Exit(
        run_list(limit=limit, url=url, as_json=as_json, name=name, tag=tag, status=status, preset=preset, **times)
    )


@app.command(context_settings=_TAKES_ID)
def rename(experiment: ExperimentId, name: Annotated[str, typer.Argument()], url: Url = LOCAL_URL) -> None:
    """Give an experiment another name."""
    from stepbias.cli.labels import rename as run_rename

    raise typer.Exit(run_rename(experiment, name, url=url))


@app.command(context_settings=_TAKES_ID)
def tag(
    experiment: ExperimentId,
    tags: Annotated[list[str], typer.Argument(metavar="TAG…")],
    remove: Annotated[bool, typer.Option("--remove", help="Take these tags away.")] = False,
    url: Url = LOCAL_URL,
) -> None:
    """Add tags to an experiment; print all that it has."""
    from stepbias.cli.labels import tag as run_tag

    raise typer.Exit(run_tag(experiment, tags, remove=remove, url=url))


@app.command(context_settings=_TAKES_ID)
def note(
    experiment: ExperimentId,
    text: Annotated[str | None, typer.Argument(help="In place of what was noted; default: print that.")] = None,
    url: Url = LOCAL_URL,
) -> None:
    """Note something of an experiment, or print what was noted."""
    from stepbias.cli.labels import note as run_note

    raise typer.Exit(run_note(experiment, text, url=url))


@app.command(context_settings=_TAKES_ID)
def share(
    experiment: ExperimentId,
    stop: Annotated[bool, typer.Option("--stop", help="Share it no longer.")] = False,
    url: Url = LOCAL_URL,
) -> None:
    """Let others who have a key read an experiment; they need its whole id, which is printed."""
    from stepbias.cli.labels import share as run_share

    raise typer.Exit(run_share(experiment, shared=not stop, url=url))


@app.command()
def presets(
    name: Annotated[str | None, typer.Argument(help="Print this one's spec; default: list them.")] = None,
    size: Annotated[PresetSize | None, typer.Option(help="How much of the figure; default: the least.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Data sets over which curves are aggregated.")] = 1,
    url: Url = LOCAL_URL,
) -> None:
    """List the paper's figures as specs, or print one as JSON."""
    from stepbias.cli.presets import presets as run_presets

    raise typer.Exit(run_presets(name, size=size and size.value, seeds=seeds, url=url))
