"""Keys of the HTTP interface: who holds one, and what it lets them do. The key itself is nowhere kept."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

OWNER_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
"""What an owner may be called. Neither / nor : is in it, for names in the store are made with these."""

SECRET_BYTES: Final = 32

_FORM: Final = re.compile(r"sb_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


class KeyScope(StrEnum):
    """What a key lets its holder do; each includes the one before."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"

    def includes(self, other: "KeyScope") -> bool:
        """Whether the holder may do what the other scope lets one do."""
        scopes = list(KeyScope)
        return scopes.index(self) >= scopes.index(other)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """What is kept of a key. Times are seconds since the epoch; `expires_at` is None for one that does not expire.

    `digest` is SHA-256 of the whole key. Its secret part has 256 random bits: nobody finds it by trying, so a hash that
    is slow on purpose, as for passwords that people choose, would protect nothing and cost every request.
    """

    id: str
    owner: str
    scope: KeyScope
    digest: str
    last_four: str
    created_at: float
    expires_at: float | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(OWNER_PATTERN, self.owner, re.ASCII):
            raise ValueError("an owner has 1 to 64 letters, digits and . _ @ -, and begins with a letter or a digit")

    def is_of(self, key: str) -> bool:
        """Whether this is the record of that key; it takes the same time whatever is wrong."""
        return hmac.compare_digest(digest_of(key), self.digest)

    def is_expired(self, now: float) -> bool:
        """Whether it is too late to use it."""
        return self.expires_at is not None and self.expires_at <= now


def new_key(owner: str, scope: KeyScope, *, now: float, seconds: float | None = None) -> tuple[str, ApiKey]:
    """A key, which is told once, and what is kept of it; it expires after so many seconds, or never.

    Raises:
        ValueError: the owner cannot be called so.
    """
    key_id = secrets.token_hex(6)
    key = f"sb_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    expires_at = None if seconds is None else now + seconds
    kept = ApiKey(
        id=key_id,
        owner=owner,
        scope=scope,
        digest=digest_of(key),
        last_four=key[-4:],
        created_at=now,
        expires_at=expires_at,
    )
    return key, kept


def id_of(key: str) -> str | None:
    """The id in a key; None where it is none."""
    found = _FORM.fullmatch(key)
    return None if found is None else found[1]


def digest_of(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()
