"""`stepbias keys`: the keys of the HTTP interface, in the store itself."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jobs.api_keys import ApiKey, KeyScope, new_key
from jobs.connection import connect
from jobs.errors import JobsError
from jobs.ports import KeyStore
from jobs.redis_store import RedisStore
from stepbias.cli.failure import explained
from stepbias.cli.output import remark, tell, tell_json, tell_table
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.opened import opened_store

_SECONDS: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})([mhd])", re.ASCII)
_COLUMNS: Final = ("id", "owner", "scope", "ends with", "created", "expires")


def add(owner: str, *, scope: str, expires: str | None, state_dir: Path | None, as_json: bool) -> int:
    """Make a key; it is printed, once and nowhere else."""
    with _keys(state_dir) as store:
        key, kept = new_key(owner, KeyScope(scope), now=time.time(), seconds=_seconds(expires))
        store.keep_key(kept)
    if as_json:
        tell_json({"key": key} | _document(kept))
    else:
        tell(key)
    remark(f"key {kept.id} of {owner}, scope {scope}: it is shown this once")
    return 0


def list_keys(*, state_dir: Path | None, as_json: bool) -> int:
    """Print what is known of the keys, a line each."""
    with _keys(state_dir) as store:
        kept = store.keys()
    if as_json:
        tell_json([_document(each) for each in kept])
    elif kept:
        tell_table(_COLUMNS, map(_cells, kept))
    else:
        remark("no keys yet: stepbias keys add OWNER makes one")
    return 0


def revoke(key_id: str, *, state_dir: Path | None, as_json: bool) -> int:
    """Let a key open nothing any more."""
    with _keys(state_dir) as store:
        if not store.drop_key(key_id):
            raise StartupError(f"there is no key {key_id}; `stepbias keys list` has those that there are")
    if as_json:
        tell_json({"id": key_id, "revoked": True})
    return 0


@contextmanager
def _keys(state_dir: Path | None) -> Iterator[KeyStore]:
    settings = checked_settings()
    with (
        explained(StartupError, JobsError, ValueError),
        opened_store(state_dir, may_run=True, is_there=False) as url,
        connect(url, patience=0.0) as client,
    ):
        store = RedisStore(client, settings)
        # What another version wrote is left alone.
        store.adopt()
        yield store


def _seconds(span: str | None) -> float | None:
    """The seconds of a span such as 30d.

    Raises:
        ValueError: it is none.
    """
    if span is None:
        return None
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError("--expires takes a number of minutes, hours or days, such as 90m, 12h or 30d")
    return int(found[1]) * _SECONDS[found[2]]


def _document(kept: ApiKey) -> dict[str, Any]:
    expires = None if kept.expires_at is None else _rfc_3339(kept.expires_at)
    named = {"id": kept.id, "owner": kept.owner, "scope": kept.scope, "last_four": kept.last_four}
    return named | {"created_at": _rfc_3339(kept.created_at), "expires_at": expires}


def _rfc_3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _cells(kept: ApiKey) -> tuple[str, ...]:
    expires = "never" if kept.expires_at is None else _time(kept.expires_at)
    if kept.is_expired(time.time()):
        expires += " (it has)"
    return kept.id, kept.owner, kept.scope, kept.last_four, _time(kept.created_at), expires


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
