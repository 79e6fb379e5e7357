"""The store's Lua scripts: one atomic call each, in `lua/`, all beginning with `lua/ledger.lua`."""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import redis
from redis.exceptions import ResponseError

from jobs.connection import error_code, vendor_errors
from jobs.errors import ExperimentNotFound, IllegalMove, LeaseLost
from jobs.redis_store.keys import PREFIX


class Script(StrEnum):
    """The scripts, by the names of their files."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    RETRY = "retry"
    CLAIM = "claim"
    HEARTBEAT = "heartbeat"
    SAVE_CHECKPOINT = "save_checkpoint"
    ADD_JOBS = "add_jobs"
    SET_RUN_KEYS = "set_run_keys"
    COMMIT_RUNS = "commit_runs"
    COMPLETE = "complete"
    FAIL = "fail"
    HAND_BACK = "hand_back"
    EXPIRE_LEASES = "expire_leases"
    UNANNOUNCED = "unannounced"
    BEAT = "beat"
    LIVE_WORKERS = "live_workers"
    REQUEST = "request"


@cache
def source(script: Script) -> str:
    """The whole text of a script. Its own first line says whether it may run when the server's memory is full."""
    folder = files("jobs.redis_store") / "lua"
    shebang, body = (folder / f"{script}.lua").read_text(encoding="utf-8").split("\n", maxsplit=1)
    ledger = (folder / "ledger.lua").read_text(encoding="utf-8")
    return f"{shebang}\nlocal PREFIX = '{PREFIX}'\n{ledger}\n{body}"


class Scripts:
    """The scripts, callable on one server; a server that does not know a script is told it."""

    def __init__(self, client: redis.Redis) -> None:
        self._registered = {script: client.register_script(source(script)) for script in Script}

    def __call__(self, script: Script, *args: bytes | str | float) -> Any:
        """The script's answer.

        Raises:
            StoreUnavailable: the server does not answer, or has no room left.
            LeaseLost: the script refused the token.
            ExperimentNotFound: the script knows no such experiment.
            IllegalMove: the script refused the move.
            ValueError: the script counts runs or jobs, and the job belongs to no experiment's count.
        """
        try:
            with vendor_errors():
                return self._registered[script](args=args)
        except ResponseError as error:
            raise _refusal(error, args) from error


def _refusal(error: ResponseError, args: Sequence[bytes | str | float]) -> Exception:
    code = error_code(error)
    message = str(error).removeprefix(code).strip()
    match code:
        case "LEASELOST":
            return LeaseLost(message)
        case "NOTFOUND":
            return ExperimentNotFound(str(args[0]))
        case "ILLEGALMOVE":
            current, wanted = message.split()
            return IllegalMove(current, wanted)
        case "UNCOUNTED":
            return ValueError(message)
        case _:
            return error
