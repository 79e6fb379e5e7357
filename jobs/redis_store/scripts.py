"""The store's Lua scripts: one atomic call each, in `lua/`, all beginning with `lua/ledger.lua`."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import redis
from redis.exceptions import NoScriptError, ResponseError

from jobs.connection import error_code, vendor_errors
from jobs.errors import (
    DocumentGone,
    EditedMeanwhile,
    ExperimentNotFound,
    ForeignStore,
    InUse,
    LeaseLost,
    NotFailed,
    NotPlanned,
    StillActive,
    StoreUnavailable,
    TooManyTags,
)
from jobs.ports import BACKGROUND_CHARGE
from jobs.redis_store.fields import EXPERIMENT_FIELDS, FIRST_FIELDS, JOB_FIELDS
from jobs.redis_store.keys import FORMER_SCHEMAS, PREFIX, SCHEMA
from jobs.states import JOB_MOVES

_TELLINGS: Final = 5


class Script(StrEnum):
    """The scripts, by the names of their files."""

    ADOPT = "adopt"
    SUBMIT = "submit"
    EDIT = "edit"
    QUEUE_PLACE = "queue_place"
    KEEP_ANSWER = "keep_answer"
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    CLAIM = "claim"
    HEARTBEAT = "heartbeat"
    SAVE_CHECKPOINT = "save_checkpoint"
    ADD_JOBS = "add_jobs"
    USE_DOCUMENTS = "use_documents"
    SET_RUN_KEYS = "set_run_keys"
    COMMIT_RUNS = "commit_runs"
    FINISH = "finish"
    TIDY = "tidy"
    CLEAR_GARBAGE = "clear_garbage"
    SWEEP = "sweep"
    PLAN_ANEW = "plan_anew"
    MISS_RUNS = "miss_runs"
    FORGET = "forget"
    FORGET_RUN = "forget_run"
    DROP_DOCUMENTS = "drop_documents"
    KEEP_DOCUMENT = "keep_document"
    KEEP_UPLOAD = "keep_upload"
    REGISTER = "register"
    LOOK_AROUND = "look_around"
    WORK_WAITING = "work_waiting"
    CONTENTS = "contents"
    AUDIT = "audit"
    REPAIR = "repair"
    TAKE_REQUEST = "take_request"
    DUE_WEBHOOKS = "due_webhooks"
    NOTE_WEBHOOK = "note_webhook"
    ASK_FIGURE = "ask_figure"
    TAKE_FIGURE = "take_figure"


class Damaged(Exception):
    """A script has found an experiment damaged that is to be repaired, in the generation of its jobs of this mark."""

    def __init__(self, experiment_id: str, mark: str) -> None:
        super().__init__(f"experiment {experiment_id} is damaged")
        self.experiment_id = experiment_id
        self.mark = mark


_REFUSALS: Final[Mapping[str, Callable[[str], Exception]]] = MappingProxyType(
    {
        "LEASELOST": LeaseLost,
        "NOTPLANNED": NotPlanned,
        "NOTFAILED": NotFailed,
        "STILLACTIVE": StillActive,
        "INUSE": InUse,
        "GONE": DocumentGone,
        "TOOMANYTAGS": TooManyTags,
        "EDITED": EditedMeanwhile,
        "FOREIGN": ForeignStore,
    }
)


@cache
def source(script: Script, turn_seconds: float = 0.0) -> str:
    """The whole text of a script. Its own first line says whether it may run when the server's memory is full."""
    folder = files("jobs.redis_store") / "lua"
    shebang, body = (folder / f"{script}.lua").read_text(encoding="utf-8").split("\n", maxsplit=1)
    ledger = (folder / "ledger.lua").read_text(encoding="utf-8")
    tables = f"local MOVES, SEALED_FIELDS = {_moves()}, {_sealed_fields()}"
    former = ", ".join(f"['{each}'] = true" for each in FORMER_SCHEMAS if script is Script.ADOPT)
    constants = f"local PREFIX, SCHEMA, BACKGROUND_CHARGE = '{PREFIX}', '{SCHEMA}', {BACKGROUND_CHARGE}; {tables}"
    constants += f"; local FORMER, TURN_SECONDS = {{ {former} }}, {turn_seconds!r}"
    return f"{shebang}\n{constants}\n{ledger}\nreturn carry_out(function()\n{body}\nend)"


class Scripts:
    """The scripts, callable on one server; a server that does not know a script is told it."""

    def __init__(self, client: redis.Redis, turn_seconds: float) -> None:
        self._registered = {script: client.register_script(source(script, turn_seconds)) for script in Script}

    def __call__(self, script: Script, *args: bytes | str | float) -> Any:
        """The script's answer.

        Raises:
            StoreUnavailable: the server does not answer.
            StoreFull: it has no room left.
            LeaseLost: the script refused the token.
            NotPlanned: the script refused the key of a run.
            ExperimentNotFound: the script knows no such experiment.
            NotFailed: the script refused a retry.
            StillActive: the script refused to delete an experiment.
            InUse: the script refused to remove a document.
            DocumentGone: the script refused an experiment that uses one that is not there.
            TooManyTags: the script refused to unite tags.
            EditedMeanwhile: the script refused to edit what is not as expected.
            ForeignStore: the store has another schema.
            Damaged: a record is not what was written, or does not agree with what lies beside it.
        """
        for _ in range(_TELLINGS):
            try:
                with vendor_errors():
                    return self._registered[script](args=args)
            except NoScriptError:
                # Told once by the library itself; a server that restarts again in between has forgotten it again.
                continue
            except ResponseError as error:
                raise _refusal(error, args) from error
        raise StoreUnavailable("the store keeps restarting")


def _sealed_fields() -> str:
    """The fields of the records as Lua has them."""
    kinds = {"experiment": EXPERIMENT_FIELDS, "job": JOB_FIELDS}
    tables = (f"{kind} = {{ first = {FIRST_FIELDS[each]}, {str(each)[1:-1]} }}" for kind, each in kinds.items())
    return f"{{ {', '.join(tables)} }}"


def _moves() -> str:
    """The table of legal moves as Lua has it."""
    states = (
        f"{before} = {{ {', '.join(f'{after} = true' for after in sorted(moves))} }}"
        for before, moves in JOB_MOVES.items()
    )
    return f"{{ {', '.join(states)} }}"


def _refusal(error: ResponseError, args: Sequence[bytes | str | float]) -> Exception:
    code = error_code(error)
    if code == "NOTFOUND":
        return ExperimentNotFound(str(args[0]))
    if code == "DAMAGED":
        _, experiment_id, mark, *_ = str(error).split(" ")
        return Damaged(experiment_id, mark)
    kind = _REFUSALS.get(code)
    return error if kind is None else kind(str(error).removeprefix(code).strip())
