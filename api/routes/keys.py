"""Keys: list, make, revoke. For holders of a key of scope admin, where keys are required."""

import re
import time
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import WithJsonSchema

from api.contract.parts import PROBLEMS
from api.dependencies import AskerHere, KeyStoreHere
from api.experiments.answered_once import HEADER
from api.keys.documents import KEY_BODY, KeyDocument, KeyList, KeyRequestHere, NewKeyDocument
from api.problems.request_errors import InvalidQuery, NothingHere, Violation
from jobs.api_keys import new_key

_DAY_SECONDS: Final = 86_400.0
_ID: Final = re.compile(r"[0-9a-f]{12}", re.ASCII)

KeyId = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"})]


async def _require_keys(asker: AskerHere) -> None:
    """Where nobody needs a key, nobody can say who may make one."""
    if asker is None:
        raise NothingHere("No keys are required here; where they are, STEPBIAS_KEYS says so.")


router = APIRouter(prefix="/v1/keys", tags=["keys"], responses=PROBLEMS, dependencies=[Depends(_require_keys)])


@router.get("")
def list_keys(store: KeyStoreHere) -> KeyList:
    """List keys, the oldest first; the keys themselves are nowhere kept."""
    return KeyList(keys=tuple(map(KeyDocument.of, store.keys())))


async def _require_no_replay(request: Request) -> None:
    """A key is told once: the answer that has it cannot be kept to be sent again."""
    if HEADER in request.headers:
        detail = "a key is made each time: list keys, and revoke the one whose answer was lost"
        raise InvalidQuery(f"The {HEADER} cannot be used.", violations=(Violation(parameter=HEADER, detail=detail),))


@router.post(
    "", status_code=status.HTTP_201_CREATED, openapi_extra=KEY_BODY, dependencies=[Depends(_require_no_replay)]
)
def create_key(wish: KeyRequestHere, store: KeyStoreHere, response: Response) -> NewKeyDocument:
    """Make a key; it is in this answer, and in no other one."""
    seconds = None if wish.expires_in_days is None else wish.expires_in_days * _DAY_SECONDS
    key, kept = new_key(wish.owner, wish.scope, now=time.time(), seconds=seconds)
    store.keep_key(kept)
    response.headers["Cache-Control"] = "no-store"
    return NewKeyDocument.of(kept, key=key)


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
def revoke_key(key_id: KeyId, store: KeyStoreHere) -> None:
    """Revoke a key: a second later it opens nothing. What was done with it stays."""
    if not (_ID.fullmatch(key_id) and store.drop_key(key_id)):
        raise NothingHere("There is no key of that id.")
