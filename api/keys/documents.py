"""Keys as the operator sees them, and how one is wished for."""

from typing import Annotated, Any, Final, Self

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.contract.examples import KEYS, named
from api.contract.parts import body, reference
from api.http.timestamps import timestamp
from api.problems.pointers import escaped
from api.problems.request_errors import UnusableKeyRequest, Violation
from api.problems.spec_violations import sentence
from api.requests import i_json
from api.requests.body import JSON, JsonBody, read
from jobs.api_keys import OWNER_PATTERN, ApiKey, KeyScope


class KeyDocument(BaseModel):
    """A key without what would open anything."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Names the key where it is revoked; it stands in the key, too.")
    owner: str
    scope: KeyScope
    last_four: str = Field(description="Characters that the key ends with.")
    created_at: str = Field(description="RFC 3339, UTC.")
    expires_at: str | None

    @classmethod
    def of(cls, kept: ApiKey, **more: Any) -> Self:
        """The document of what is kept."""
        return cls(
            id=kept.id,
            owner=kept.owner,
            scope=kept.scope,
            last_four=kept.last_four,
            created_at=timestamp(kept.created_at),
            expires_at=None if kept.expires_at is None else timestamp(kept.expires_at),
            **more,
        )


class NewKeyDocument(KeyDocument):
    """A key that was just made: this is the only answer that has it."""

    key: str


class KeyList(BaseModel):
    """Every key, the oldest first."""

    keys: tuple[KeyDocument, ...]


class KeyRequest(BaseModel):
    """What a new key is to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Annotated[str, Field(pattern=OWNER_PATTERN, description="Whose work is done with it.")]
    scope: KeyScope = KeyScope.SUBMIT
    expires_in_days: Annotated[
        float | None, Field(strict=True, gt=0, le=36_500, description="None: it does not expire.")
    ] = None


KEY_BODY: Final = body({JSON: {"schema": reference(KeyRequest), "examples": named(KEYS)}})


def read_key_request(body: bytes) -> KeyRequest:
    """The wish in a request body.

    Raises:
        MalformedBody, UnusableBody, UnusableKeyRequest: it is not JSON, or no such wish; each violation with its place.
    """
    document = i_json.read(body)
    try:
        return KeyRequest.model_validate(document)
    except ValidationError as error:
        violations = tuple(_violation(finding) for finding in error.errors())
        raise UnusableKeyRequest("The key breaks the rules listed under errors.", violations=violations) from None


def _violation(finding: Any) -> Violation:
    pointer = "".join(f"/{escaped(str(part))}" for part in finding["loc"])
    unknown = finding["type"] == "extra_forbidden"
    return Violation(pointer=pointer, detail="there is no such field" if unknown else sentence(finding))


async def _key_request(request: Request, body: JsonBody) -> KeyRequest:
    return await read(request, read_key_request, body)


KeyRequestHere = Annotated[KeyRequest, Depends(_key_request)]
"""The wish in the body of a request."""
