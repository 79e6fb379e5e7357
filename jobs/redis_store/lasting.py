"""Whether a server is one that the store can be on, and keeps what it is given."""

from typing import Any

import redis

from jobs.connection import vendor_errors


def of_a_cluster(server: redis.Redis) -> tuple[str, str] | None:
    """That the server is a node of a cluster, and what is to be done; None where it is none.

    A cluster lays keys onto nodes by their names and refuses a script that reaches keys of several (CROSSSLOT). The
    store's scripts find most of their keys in other keys: whose turn it is, which page a run is on.

    Raises:
        StoreUnavailable: it does not answer.
    """
    with vendor_errors():
        found: Any = server.info("cluster")
    # A server that does not say is believed.
    if not found.get("cluster_enabled", 0):
        return None
    remedy = (
        "The store needs one server, with replicas if you like: its scripts reach many keys at once, which a cluster "
        "refuses. Set cluster-enabled no, or name another server."
    )
    return "is a node of a cluster", remedy


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
