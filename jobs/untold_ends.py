"""Ends of experiments that nobody could tell: no living worker may tell the host that wants to hear of them."""

from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from jobs.ports import Store
from jobs.records import Queue
from jobs.webhooks import may_tell

MOST: Final = 100
"""Ends of an owner that are looked at."""


def teller_lacking(url: str, store: Store) -> str | None:
    """What telling this address waits for, as a noun phrase; None where a living worker may tell it."""
    if any(may_tell(named, url) for named in _told_hosts(store)):
        return None
    return f"a live worker that may tell {_host(url)} (STEPBIAS_WEBHOOK_HOSTS of the workers)"


def untellable(store: Store) -> Mapping[str, int]:
    """How many ends wait to be told to each host that no living worker may tell; of an owner the first hundred."""
    if not (ids := store.untold(most=MOST)):
        return {}
    told = _told_hosts(store)
    urls = (record.wishes.webhook for record in store.records(ids).values())
    return Counter(_host(url) for url in urls if not any(may_tell(named, url) for named in told))


def untellable_sentences(found: Mapping[str, int]) -> str:
    """The same for people."""
    return "; ".join(
        f"{count} {'end waits' if count == 1 else 'ends wait'} to be told, and no living worker may tell {host}"
        for host, count in sorted(found.items())
    )


def _told_hosts(store: Store) -> set[str]:
    return {worker.tells for queue in Queue for worker in store.look_around(queue).workers}


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")
