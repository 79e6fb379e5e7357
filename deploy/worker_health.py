#!/usr/bin/env python3
"""Whether the worker of this container lives, by what the store last heard of it; the exit status says so."""

import socket
import sys

from jobs.connection import connect
from jobs.records import Queue
from jobs.redis_store.keys import key
from jobs.settings import Settings


def is_alive(hostname: str) -> bool:
    """Whether a worker on the host has been heard of lately; the store forgets workers that fall silent."""
    url = Settings().redis_url
    if url is None:
        return False
    with connect(url.get_secret_value(), patience=1.0) as store:
        now = store.time()[0]
        heard_of = [
            worker for queue in Queue for worker in store.zrangebyscore(key("workers", queue), f"({now}", "+inf")
        ]
    return any(worker.decode().startswith(f"{hostname}:") for worker in heard_of)


if __name__ == "__main__":
    sys.exit(not is_alive(socket.gethostname()))
