#!/usr/bin/env python3
"""Keep a key with which `/metrics` may be read, where there is none that the store knows: `metrics_key.py FILE`.

The store is the one that the environment names. It may be another than the last time: restored, or begun anew.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import stepbias.launcher  # noqa: F401 - makes the following importable
from jobs.api_keys import KeyScope, id_of, new_key
from jobs.connection import connect
from jobs.ports import KeyStore
from jobs.redis_store import RedisStore
from jobs.settings import settings_of_environment

OWNER = "monitoring"
"""Nothing is this owner's: the key reads numbers, and no work of anybody."""


def ensure_key(store: KeyStore, file: Path) -> None:
    """Write a key of the least scope to the file, unless the one that is there opens something."""
    # One that is there and cannot be read is an error, and no reason for another.
    with suppress(FileNotFoundError):
        if _is_known(store, file.read_text(encoding="ascii").strip()):
            return
    key, kept = new_key(OWNER, KeyScope.READ, now=time.time(), seconds=None)
    store.keep_key(kept)
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    # Prometheus is another user; no other container has the volume.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "w", encoding="ascii") as text:
        text.write(key)
    draft.replace(file)


def _is_known(store: KeyStore, key: str) -> bool:
    key_id = id_of(key)
    kept = None if key_id is None else store.key(key_id)
    return kept is not None and kept.is_of(key)


def main(file: Path) -> None:
    """Keep the key, in the store that the environment names."""
    settings = settings_of_environment()
    if settings.redis_url is None:
        sys.exit("stepbias: STEPBIAS_REDIS_URL is not set")
    with connect(settings.redis_url.get_secret_value(), patience=10.0) as client:
        ensure_key(RedisStore(client, settings), file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
