"""The store: whether it is reached, may be used, keeps what it is given, has room, and is of this version."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import redis

from jobs.connection import connect, refusal_of
from jobs.errors import ForeignStore, StoreFull, StoreRefused, StoreUnavailable
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.redis_store.lasting import forgetting, of_a_cluster
from jobs.settings import Settings
from jobs.untold_ends import untellable, untellable_sentences
from stepbias.launcher.checks.reach import is_loopback
from stepbias.launcher.checks.store_door import other_language
from stepbias.launcher.diagnosis import machine, workers
from stepbias.launcher.diagnosis.finding import Finding, doubtful, fine, wrong
from stepbias.launcher.diagnosis.store_address import PATIENCE, Obstacle, obstacle
from stepbias.launcher.store.server_version import is_repaired, numbers

_OLDEST: Final = 7
_SMALL: Final = 200_000_000
"""Bytes of `maxmemory` that one large experiment fills."""

_SKEW: Final = 30.0
"""Seconds by which two clocks may differ before anybody would notice."""


def server(url: str, where: str, settings: Settings) -> Iterator[Finding]:
    """All that can be said of the server at an address; `where` names it for people."""
    if (found := obstacle(url)) is not None:
        yield wrong("server", f"{where} {found[0]}", found[1])
        return
    try:
        with connect(url, patience=0.0, answer_seconds=PATIENCE) as client:
            yield from _asked(client, where, settings)
    except (redis.RedisError, StoreUnavailable, StoreFull, ValueError, OSError) as error:
        text, remedy = _explained(error, url)
        yield wrong("server", f"{where} {text}", remedy)
        return
    if is_loopback(urlsplit(url).hostname or "localhost"):
        yield from machine.of_store_host()


def _asked(client: redis.Redis, where: str, settings: Settings) -> Iterator[Finding]:
    client.ping()
    about: Any = client.info("server")
    memory: Any = client.info("memory")
    if (old := too_old(about)) is not None:
        yield wrong("server", f"{where} {old[0]}", old[1])
        return
    if (cluster := of_a_cluster(client)) is not None:
        yield wrong("server", f"{where} {cluster[0]}", cluster[1])
        return
    store = RedisStore(client, settings)
    try:
        store.look_around(Queue.BATCH)
    except ForeignStore as error:
        remedy = f"{error}. Run the version of stepbias that wrote it, or name another server or database."
        yield wrong("server", f"{where} is of another version", remedy)
        return
    if (risk := of_power_cuts(about)) is not None:
        yield doubtful("server", f"{where} {risk[0]}", risk[1])
    store.require_writable()
    yield from _keeping(client, memory, where, store)
    yield clock(float(_seconds(client)), time.time())
    yield from workers.of_store(store, settings)
    if untold := untellable(store):
        remedy = "Set STEPBIAS_WEBHOOK_HOSTS and STEPBIAS_WEBHOOK_SECRET of a worker as those of the API are."
        yield wrong("webhooks", untellable_sentences(untold), remedy)


def _keeping(client: redis.Redis, memory: Mapping[str, Any], where: str, store: RedisStore) -> Iterator[Finding]:
    """Whether it keeps what it was given, and has room for more."""
    findings = [
        *(wrong("server", f"{where} {text}", remedy) for text, remedy in _losses(client)),
        *(wrong("server", f"{where}: {text}", remedy) for text, remedy in _full(store)),
        *(doubtful("server", f"{where} {text}", remedy) for text, remedy in _small(memory)),
    ]
    if damaged := store.damaged():
        shown = ", ".join(damaged[:5]) + (", …" if len(damaged) > 5 else "")
        remedy = f"They are not served; a retry of their experiments computes results again. {shown}"
        findings.append(wrong("server", f"{where}: {len(damaged)} stored values were found damaged", remedy))
    yield from findings or [fine("server", f"{where} answers")]


def _losses(client: redis.Redis) -> Iterator[Obstacle]:
    if (lack := forgetting(client)) is not None:
        yield lack
        return
    try:
        sync: Any = client.config_get("appendfsync")
    except redis.RedisError:
        return  # Not everybody may ask.
    if sync.get("appendfsync", "always") != "always":
        remedy = (
            "A power cut takes what was answered since the file was last written: CONFIG SET appendfsync always, and "
        )
        yield f"has appendfsync {sync['appendfsync']}", f"{remedy}the same line in the server's configuration file."


def _full(store: RedisStore) -> Iterator[Obstacle]:
    if (lack := store.room(reserve=0.1)) is not None:
        disk = "disk" in lack
        remedy = (
            "Make room on the disk of the server; it goes on by itself."
            if disk
            else ("New work is refused: delete experiments (stepbias delete ID), or CONFIG SET maxmemory to more.")
        )
        yield lack, remedy


def _small(memory: Mapping[str, Any]) -> Iterator[Obstacle]:
    most = int(memory.get("maxmemory", 0))
    if 0 < most < _SMALL:
        remedy = f"One large experiment fills it: CONFIG SET maxmemory {_SMALL} or more, and in its configuration file."
        yield f"may have {most / 1e6:.0f} MB of memory (maxmemory)", remedy


def too_old(about: Mapping[str, Any]) -> Obstacle | None:
    """Whether a server, by what it says of itself, is of a version that cannot run the scripts."""
    version = str(about.get("redis_version", _OLDEST))
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) < _OLDEST:
        return (
            f"is of version {version}",
            "Redis or Valkey 7 or later is needed; a store of an older one is read by it.",
        )
    return None


def of_power_cuts(about: Mapping[str, Any]) -> Obstacle | None:
    """That a server may lose later writes after a power cut, or need a person, by what it says of itself."""
    name = "valkey" if "valkey_version" in about else "redis"
    version = str(about.get(f"{name}_version", ""))
    if not version or is_repaired(name, numbers(version)):
        return None
    remedy = "After a power cut in the midst of a write it may lose later ones at the start after next, or not start. "
    remedy += "Valkey 9.1.2, or 9.0.6, and later do not, and read its data (docs/reliability.md)."
    return f"is {name.capitalize()} {version}", remedy


def clock(there: float, here: float) -> Finding:
    """The clocks of the store and of this machine, in seconds since the epoch."""
    off = here - there
    if abs(off) <= _SKEW:
        return fine("clock", "that of the store agrees with that of this machine")
    side = "ahead of" if off > 0 else "behind"
    remedy = (
        "No job is lost by it, for leases are measured by the store alone; but keys expire at another time, receivers "
    )
    remedy += "refuse webhooks, and certificates may not be valid: sudo timedatectl set-ntp true"
    return doubtful("clock", f"that of this machine is {abs(off):.0f} s {side} that of the store", remedy)


def _seconds(client: redis.Redis) -> float:
    now: Any = client.time()
    return float(now[0]) + float(now[1]) / 1e6


def _explained(error: Exception, url: str) -> Obstacle:
    """What is meant by an error on the way, and what to do."""
    if refusal := str(error) if isinstance(error, StoreRefused) else refusal_of(error):
        return "and this machine do not come to terms", f"{refusal}."
    if (language := other_language(url)) is not None:
        return "does not understand us", f"{language}."
    reason = str(error) or type(error).__name__
    if isinstance(error, StoreFull):
        return f"takes no more: {reason}", "Make room: on its disk, or by CONFIG SET maxmemory."
    remedy = f"{reason}. Start it, or correct the address; unset, `stepbias up` brings a server of its own."
    return "does not answer", remedy
