"""`stepbias backup` and `stepbias restore`: everything that a store holds, in one file."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Final

from core.identity import NUMERICS_VERSION
from jobs.connection import connect
from jobs.errors import JobsError
from jobs.redis_store import RedisStore, snapshot
from jobs.redis_store.keys import FORMER_SCHEMAS, SCHEMA
from jobs.settings import Settings
from stepbias.cli.failure import explained
from stepbias.cli.output import remark, tell_json
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.backup_file import (
    Header,
    UnusableBackup,
    private_file,
    read_commands,
    read_header,
    write_backup,
)
from stepbias.launcher.store.opened import opened_store

STANDARD: Final = "-"
"""The name that stands for the standard output, or input."""


def backup(file: str, state_dir: Path | None = None, *, as_json: bool = False) -> int:
    """Write what the store holds to a file; the service may run, and those who write wait meanwhile.

    In a directory the file is called after the moment, so that a later one stands after it in a list of names.
    """
    if Path(file).is_dir():
        file = str(Path(file) / f"stepbias-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup")
    with (
        explained(StartupError, JobsError),
        opened_store(state_dir, may_run=True, is_there=True) as url,
        connect(url, patience=0.0) as client,
        _written(file) as written,
    ):
        schema = snapshot.schema_of(client)
        header = Header(schema=schema, numerics=NUMERICS_VERSION, version=version("stepbias"))
        count = write_backup(written, header, snapshot.snapshot(client))
    remark(f"{count} commands written to {file}")
    if as_json and file != STANDARD:
        tell_json({"file": file, "commands": count})
    return 0


def restore(file: str, state_dir: Path | None = None, *, replaces: bool = False, as_json: bool = False) -> int:
    """Make the store of a backup, where there is none, or in place of it; what was under way in it then goes on."""
    with explained(StartupError, JobsError, UnusableBackup), _read(file) as read:
        header = read_header(read)
        if header.schema not in {SCHEMA, *FORMER_SCHEMAS}:
            raise UnusableBackup(
                f"the backup is of a store with schema {header.schema} (stepbias {header.version}), and this version "
                f"has schema {SCHEMA}: restore it with a version that has the same"
            )
        with (
            opened_store(state_dir, may_run=False, is_there=False) as url,
            connect(url, patience=0.0, answer_seconds=snapshot.RESTORE_SECONDS) as client,
        ):
            snapshot.restore(client, read_commands(read), replaces=replaces)
            # Processes that run already take nothing over.
            RedisStore(client, Settings()).adopt()
    remark(f"{file} is restored")
    if as_json:
        tell_json({"file": file, "schema": header.schema, "version": header.version})
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
