# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that `stepbias --help` answers at once
"""The `stepbias` command."""

import os
from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from stepbias.cli.command import Command

app = Command(
    name="stepbias",
    help="What the step size does: sweeps of gradient descent on diagonal linear networks, as a service.",
    no_args_is_help=True,
    # Plain help: to read Rich for the sake of boxes takes longer than everything else.
    rich_markup_mode=None,
    # Expected errors are one line by `failure`; an unexpected one is for a bug report, in Python's plain form.
    pretty_exceptions_enable=False,
)


serve_app = typer.Typer(
    help="Run one process of the service, or ask whether it lives.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(serve_app, name="serve")


keys_app = typer.Typer(
    help="Keys of the service, in its store: make, list, revoke.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(keys_app, name="keys")


class KeyScope(StrEnum):
    """What a key lets its holder do."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


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


class ServedQueue(StrEnum):
    """What a worker takes its jobs from."""

    BATCH = "batch"
    INTERACTIVE = "interactive"


class Part(StrEnum):
    """Of the service, what can be asked whether it lives."""

    API = "api"
    WORKER = "worker"


def _directory(given: str | Path) -> Path:
    """A directory to write into; nothing, such as a variable that is not set, is not the current one."""
    if not str(given) or Path(given).is_file():
        raise typer.BadParameter("a directory is wanted")
    return Path(given)


Url = Annotated[str, typer.Option(envvar="STEPBIAS_URL", help="Where the service answers.")]
ExperimentId = Annotated[str, typer.Argument(metavar="ID", help="Id of an experiment, or 8 digits.")]
SpecFile = Annotated[str, typer.Argument(metavar="SPEC", help="JSON file with an experiment spec; - reads stdin.")]
OutDirectory = Annotated[
    Path, typer.Option(parser=_directory, metavar="DIRECTORY", help="Directory for the files; made where absent.")
]
Host = Annotated[str, typer.Option(help="Name or address to listen at.")]
RootPath = Annotated[
    str | None, typer.Option(help="The prefix under which a proxy shows the service; default: STEPBIAS_ROOT_PATH.")
]
Columns = Annotated[list[str] | None, typer.Option(help="A column to leave out; may be given again.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Batches trained at a time; default: number of cores.")]

BackupFile = Annotated[str, typer.Argument(metavar="FILE", help="File of the backup; - is stdout, or stdin.")]
StateDirectory = Annotated[
    Path | None, typer.Option(file_okay=False, help="Of `stepbias up`, where STEPBIAS_REDIS_URL names no store.")
]

Arrays = Annotated[
    bool, typer.Option("--arrays", help="Also where each run ended, and data and interpolators, as .npz files.")
]
ResultFormats = Annotated[
    list[ResultFormat] | None, typer.Option("--format", help="How results are saved; may be repeated. Default: json.")
]
Trajectories = Annotated[bool, typer.Option("--trajectories", help="Also what each run recorded, as .npz files.")]

Watch = Annotated[
    bool,
    typer.Option("--watch", help="Run it as a child, and exit with 70 when it does not work, for others to restart."),
]

# An id may begin with a hyphen.
_TAKES_ID = {"ignore_unknown_options": True}

LOCAL_URL = "http://127.0.0.1:8000"


def _launched(module: str, command: str) -> Callable[..., int]:
    """A command of `stepbias.launcher`, in an installation that can run the service.

    By name, so that no command that speaks HTTP can come to import what only the extra brings.
    """
    from stepbias.cli.service_extra import require_service_extra

    require_service_extra()
    found: Callable[..., int] = getattr(import_module(f"stepbias.launcher.commands.{module}"), command)
    return found


def _show_under(root_path: str | None) -> None:
    """Tell the processes of the service of the prefix, as a setting."""
    if root_path is not None:
        os.environ["STEPBIAS_ROOT_PATH"] = root_path


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"stepbias {version('stepbias')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What the step size does: sweeps of gradient descent on diagonal linear networks, as a service."""
    del version


@app.command()
def up(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    workers: Workers = None,
    state_dir: Annotated[Path | None, typer.Option(file_okay=False, help="Where data and logs are kept.")] = None,
    root_path: RootPath = None,
) -> None:
    """Run the whole service here, until Ctrl-C."""
    _show_under(root_path)
    raise typer.Exit(_launched("up", "up")(host, port, workers, state_dir))


@app.command()
def demo(
    out: OutDirectory = Path("out"),
    workers: Workers = None,
    state_dir: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep the service's data here; default: nowhere.")
    ] = None,
) -> None:
    """Compute a reduced Figure 1 through a service made for it."""
    raise typer.Exit(_launched("demo", "demo")(out=out, workers=workers, state_dir=state_dir))


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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a page of text.")] = False,
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
    url: Url = LOCAL_URL,
) -> None:
    """List the experiments of a service, newest first."""
    from stepbias.cli.listing import list_experiments as run_list

    times = {"since": since, "until": until}
    raise typer.Exit(run_list(limit=limit, url=url, name=name, tag=tag, status=status, preset=preset, **times))


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


