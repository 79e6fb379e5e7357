"""The service: all of it on this machine, or one of its processes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from stepbias.cli.command import Group
from stepbias.cli.launched import launched
from stepbias.cli.options import as_json, out_directory

app = Group()

serve_app = Group("serve", help="Run one process of the service, or ask whether it lives.", no_args_is_help=True)

QUEUES: Final = ("batch", "interactive")
"""What a worker takes its jobs from."""

host = click.option("--host", default="127.0.0.1", show_default=True, help="Name or address to listen at.")
root_path = click.option("--root-path", help="The prefix under which a proxy shows the service.")
workers = click.option(
    "--workers", type=click.IntRange(min=1), help="Batches trained at a time; default: number of cores."
)
watch = click.option(
    "--watch", is_flag=True, help="Run it as a child, and exit with 70 when it does not work, for others to restart."
)
port = click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Where the API listens."
)


def _state_directory(text: str) -> Callable[[Any], Any]:
    return click.option("--state-dir", type=click.Path(file_okay=False, path_type=Path), help=text)


def _show_under(root_path: str | None) -> None:
    """Tell the processes of the service of the prefix, as a setting."""
    if root_path is not None:
        os.environ["STEPBIAS_ROOT_PATH"] = root_path


@app.command()
@host
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@workers
@_state_directory("Where data and logs are kept.")
@root_path
@as_json
@click.option("--until-eof", is_flag=True, hidden=True, help="End when standard input does.")
def up(  # noqa: PLR0913 - a command has what it has
    *,
    host: str,
    port: int,
    workers: int | None,
    state_dir: Path | None,
    root_path: str | None,
    as_json: bool,
    until_eof: bool,
) -> int:
    """Run the whole service here, until Ctrl-C."""
    _show_under(root_path)
    return launched("up", "up")(host, port, workers, state_dir, as_json=as_json, until_eof=until_eof)


@app.command()
@_state_directory("Where it keeps its data.")
def down(*, state_dir: Path | None) -> int:
    """Stop the service that runs here, and wait until it has.

    What is being trained is handed back with a checkpoint, and goes on with the next start.
    """
    return launched("down", "down")(state_dir)


@app.command()
@out_directory("out")
@workers
@_state_directory("Keep the service's data here; default: nowhere.")
@as_json
def demo(*, out: Path, workers: int | None, state_dir: Path | None, as_json: bool) -> int:
    """Compute a reduced Figure 1 through a service made for it."""
    return launched("demo", "demo")(out=out, workers=workers, state_dir=state_dir, as_json=as_json)


@serve_app.command("api")
@host
@port
@watch
@root_path
def serve_api(*, host: str, port: int, watch: bool, root_path: str | None) -> int:
    """Answer HTTP, with the store that STEPBIAS_REDIS_URL names."""
    _show_under(root_path)
    return launched("serve", "api")(host=host, port=port, watch=watch)


@serve_app.command("worker")
@click.option("--queue", type=click.Choice(QUEUES), required=True, help="Long trainings, or what somebody waits for.")
@click.option("--concurrency", type=click.IntRange(min=1), default=1, help="Jobs done at a time, each by a process.")
@watch
def serve_worker(*, queue: str, concurrency: int, watch: bool) -> int:
    """Do the jobs of a queue, with the store that STEPBIAS_REDIS_URL names."""
    return launched("serve", "worker")(queue=queue, concurrency=concurrency, watch=watch)


@serve_app.command("health")
@click.argument("part", type=click.Choice(["api", "worker"]))
@host
@port
def serve_health(*, part: str, host: str, port: int) -> int:
    """Exit with 0 if a part of the service that runs here is alive."""
    return launched("health", "health")(part, host=host, port=port)
