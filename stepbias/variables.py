"""Which variables of the environment are read here, and a word about those that look as if they were."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

PREFIX: Final = "STEPBIAS_"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


OF_SERVICE: Final = _names(
    "ALLOWED_HOSTS ANSWER_SECONDS BROKER_URL CELERY_EVENTS CHECKPOINT_SECONDS CORS_ORIGINS HEARTBEAT_SECONDS "
    "JANITOR_SECONDS KERNEL KEYS LEASE_SECONDS LOG_FORMAT MAX_ACTIVE_OF_OWNER MAX_ATTEMPTS MAX_BODY_BYTES "
    "MAX_CONNECTIONS MAX_DATA_ENTRIES MAX_MEMORY_BYTES MAX_RUNS MAX_RUNS_OF_OWNER MAX_SECONDS MAX_STORED_BYTES "
    "PROCESS_MEMORY_BYTES REDIS_CA REDIS_URL REQUESTS_PER_MINUTE RETENTION_DAYS ROOT_PATH SHARE_RUNS STALL_SECONDS "
    "STORE_MEMORY_BYTES STORE_PATIENCE_SECONDS TRUSTED_PROXIES TURN_SECONDS WEBHOOK_HOSTS WEBHOOK_SECRET"
)
"""The fields of `jobs.settings.Settings`, which the client cannot ask."""

_OF_LAUNCHER: Final = _names("SECRETS_DIR STATE_DIR")
_OF_CLIENT: Final = _names("API_KEY URL")
_OF_COMPOSE: Final = _names(
    "API_CPUS API_MEMORY BACKUPS GRAFANA_IMAGE GRAFANA_MEMORY GRAFANA_PORT INTERACTIVE_CPUS INTERACTIVE_MEMORY "
    "MAXMEMORY METRICS_DAYS PORT PROMETHEUS_IMAGE PROMETHEUS_MEMORY PYTHON_IMAGE REDIS_CPUS REDIS_IMAGE REDIS_MEMORY "
    "STORE_BIND WORKER_CPUS WORKER_MEMORY"
)
_OF_UNITS: Final = _names("CONCURRENCY REQUEUE")
"""Those of systemd, and the job arrays of Slurm."""

KNOWN: Final = OF_SERVICE | _OF_LAUNCHER | _OF_CLIENT | _OF_COMPOSE | _OF_UNITS
"""Without the prefix; everything that anything in this repository reads."""


def unread(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each of these that begins as ours do and that nothing reads: it is another tool's, or misspelt.

    Their values are not looked at: one may be a secret.
    """
    for name in sorted(names):
        rest = name.upper().removeprefix(PREFIX)
        if not name.upper().startswith(PREFIX) or (name.isupper() and rest in KNOWN):
            continue
        near = [rest] if rest in KNOWN else difflib.get_close_matches(rest, sorted(KNOWN), n=1)
        yield f"nothing reads the variable {name}" + (f"; is {PREFIX}{near[0]} meant?" if near else "")
