"""`stepbias up`: the whole service in the foreground."""

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Final

from core.descent.native.library import library
from stepbias.cli.failure import explained
from stepbias.cli.output import remark, remark_unread, tell, tell_json
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.service import RunningService, run_service, usable_cores
from stepbias.launcher.startup_error import StartupError
from stepbias.state_home import default_state_directory


def up(  # noqa: PLR0913 - the options of the command
    host: str,
    port: int,
    workers: int | None = None,
    state_dir: Path | None = None,
    *,
    as_json: bool = False,
    until_eof: bool = False,
) -> int:
    """Run the service until it is told to stop; print one line when it is ready.

    Args:
        host: name or address to listen at.
        port: 0 for a free one.
        workers: batches trained at a time; the number of usable cores if None.
        state_dir: `default_state_directory()` if None.
        as_json: whether the line is a JSON document.
        until_eof: whether to end when standard input does, as where the program that writes it has ended.

    Returns:
        The exit code: 0 after SIGTERM, or SIGINT or SIGHUP unless these were ignored when it was started.
    """
    remark_unread()
    with explained(StartupError):
        run_service(
            host=host,
            port=port,
            workers=workers or usable_cores(),
            state_dir=state_dir or default_state_directory(),
            on_ready=partial(_announce, as_json=as_json, until_eof=until_eof),
        )
    return 0


def _end_with_stdin() -> None:
    # Of the descriptor: a thread in the middle of a buffered reader keeps the interpreter from ending.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(service: RunningService, *, as_json: bool, until_eof: bool) -> None:
    if until_eof:
        # Not before: what has threads is not forked.
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    kernel = kernel_in_use(checked_settings().kernel)
    if as_json:
        named = {"url": service.url, "state_dir": str(service.state_dir), "workers": service.workers}
        return tell_json(named | {"kernel": kernel})
    count = f"{service.workers} worker{'s' if service.workers != 1 else ''}"
    tell(f"stepbias is ready at {service.url} (state in {service.state_dir}, {count}, kernel {kernel})")
    if library() is None:
        remark(NOT_COMPILED)
    return None


NOT_COMPILED: Final = (
    "NumPy trains: a compiled kernel is several times as fast, and is there when there is a C compiler (cc) while "
    "stepbias is installed"
)


def kernel_in_use(chosen: str) -> str:
    """What trains: the kernel that is chosen, or the best that this machine has. NumPy is not imported for it."""
    found = library()
    best = next(iter(found.kernels), "numpy") if found else "numpy"
    return best if chosen == "auto" else chosen
