"""Whether a server keeps what it is given."""

from typing import Any

import redis

from jobs.connection import vendor_errors


def forgetting(server: redis.Redis) -> tuple[str, str] | None:
    """How the server would lose what it has acknowledged, and what is to be set; None where it would not.

    Raises:
        StoreUnavailable: it does not answer.
    """
    with vendor_errors():
        memory: Any = server.info("memory")
        persistence: Any = server.info("persistence")
    # A server that does not say is believed.
    policy, is_kept = memory.get("maxmemory_policy", "noeviction"), persistence.get("aof_enabled", 1)
    if policy != "noeviction":
        remedy = "It would throw results away when memory is short: set maxmemory-policy noeviction."
        return f"has maxmemory-policy {policy}", remedy
    if not is_kept:
        remedy = "It would forget everything when it restarts: set appendonly yes and appendfsync always."
        return "keeps no append-only file", remedy
    return None