@app.command()
def run(
    spec: SpecFile,
    out: OutDirectory = Path("out"),
    arrays: Arrays = False,
    trajectories: Trajectories = False,
) -> None:
    """Compute an experiment here, without any service; save what `fetch` would."""
    raise typer.Exit(_launched("local", "run")(spec, out=out, arrays=arrays, trajectories=trajectories))


@app.command()
def backup(file: BackupFile, state_dir: StateDirectory = None) -> None:
    """Write everything that the store holds to one file; the service may run."""
    raise typer.Exit(_launched("backup", "backup")(file, state_dir))


@app.command()
def restore(file: BackupFile, state_dir: StateDirectory = None) -> None:
    """Make the store of a backup, where there is none."""
    raise typer.Exit(_launched("backup", "restore")(file, state_dir))


@app.command()
def doctor() -> None:
    """Say what this installation is made of, and what is wrong."""
    raise typer.Exit(_launched("doctor", "doctor")())


@keys_app.command("add")
def add_key(
    owner: Annotated[str, typer.Argument(help="Whose work is done with it.")],
    scope: Annotated[KeyScope, typer.Option(help="Each includes the one before.")] = KeyScope.SUBMIT,
    expires: Annotated[
        str | None, typer.Option(help="After which time, such as 90m, 12h or 30d; default: never.")
    ] = None,
    state_dir: StateDirectory = None,
) -> None:
    """Make a key and print it, once."""
    raise typer.Exit(_launched("keys", "add")(owner, scope=scope.value, expires=expires, state_dir=state_dir))


@keys_app.command("list")
def list_keys(state_dir: StateDirectory = None) -> None:
    """List the keys: whose they are, and what they end with."""
    raise typer.Exit(_launched("keys", "list_keys")(state_dir=state_dir))


@keys_app.command("revoke")
def revoke_key(key: Annotated[str, typer.Argument(metavar="ID")], state_dir: StateDirectory = None) -> None:
    """Revoke a key; a second later it opens nothing."""
    raise typer.Exit(_launched("keys", "revoke")(key, state_dir=state_dir))


@serve_app.command("api")
def serve_api(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="To listen at.")] = 8000,
    watch: Watch = False,
    root_path: RootPath = None,
) -> None:
    """Answer HTTP, with the store that STEPBIAS_REDIS_URL names."""
    _show_under(root_path)
    raise typer.Exit(_launched("serve", "api")(host=host, port=port, watch=watch))


@serve_app.command("worker")
def serve_worker(
    queue: Annotated[ServedQueue, typer.Option(help="Long trainings, or everything that somebody waits for.")],
    concurrency: Annotated[int, typer.Option(min=1, help="Jobs done at a time, each by a process of its own.")] = 1,
    watch: Watch = False,
) -> None:
    """Do the jobs of a queue, with the store that STEPBIAS_REDIS_URL names."""
    raise typer.Exit(_launched("serve", "worker")(queue=queue.value, concurrency=concurrency, watch=watch))


@serve_app.command("health")
def serve_health(
    part: Annotated[Part, typer.Argument(help="What runs in this container, or on this machine.")],
    host: Annotated[str, typer.Option(help="Name or address that the API listens at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the API listens.")] = 8000,
) -> None:
    """Exit with 0 if a part of the service that runs here is alive."""
    raise typer.Exit(_launched("health", "health")(part.value, host=host, port=port))


if __name__ == "__main__":
    app()
