"""`stepbias doctor`: what this installation is made of, and whether it can work."""

import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from threadpoolctl import threadpool_info

from core.descent.kernel import NUMPY, chosen, kernel_id, kernel_names
from core.errors import StepbiasError
from jobs.errors import ForeignStore, StoreUnavailable
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.redis_store.lasting import forgetting, of_a_cluster
from jobs.settings import Settings
from jobs.untold_ends import untellable, untellable_sentences
from stepbias.cli.output import tell, tell_json
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.disk_room import SCARCE, free_bytes
from stepbias.launcher.store.embedded import find_server_binary, holds_store, url_of_running
from stepbias.state_home import default_state_directory, is_claimed


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the report; `remedy` says what to do where something is wrong."""

    subject: str
    text: str
    remedy: str | None = None


def doctor(state_dir: Path | None = None, *, as_json: bool = False) -> int:
    """Print every finding; 1 if something is wrong."""
    findings = [*installation(), *store(state_dir)]
    if as_json:
        tell_json([asdict(finding) for finding in findings])
    for finding in () if as_json else findings:
        tell(f"{'ok   ' if finding.remedy is None else 'WRONG'} {finding.subject:<8} {finding.text}")
        if finding.remedy is not None:
            tell(f"      {'':<8} {finding.remedy}")
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


def store(state_dir: Path | None = None) -> Iterator[Finding]:
    """The server that `STEPBIAS_REDIS_URL` names, or the program that `stepbias up` would start and the room for it.

    Of an instance that runs in the state directory, its server as well.
    """
    if state_dir is None and (named := checked_settings().redis_url):
        url = named.get_secret_value()
        yield _server(url, f"STEPBIAS_REDIS_URL ({_without_password(url)})")
        return
    directory = state_dir or default_state_directory()
    yield _program()
    yield _room(directory)
    if is_claimed(directory) and holds_store(directory):
        yield _server(url_of_running(directory), f"that of the instance in {directory}")


def _room(directory: Path) -> Finding:
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


def _server(url: str, where: str) -> Finding:
    """Whether the server answers, and keeps what it is given."""
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=3.0, socket_timeout=3.0, retry=Retry(NoBackoff(), 0)
        ) as server:
            lack = of_a_cluster(server)
            # Of a cluster nothing else can be asked.
            foreign = None if lack else _foreign(server)
            damaged = () if lack else RedisStore(server, Settings()).damaged()
            untold = {} if lack or foreign else untellable(RedisStore(server, Settings()))
            lack = lack or forgetting(server)
    except (redis.RedisError, StoreUnavailable, ValueError) as error:
        reason = str(error) or type(error).__name__
        remedy = f"{reason}. Start it, or correct the address; unset, `stepbias up` brings a server of its own."
        return Finding(subject="server", text=f"{where} does not answer", remedy=remedy)
    if foreign is not None:
        return Finding(subject="server", text=f"{where} is of another version", remedy=f"{foreign}.")
    if lack is not None:
        text, remedy = lack
        return Finding(subject="server", text=f"{where} {text}", remedy=remedy)
    if damaged:
        shown = ", ".join(damaged[:5]) + (", …" if len(damaged) > 5 else "")
        remedy = f"They are not served; a retry of their experiments computes results again. {shown}"
        return Finding(
            subject="server", text=f"{where}: {len(damaged)} stored values were found damaged", remedy=remedy
        )
    if untold:
        remedy = "Set STEPBIAS_WEBHOOK_HOSTS and STEPBIAS_WEBHOOK_SECRET of a worker as those of the API are."
        return Finding(subject="webhooks", text=untellable_sentences(untold), remedy=remedy)
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
