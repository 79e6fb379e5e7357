# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that `stepbias --help` answers at once
"""What a service knows, one thing at a time: commands that speak HTTP."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stepbias.cli.options import LOCAL_URL, AsJson, ExperimentId, OutPicture, Url

app = typer.Typer()

# An id may begin with a hyphen.
_TAKES_ID = {"ignore_unknown_options": True}


class PictureFormat(StrEnum):
    """What figures are drawn as."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


@app.command(context_settings=_TAKES_ID)
def status(experiment: ExperimentId, as_json: AsJson = False, url: Url = LOCAL_URL) -> None:
    """Say how an experiment stands, and where it waits."""
    from stepbias.cli.reading import status as run_status

    raise typer.Exit(run_status(experiment, url=url, as_json=as_json))


@app.command(context_settings=_TAKES_ID)
def spec(experiment: ExperimentId, url: Url = LOCAL_URL) -> None:
    """Print the spec of an experiment, to change and submit it."""
    from stepbias.cli.reading import spec as run_spec

    raise typer.Exit(run_spec(experiment, url=url))


@app.command(context_settings=_TAKES_ID)
def curves(  # noqa: PLR0913, PLR0917 - the options of the command, by name
    experiment: ExperimentId,
    x: Annotated[str | None, typer.Option(help="An axis of the grid.")] = None,
    y: Annotated[str | None, typer.Option(help="A result.")] = None,
    series: Annotated[str | None, typer.Option(help="Another axis: a curve for each of its values.")] = None,
    over: Annotated[str | None, typer.Option(help="A third one, of which median and quartiles are taken.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="AXIS=VALUE", help="The value of another axis; may be given again.")
    ] = None,
    include: Annotated[str | None, typer.Option(help="converged, certain or all.")] = None,
    points: Annotated[int | None, typer.Option(min=2, help="At most so many values of x.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of JSON.")] = False,
    url: Url = LOCAL_URL,
) -> None:
    """Print curves of an experiment: y against x, one per value of series."""
    from stepbias.cli.reading import curves as run_curves

    question = {"x": x, "y": y, "series": series, "over": over, "include": include, "points": points}
    raise typer.Exit(run_curves(experiment, question, url=url, as_csv=as_csv, where=where or []))


@app.command(context_settings=_TAKES_ID)
def figure(  # noqa: PLR0913, PLR0917 - the options of the command, by name
    experiment: ExperimentId,
    name: Annotated[str | None, typer.Argument(help="Which one; default: print the names of those it has.")] = None,
    out: OutPicture = Path(),
    form: Annotated[PictureFormat, typer.Option("--format", help="What it is drawn as.")] = PictureFormat.PNG,
    style: Annotated[str | None, typer.Option(help="paper, slide or dark.")] = None,
    size: Annotated[str | None, typer.Option(help="Inches, as in 6x4, or column, page, slide, square.")] = None,
    dpi: Annotated[int | None, typer.Option(help="Dots per inch of a png file.")] = None,
    y_min: Annotated[float | None, typer.Option(help="The lower end of the y axis.")] = None,
    y_max: Annotated[float | None, typer.Option(help="Its upper end.")] = None,
    runs: Annotated[str | None, typer.Option(help="Indices of the runs to follow, with commas.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="AXIS=VALUE,…", help="Values of an axis to show; may be given again.")
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Save its numbers as CSV, too.")] = False,
    url: Url = LOCAL_URL,
) -> None:
    """Draw one figure of an experiment into a file, and print its path."""
    from stepbias.cli.reading import figure as run_figure

    asked = {"style": style, "size": size, "dpi": dpi, "y_min": y_min, "y_max": y_max, "runs": runs}
    asked |= {f"where.{axis}": values for axis, _, values in (each.partition("=") for each in where or [])}
    raise typer.Exit(run_figure(experiment, name, url=url, out=out, form=form.value, asked=asked, data=data))


@app.command()
def analyse(  # noqa: PLR0913, PLR0917 - the options of the command, by name
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="A .npz, .zip, .json or .csv file, or X.npy y.npy …")
    ],
    target: Annotated[str | None, typer.Option(help="The column of a .csv file that is y.")] = None,
    transform_X: Annotated[
        str | None, typer.Option("--transform-X", help="centre or standardise the columns before.")
    ] = None,
    transform_y: Annotated[str | None, typer.Option("--transform-y", help="centre or standardise y before.")] = None,
    as_json: AsJson = False,
    url: Url = LOCAL_URL,
) -> None:
    """Say what a large step would do on data of your own, before any training."""
    from stepbias.cli.reading import analyse as run_analyse

    transform = {name: how for name, how in (("X", transform_X), ("y", transform_y)) if how is not None}
    raise typer.Exit(run_analyse(files, url=url, as_json=as_json, transform=transform, target=target))
