"""`stepbias doctor`: what this installation is made of, and whether it can work."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

import numpy as np
import redis
import typer
from redis.backoff import NoBackoff
from redis.retry import Retry
from threadpoolctl import threadpool_info

from core.descent.kernel import NUMPY, chosen, kernel_id, kernel_names
from core.errors import StepbiasError
from jobs.errors import ForeignStore
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.disk_room import SCARCE, free_bytes
from stepbias.launcher.store.embedded import find_server_binary
from stepbias.state_home import default_state_directory


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the report; `remedy` says what to do where something is wrong."""

    subject: str
    text: str
    remedy: str | None = None


def doctor() -> int:
    """Print every finding; 1 if something is wrong."""
    findings = [*installation(), *store()]
    for finding in findings:
        typer.echo(f"{'ok   ' if finding.remedy is None else 'WRONG'} {finding.subject:<8} {finding.text}")
        if finding.remedy is not None:
            typer.echo(f"      {'':<8} {finding.remedy}")
    return int(any(finding.remedy is not None for finding in findings))


def installation() -> Iterator[Finding]:
    """What numbers depend on, and what runs them."""
    yield Finding(subject="stepbias", text=version("stepbias"))
    yield Finding(subject="python", text=f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding(subject="numpy", text=np.__version__)
    yield blas()
    yield kernel()
    yield Finding(subject="celery", text=version("celery"))


def kernel() -> Finding:
    """What trains, and what else could."""
    listed = ", ".join(kernel_names())
    try:
        name = chosen(checked_settings().kernel)
    except StepbiasError as error:
        return Finding(subject="kernel", text="none", remedy=f"STEPBIAS_KERNEL: {error}")
    text = f"{kernel_id(name)}, of {listed}: runs are bit-identical within it, and only there"
    if kernel_names() == (NUMPY,):
        text += "; the compiled one is missing, so training takes several times as long (it needs a C compiler when "
        text += "the package is installed)"
    return Finding(subject="kernel", text=text)


def blas() -> Finding:
    """The libraries that multiply matrices and solve; every one that is loaded."""
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    if not found:
        return Finding(subject="blas", text="not recognised")
    text = ", ".join(
        f"{library['internal_api']} {library['version']} ({library.get('architecture', 'unknown architecture')})"
        for library in found
    )
    return Finding(subject="blas", text=text)


def store() -> Iterator[Finding]:
    """The server that `STEPBIAS_REDIS_URL` names, or the program that `stepbias up` would start and the room for it."""
    if url := checked_settings().redis_url:
        yield _server(url.get_secret_value())
        return
    yield _program()
    yield _room()


def _room() -> Finding:
    directory = default_state_directory()
    free = free_bytes(directory)
    text = f"{free / 1e6:.0f} MB free at {directory}"
    if free >= SCARCE:
        return Finding(subject="disk", text=text)
    remedy = "A full disk stops the service: make room, or choose another directory with --state-dir."
    return Finding(subject="disk", text=text, remedy=remedy)


def _program() -> Finding:
    try:
        return Finding(subject="server", text=f"{find_server_binary()}, started by `stepbias up`")
    except StartupError as error:
        return Finding(subject="server", text="none", remedy=str(error))


def _server(url: str) -> Finding:
    """Whether the server answers, and keeps what it is given."""
    where = f"STEPBIAS_REDIS_URL ({_without_password(url)})"
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=3.0, socket_timeout=3.0, retry=Retry(NoBackoff(), 0)
        ) as server:
            policy = server.info("memory")["maxmemory_policy"]
            is_kept = server.info("persistence")["aof_enabled"]
            foreign = _foreign(server)
            damaged = RedisStore(server, Settings()).damaged()
    except (redis.RedisError, ValueError) as error:
        reason = str(error) or type(error).__name__
        remedy = f"{reason}. Start it, or correct the address; unset, `stepbias up` brings a server of its own."
        return Finding(subject="server", text=f"{where} does not answer", remedy=remedy)
    if foreign is not None:
        return Finding(subject="server", text=f"{where} is of another version", remedy=f"{foreign}.")
    if policy != "noeviction":
        remedy = "It would throw results away when memory is short: set maxmemory-policy noeviction."
        return Finding(subject="server", text=f"{where} has maxmemory-policy {policy}", remedy=remedy)
    if not is_kept:
        remedy = "It would forget everything when it restarts: set appendonly yes and appendfsync always."
        return Finding(subject="server", text=f"{where} keeps no append-only file", remedy=remedy)
    if damaged:
        shown = ", ".join(damaged[:5]) + (", …" if len(damaged) > 5 else "")
        remedy = f"They are not served; a retry of their experiments computes results again. {shown}"
        return Finding(
            subject="server", text=f"{where}: {len(damaged)} stored values were found damaged", remedy=remedy
        )
    return Finding(subject="server", text=f"{where} answers")


def _foreign(server: redis.Redis) -> ForeignStore | None:
    """Why the store on the server is not read by this version; None where it is, or is empty."""
    try:
        RedisStore(server, Settings()).look_around(Queue.BATCH)
    except ForeignStore as error:
        return error
    return None


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
