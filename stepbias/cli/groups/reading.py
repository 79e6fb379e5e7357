# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that `stepbias --help` answers at once
"""What a service knows, one thing at a time: commands that speak HTTP."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from stepbias.cli.command import Group
from stepbias.cli.completion import complete_ids
from stepbias.cli.options import (
    FIGURE_FILES,
    TAKES_ID,
    Directory,
    Service,
    as_json,
    asks_service,
    experiment_id,
    out_picture,
    read_files,
    where,
)

app = Group()


@app.command(context_settings=TAKES_ID)
@experiment_id
@where
@as_json
@asks_service
def status(*, experiment_id: str, where: Sequence[str], as_json: bool, service: Service) -> int:
    """Say how an experiment stands, and where it waits.

    With --where, list these runs and how each ended.
    """
    from stepbias.cli.reading import status as run_status

    return run_status(experiment_id, service=service, where=where, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@experiment_id
@click.option("--json", is_flag=True, expose_value=False, help="It is JSON anyway.")
@asks_service
def spec(*, experiment_id: str, service: Service) -> int:
    """Print the spec of an experiment, to change and submit it."""
    from stepbias.cli.reading import spec as run_spec

    return run_spec(experiment_id, service=service)


@app.command(context_settings=TAKES_ID)
@experiment_id
@click.option("--x", help="An axis of the grid.")
@click.option("--y", help="A result.")
@click.option("--series", help="Another axis: a curve for each of its values.")
@click.option("--over", help="A third one, of which median and quartiles are taken.")
@where
@click.option("--include", help="converged, certain or all.")
@click.option("--points", type=click.IntRange(min=2), help="At most so many values of x.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of JSON.")
@click.option("--json", is_flag=True, expose_value=False, help="It is JSON anyway.")
@asks_service
def curves(*, experiment_id: str, where: Sequence[str], as_csv: bool, service: Service, **question: Any) -> int:
    """Print curves of an experiment: y against x, one per value of series.

    --where fixes axes that are none of these, and narrows x and series.
    """
    from stepbias.cli.reading import curves as run_curves

    return run_curves(experiment_id, question, service=service, as_csv=as_csv, where=where)


@app.command(context_settings=TAKES_ID)
@experiment_id
@click.argument("name", required=False)
@out_picture
@click.option("--format", "form", type=click.Choice(FIGURE_FILES), default="png", help="What it is drawn as.")
@click.option("--style", help="paper, slide or dark.")
@click.option("--size", help="Inches, as in 6x4, or column, page, slide, square.")
@click.option("--dpi", type=int, help="Dots per inch of a png file.")
@click.option("--y-min", type=float, help="The lower end of the y axis.")
@click.option("--y-max", type=float, help="Its upper end.")
@click.option("--runs", help="Indices of the runs to follow, with commas.")
@click.option("--where", metavar="AXIS=VALUE,...", multiple=True, help="Values of an axis to show; may be given again.")
@click.option("--data", is_flag=True, help="Save its numbers as CSV, too.")
@as_json
@asks_service
def figure(  # noqa: PLR0913 - the options of the command, by name
    *,
    experiment_id: str,
    name: str | None,
    out: Path,
    form: str,
    where: Sequence[str],
    data: bool,
    as_json: bool,
    service: Service,
    **options: Any,
) -> int:
    """Draw the figure NAME of an experiment into a file, and print its path.

    Without NAME, print the names of those that it has.
    """
    from stepbias.cli.reading import figure as run_figure

    asked = options | {f"where.{axis}": values for axis, _, values in (each.partition("=") for each in where)}
    return run_figure(experiment_id, name, service=service, out=out, form=form, asked=asked, data=data, as_json=as_json)


@app.command()
@read_files
@click.option("--transform-X", "transform_X", help="centre or standardise the columns before.")
@click.option("--transform-y", help="centre or standardise y before.")
@click.option(
    "--train", metavar="DIRECTORY", type=Directory(), help="Train what is advised, and save what it found there."
)
@as_json
@asks_service
def analyse(  # noqa: PLR0913 - the options of the command, by name
    *,
    files: Sequence[Path],
    transform_X: str | None,
    transform_y: str | None,
    train: Path | None,
    as_json: bool,
    service: Service,
    options: Mapping[str, Any],
) -> int:
    """Say what a large step would do on data of your own, before any training.

    FILE is a .npz, .zip, .json or .csv file, or X.npy y.npy ...
    """
    from stepbias.cli.reading import analyse as run_analyse

    transform = {name: how for name, how in (("X", transform_X), ("y", transform_y)) if how is not None}
    return run_analyse(files, service=service, as_json=as_json, transform=transform, train=train, **options)


@app.command(context_settings=TAKES_ID)
@click.argument("first", metavar="ID", shell_complete=complete_ids)
@click.argument("second", metavar="ID", shell_complete=complete_ids)
@click.option("--quantity", "quantities", multiple=True, help="Of these alone; may be given again.")
@as_json
@asks_service
def compare(*, first: str, second: str, quantities: Sequence[str], as_json: bool, service: Service) -> int:
    """Compare two experiments: the runs they share, and how far each result differs."""
    from stepbias.cli.compare import compare as run_compare

    return run_compare(first, second, quantities, service=service, as_json=as_json)


@app.command(context_settings=TAKES_ID)
@click.argument("kind", type=click.Choice(["mlflow"]))
@experiment_id
@click.option("--to", "directory", metavar="DIRECTORY", help="Where MLflow keeps its runs; default: what it is set to.")
@where
@as_json
@asks_service
def export(  # noqa: PLR0913 - the options of the command, by name
    *, kind: str, experiment_id: str, directory: str | None, where: Sequence[str], as_json: bool, service: Service
) -> int:
    """Hand the runs of an experiment to a tracker of experiments, one run of it for each."""
    from stepbias.cli.tracking import export as run_export

    return run_export(kind, experiment_id, directory, where=where, service=service, as_json=as_json)
