"""`stepbias doctor`: what this installation is made of, and whether it can work."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from jobs.settings import Settings, WrongSettings, settings_of_environment
from stepbias.cli.output import tell, tell_json
from stepbias.launcher.diagnosis import machine
from stepbias.launcher.diagnosis.api import api
from stepbias.launcher.diagnosis.broker import broker
from stepbias.launcher.diagnosis.finding import Finding, Level, fine, wrong
from stepbias.launcher.diagnosis.installation import installation
from stepbias.launcher.diagnosis.secrets_directory import secrets_directory, secrets_in_sight
from stepbias.launcher.diagnosis.store import server
from stepbias.launcher.diagnosis.store_address import without_password
from stepbias.launcher.diagnosis.variables import variables
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.embedded import find_server_binary, holds_store, url_of_running
from stepbias.launcher.store.state_directory import refuse_moved
from stepbias.state_home import address_in, default_state_directory, is_claimed

_WORDS: Final = {Level.OK: "ok   ", Level.WARNING: "WARN ", Level.WRONG: "WRONG"}


def doctor(state_dir: Path | None = None, *, as_json: bool = False) -> int:
    """Print every finding; 1 if something is wrong, whatever there is to be warned of."""
    findings = list(examined(state_dir))
    if as_json:
        tell_json([asdict(finding) for finding in findings])
    for finding in () if as_json else findings:
        tell(f"{_WORDS[finding.level]} {finding.subject:<8} {finding.text}")
        if finding.remedy is not None:
            tell(f"      {'':<8} {finding.remedy}")
    return int(any(finding.level is Level.WRONG for finding in findings))


def examined(state_dir: Path | None) -> Iterator[Finding]:
    """Everything that is looked at, in the order of what depends on what."""
    yield from variables()
    yield from secrets_directory()
    try:
        settings = settings_of_environment()
    except WrongSettings as error:
        yield wrong("settings", "cannot be used: no process of the service starts", f"{error}.")
        yield from installation("auto")
        return
    yield from installation(settings.kernel)
    yield machine.memory()
    yield machine.files(settings.max_connections)
    yield from _store(settings, state_dir)
    yield from api(_noted(state_dir or default_state_directory()))


def _store(settings: Settings, state_dir: Path | None) -> Iterator[Finding]:
    """The server that `STEPBIAS_REDIS_URL` names, or the program that `stepbias up` would start and the room for it.

    Of an instance that runs in the state directory, its server as well.
    """
    if state_dir is None and (url := settings.store_url):
        yield from server(url, f"STEPBIAS_REDIS_URL ({without_password(url)})", settings)
        yield from broker(settings)
        yield from secrets_in_sight()
        return
    directory = state_dir or default_state_directory()
    try:
        with suppress(FileNotFoundError), os.scandir(directory):
            pass
    except OSError as error:
        remedy = "Ask as the user whose it is, or name another with --state-dir."
        yield wrong("state", f"{directory} cannot be looked into: {error.strerror}", remedy)
        return
    try:
        refuse_moved(directory)
    except StartupError as error:
        yield wrong("state", "nothing starts there", f"{error}.")
    yield _program()
    yield machine.disk(directory)
    if is_claimed(directory) and holds_store(directory):
        yield from server(url_of_running(directory), f"that of the instance in {directory}", settings)
    else:
        yield from machine.of_store_host()


def _noted(directory: Path) -> str | None:
    """Where the instance in the directory answers; None where none runs, or it is somebody else's."""
    with suppress(PermissionError):
        return address_in(directory) if is_claimed(directory) else None
    return None


def _program() -> Finding:
    try:
        return fine("server", f"{find_server_binary()}, started by `stepbias up`")
    except StartupError as error:
        return wrong("server", "none", str(error))
