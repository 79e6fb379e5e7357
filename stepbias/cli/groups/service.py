"""The service: all of it on this machine, or one of its processes."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stepbias.cli.launched import launched
from stepbias.cli.options import OutDirectory, ServedQueue

app = typer.Typer()

serve_app = typer.Typer(
    help="Run one process of the service, or ask whether it lives.", no_args_is_help=True, rich_markup_mode=None
)

Host = Annotated[str, typer.Option(help="Name or address to listen at.")]
RootPath = Annotated[
    str | None, typer.Option(help="The prefix under which a proxy shows the service; default: STEPBIAS_ROOT_PATH.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Batches trained at a time; default: number of cores.")]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Run it as a child, and exit with 70 when it does not work, for others to restart."),
]


class Part(StrEnum):
    """Of the service, what can be asked whether it lives."""

    API = "api"
    WORKER = "worker"


def _show_under(root_path: str | None) -> None:
    """Tell the processes of the service of the prefix, as a setting."""
    if root_path is not None:
        os.environ["STEPBIAS_ROOT_PATH"] = root_path


@app.command()
def up(  # noqa: PLR0913, PLR0917 - a command has what it has
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    workers: Workers = None,
    state_dir: Annotated[Path | None, typer.Option(file_okay=False, help="Where data and logs are kept.")] = None,
    root_path: RootPath = None,
    until_eof: Annotated[bool, typer.Option("--until-eof", hidden=True, help="End when standard input does.")] = False,
) -> None:
    """Run the whole service here, until Ctrl-C."""
    _show_under(root_path)
    raise typer.Exit(launched("up", "up")(host, port, workers, state_dir, until_eof=until_eof))


@app.command()
def demo(
    out: OutDirectory = Path("out"),
    workers: Workers = None,
    state_dir: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep the service's data here; default: nowhere.")
    ] = None,
) -> None:
    """Compute a reduced Figure 1 through a service made for it."""
    raise typer.Exit(launched("demo", "demo")(out=out, workers=workers, state_dir=state_dir))


@serve_app.command("api")
def serve_api(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="To listen at.")] = 8000,
    watch: Watch = False,
    root_path: RootPath = None,
) -> None:
    """Answer HTTP, with the store that STEPBIAS_REDIS_URL names."""
    _show_under(root_path)
    raise typer.Exit(launched("serve", "api")(host=host, port=port, watch=watch))


@serve_app.command("worker")
def serve_worker(
    queue: Annotated[ServedQueue, typer.Option(help="Long trainings, or everything that somebody waits for.")],
    concurrency: Annotated[int, typer.Option(min=1, help="Jobs done at a time, each by a process of its own.")] = 1,
    watch: Watch = False,
) -> None:
    """Do the jobs of a queue, with the store that STEPBIAS_REDIS_URL names."""
    raise typer.Exit(launched("serve", "worker")(queue=queue.value, concurrency=concurrency, watch=watch))


@serve_app.command("health")
def serve_health(
    part: Annotated[Part, typer.Argument(help="What runs in this container, or on this machine.")],
    host: Annotated[str, typer.Option(help="Name or address that the API listens at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the API listens.")] = 8000,
) -> None:
    """Exit with 0 if a part of the service that runs here is alive."""
    raise typer.Exit(launched("health", "health")(part.value, host=host, port=port))
