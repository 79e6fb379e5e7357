"""Arguments and options that several groups of commands take."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from stepbias.cli.completion import complete_ids
from stepbias.cli.output import remark_unread
from stepbias.formats import RESULT_FORMATS, ending

TAKES_ID: Final = {"ignore_unknown_options": True}
"""An id may begin with a hyphen."""


class Service(NamedTuple):
    """Which service is asked: by its address, or by a profile; by the environment if neither is given."""

    url: str | None = None
    profile: str | None = None


class Directory(click.Path):
    """A directory to write into; nothing, such as a variable that is not set, is not the current one."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, unless it is none."""
        if not str(value):
            self.fail("a directory is wanted", param, ctx)
        return super().convert(value, param, ctx)


FIGURE_FILES: Final = ("png", "svg", "pdf", "csv", "txt")
"""What figures are sent as: drawn, in numbers, and in words."""


class FileOrDirectory(Directory):
    """A directory to write into, or a file with one of these endings."""

    def __init__(self, endings: Sequence[str]) -> None:
        super().__init__()
        self._endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, unless it is neither."""
        return Path(value) if ending(Path(value)) in self._endings else super().convert(value, param, ctx)


def asks_service(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command --url and --profile, and what they say as `service`."""

    @click.option("--url", metavar="ADDRESS", help="Where the service answers; default: STEPBIAS_URL, or a profile.")
    @click.option("--profile", metavar="NAME", help="A profile of profiles.toml; default: the one called default.")
    @wraps(command)
    def asking(*args: Any, url: str | None, profile: str | None, **options: Any) -> int:
        remark_unread()
        return command(*args, service=Service(url, profile), **options)

    return asking


out_picture = click.option(
    "--out",
    "-o",
    metavar="PATH",
    type=FileOrDirectory(FIGURE_FILES),
    default=".",
    help="A directory, or a file that ends in .png, .svg, .pdf, .csv or .txt.",
)

experiment_id = click.argument("experiment_id", metavar="ID", shell_complete=complete_ids)

spec_file = click.argument("spec", metavar="SPEC", type=click.Path())


def out_directory(default: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Where files are written."""
    return click.option(
        "--out", metavar="DIRECTORY", type=Directory(), default=default, help="For the files; made where absent."
    )


out_results = click.option(
    "--out",
    metavar="PATH",
    type=FileOrDirectory(RESULT_FORMATS),
    default="out",
    help="A directory for all files, or a .json, .ndjson, .csv, .parquet or .npz file for the runs alone.",
)

arrays = click.option("--arrays", is_flag=True, help="Also where each run ended, and data and interpolators, as .npz.")

trajectories = click.option("--trajectories", is_flag=True, help="Also what each run recorded, as .npz files.")

state_directory = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Of `stepbias up`, where STEPBIAS_REDIS_URL names no store.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")

where = click.option(
    "--where", metavar="CONDITION", multiple=True, help='Of runs, such as "step_size<0.1 and depth=2"; all must hold.'
)


def read_files(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the files of a data set, and how a .csv file is understood, as `options`."""

    @click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
    @click.option("--target", metavar="COLUMN", help="The one of a .csv file that is y; default: y, or the last.")
    @click.option("--name", help="What the data set is called; default: the file's name.")
    @click.option("--drop", metavar="COLUMN", multiple=True, help="To be left out; may be given again.")
    @click.option("--keep", metavar="COLUMN", multiple=True, help="One that counts the rows, and is a feature.")
    @click.option("--one-hot", metavar="COLUMN", multiple=True, help="One of categories, to become columns of 0 and 1.")
    @click.option("--delimiter", help="comma, semicolon, tab, bar or space.")
    @click.option("--decimal", help="point or comma.")
    @click.option("--missing", help="Samples with missing values: refuse, drop or mean.")
    @wraps(command)
    def reading(*args: Any, **given: Any) -> int:
        names = ("target", "name", "drop", "keep", "one_hot", "delimiter", "decimal", "missing")
        found = {name: given.pop(name) for name in names}
        options = {name: list(each) if isinstance(each, tuple) else each for name, each in found.items()}
        return command(*args, options={name: each or None for name, each in options.items()}, **given)

    return reading
