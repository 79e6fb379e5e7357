"""Arguments and options that several groups of commands take."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

LOCAL_URL = "http://127.0.0.1:8000"


class ServedQueue(StrEnum):
    """What a worker takes its jobs from."""

    BATCH = "batch"
    INTERACTIVE = "interactive"


def _directory(given: str | Path) -> Path:
    """A directory to write into; nothing, such as a variable that is not set, is not the current one."""
    if not str(given) or Path(given).is_file():
        raise typer.BadParameter("a directory is wanted")
    return Path(given)


PICTURES = ("png", "svg", "pdf")
"""What figures are drawn as."""


def _picture(given: str | Path) -> Path:
    """A directory to write into, or a file with the ending of a picture."""
    return Path(given) if Path(given).suffix[1:] in PICTURES else _directory(given)


Url = Annotated[str, typer.Option(envvar="STEPBIAS_URL", help="Where the service answers.")]

ExperimentId = Annotated[str, typer.Argument(metavar="ID", help="Id of an experiment, or 8 digits.")]

SpecFile = Annotated[str, typer.Argument(metavar="SPEC", help="JSON file with an experiment spec; - reads stdin.")]

OutDirectory = Annotated[
    Path, typer.Option(parser=_directory, metavar="DIRECTORY", help="Directory for the files; made where absent.")
]

OutPicture = Annotated[
    Path,
    typer.Option(
        "--out", "-o", parser=_picture, metavar="PATH", help="A directory, or a file that ends in .png, .svg or .pdf."
    ),
]

Arrays = Annotated[
    bool, typer.Option("--arrays", help="Also where each run ended, and data and interpolators, as .npz files.")
]

Trajectories = Annotated[bool, typer.Option("--trajectories", help="Also what each run recorded, as .npz files.")]

StateDirectory = Annotated[
    Path | None, typer.Option(file_okay=False, help="Of `stepbias up`, where STEPBIAS_REDIS_URL names no store.")
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the service's own JSON.")]
