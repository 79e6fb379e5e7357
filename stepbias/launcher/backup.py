"""`stepbias backup` and `stepbias restore`: everything that a store holds, in one file."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Final

import typer

from core.identity import NUMERICS_VERSION
from jobs.connection import connect
from jobs.errors import JobsError
from jobs.redis_store import snapshot
from jobs.redis_store.keys import SCHEMA
from jobs.settings import Settings
from stepbias.cli.failure import explained
from stepbias.launcher.backup_file import (
    Header,
    UnusableBackup,
    private_file,
    read_commands,
    read_header,
    write_backup,
)
from stepbias.launcher.embedded import embedded_server, url_of_running
from stepbias.launcher.startup_error import StartupError, StateDirectoryInUseError
from stepbias.launcher.state_directory import default_state_directory

STANDARD: Final = "-"
"""The name that stands for the standard output, or input."""


def backup(file: str, state_dir: Path | None = None) -> int:
    """Write what the store holds to a file; the service may run, and those who write wait meanwhile."""
    header = Header(schema=SCHEMA, numerics=NUMERICS_VERSION, version=version("stepbias"))
    with (
        explained(StartupError, JobsError),
        _store(state_dir, may_run=True) as url,
        connect(url, patience=0.0) as client,
        _written(file) as written,
    ):
        count = write_backup(written, header, snapshot.snapshot(client))
    typer.echo(f"{count} commands written to {file}", err=True)
    return 0


def restore(file: str, state_dir: Path | None = None) -> int:
    """Make the store of a backup, where there is none; what was under way in it then goes on."""
    with explained(StartupError, JobsError, UnusableBackup), _read(file) as read:
        header = read_header(read)
        if header.schema != SCHEMA:
            raise UnusableBackup(
                f"the backup is of a store with schema {header.schema} (stepbias {header.version}), and this version "
                f"has schema {SCHEMA}: restore it with a version that has the same"
            )
        with _store(state_dir, may_run=False) as url, connect(url, patience=0.0) as client:
            snapshot.restore(client, read_commands(read))
    typer.echo(f"{file} is restored", err=True)
    return 0


@contextmanager
def _written(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with private_file(Path(file)) as written:
            yield written


@contextmanager
def _read(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD:
        # The end is checked before the beginning is believed.
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            yield copy
    else:
        with Path(file).open("rb") as read:
            yield read


@contextmanager
def _store(state_dir: Path | None, *, may_run: bool) -> Iterator[str]:
    """Where the server is that the environment names, or the embedded one, started for this unless it runs.

    Raises:
        StartupError: it runs and must not, or cannot be started.
    """
    with ExitStack() as stack:
        named = Settings().redis_url
        yield _embedded(state_dir, stack, may_run=may_run) if named is None else named.get_secret_value()


def _embedded(state_dir: Path | None, stack: ExitStack, *, may_run: bool) -> str:
    directory = state_dir or default_state_directory()
    if may_run and not directory.is_dir():
        raise StartupError(f"there is no state directory {directory}; --state-dir names another")
    try:
        server, _ = stack.enter_context(embedded_server(directory))
    except StateDirectoryInUseError:
        if not may_run:
            raise
        return url_of_running(directory)
    return server.url
