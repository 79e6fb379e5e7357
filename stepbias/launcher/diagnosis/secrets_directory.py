"""The directory of secrets: is it there, who reads it, what is in it that nobody reads."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from jobs.settings import SECRETS_DIR, Settings, secrets_directories
from stepbias.launcher.diagnosis.finding import Finding, doubtful, fine, wrong

_SECRETS = ("STEPBIAS_REDIS_URL", "STEPBIAS_BROKER_URL", "STEPBIAS_WEBHOOK_SECRET")

OTHERS = stat.S_IRWXO
"""A group may be the one that shares the secrets."""


def secrets_directory() -> Iterator[Finding]:
    """Of each that is named; nothing where none is."""
    for directory in secrets_directories():
        yield from _looked_at(directory)


def secrets_in_sight() -> Iterator[Finding]:
    """What is set as a variable and would be better set as a file; nothing is wrong with the service for that."""
    names = [name for name in _SECRETS if os.environ.get(name)]
    names = [name for name in names if not name.endswith("_URL") or "@" in os.environ[name]]
    if names:
        text = f"{' and '.join(names)} can be read by whoever sees the environment of a process; as a file"
        yield fine("secrets", f"{text} {names[0].lower()} in a directory {SECRETS_DIR} it is safer")


def _looked_at(directory: Path) -> Iterator[Finding]:
    try:
        entries = sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        remedy = f"Make it: install -d -m 700 {directory}; or unset {SECRETS_DIR}."
        yield wrong("secrets", f"{SECRETS_DIR} names {directory}, which is no directory here", remedy)
        return
    except OSError:
        remedy = f"As its owner or root: chown {_me()} {directory}; chmod 700 {directory}"
        yield wrong("secrets", f"{directory} is not readable for {_me()}", remedy)
        return
    files = [each for each in entries if os.path.isfile(each)]  # noqa: PTH113 - says no where it may not look
    known = {f"stepbias_{name}" for name in Settings.model_fields}
    for each in entries:
        if each.name.lower() in known and each not in files:
            remedy = (
                "Remove it, and put the secret there. Docker makes a directory where a file to be mounted is missing."
            )
            yield wrong("secrets", f"{each} is no file", remedy)
    read = [each for each in files if each.name.lower() in known]
    yield fine("secrets", f"{directory} has {', '.join(each.name for each in read) or 'nothing'}")
    yield from _unreadable(read)
    yield from _open_to_others([directory, *read])
    if ignored := [each.name for each in files if each not in read and not each.name.startswith(".")]:
        remedy = "A file is called as the variable, in lower case: stepbias_redis_url, stepbias_webhook_secret."
        yield doubtful("secrets", f"{', '.join(ignored)} in {directory}: read by nobody", remedy)


def _unreadable(files: list[Path]) -> Iterator[Finding]:
    for each in files:
        if not os.access(each, os.R_OK):
            remedy = f"As its owner or root: chown {_me()} {each}; chmod 400 {each}"
            yield wrong("secrets", f"{each} is not readable for {_me()}", remedy)


def _open_to_others(paths: list[Path]) -> Iterator[Finding]:
    directory, *files = paths
    if not directory.stat().st_mode & OTHERS:
        return
    if bare := [each for each in files if each.stat().st_mode & OTHERS]:
        shown = " ".join(map(str, bare))
        yield doubtful("secrets", f"everybody on this machine may read {shown}", f"chmod o= {shown}")


def _me() -> int:
    return os.geteuid()
