"""`stepbias up`: the whole service in the foreground."""

from pathlib import Path

import typer

from stepbias.cli.failure import explained
from stepbias.launcher.service import RunningService, run_service, usable_cores
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.state_directory import default_state_directory


def up(host: str, port: int, workers: int | None = None, state_dir: Path | None = None) -> int:
    """Run the service until it is told to stop; print one line when it is ready.

    Args:
        host: name or address to listen at.
        port: 0 for a free one.
        workers: batches trained at a time; the number of usable cores if None.
        state_dir: `default_state_directory()` if None.

    Returns:
        The exit code: 0 after SIGTERM, or SIGINT or SIGHUP unless these were ignored when it was started.
    """
    with explained(StartupError):
        run_service(
            host=host,
            port=port,
            workers=workers or usable_cores(),
            state_dir=state_dir or default_state_directory(),
            on_ready=_announce,
        )
    return 0


def _announce(service: RunningService) -> None:
    count = f"{service.workers} worker{'s' if service.workers != 1 else ''}"
    typer.echo(f"stepbias is ready at {service.url} (state in {service.state_dir}, {count})")
