"""The store of a command that works on it directly: that of the environment, or that of a state directory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stepbias.cli.output import remark_unread
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.startup_error import StartupError, StateDirectoryInUseError
from stepbias.launcher.store.embedded import embedded_server, holds_store, url_of_running
from stepbias.state_home import default_state_directory


@contextmanager
def opened_store(state_dir: Path | None, *, may_run: bool, is_there: bool) -> Iterator[str]:
    """Where the server is that the environment names, or the embedded one, started for this unless it runs.

    `is_there`: the state directory has to be there, with a store; otherwise it is made.

    Raises:
        StartupError: it runs and must not, or cannot be started; or two are named.
    """
    remark_unread()
    with ExitStack() as stack:
        named = checked_settings().store_url
        if named is not None:
            if state_dir is not None:
                raise StartupError(
                    f"STEPBIAS_REDIS_URL names a store, and --state-dir {state_dir} another; leave one of them out"
                )
            yield named
            return
        directory = state_dir or default_state_directory()
        if is_there and not holds_store(directory):
            raise StartupError(f"there is no state directory {directory} with a store; --state-dir names another")
        yield _embedded(directory, stack, may_run=may_run)


def _embedded(directory: Path, stack: ExitStack, *, may_run: bool) -> str:
    try:
        server, _ = stack.enter_context(embedded_server(directory))
    except StateDirectoryInUseError:
        if not may_run:
            raise
        return url_of_running(directory)
    return server.url
