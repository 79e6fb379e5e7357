"""Who asks: the holder of a key, and what they may see."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from api.problems.request_errors import ExpiredKey, InsufficientScope, UnknownKey
from jobs.api_keys import ApiKey, KeyScope, digest_of, id_of
from jobs.ports import Store
from jobs.records import Experiment, Ownership

BELIEVED_SECONDS: Final = 1.0
"""What the store has said of a key is believed for so long: a key that is revoked opens nothing after that."""

_MOST_BELIEVED: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """The holder of a key. `pools`: runs and analyses are shared with the whole deployment."""

    owner: str
    scope: KeyScope
    pools: bool = False

    @property
    def sees_all(self) -> bool:
        """Whether the work of others is theirs to see, and to change."""
        return self.scope is KeyScope.ADMIN

    @property
    def ownership(self) -> Ownership:
        """Whose their work is."""
        return Ownership(owner=self.owner, is_pooled=self.pools)

    def may_change(self, experiment: Experiment) -> bool:
        """Whether it is theirs to change."""
        return self.sees_all or experiment.ownership.owner == self.owner

    def may_read(self, experiment: Experiment) -> bool:
        """Whether it is theirs to read."""
        return experiment.ownership.is_shared or self.may_change(experiment)

    def require(self, scope: KeyScope) -> None:
        """Return if the key is good for this.

        Raises:
            InsufficientScope: it is not.
        """
        if not self.scope.includes(scope):
            challenge = f'Bearer realm="stepbias", error="insufficient_scope", scope="{scope}"'
            raise InsufficientScope(
                f"A key of scope {scope} is wanted; this one has {self.scope}.",
                headers={"WWW-Authenticate": challenge},
            )


class KeyRing:
    """The keys, as this process knows them.

    What is remembered is remembered by the digest of the whole key: a wrong one is looked up in the store like one that
    there never was.
    """

    def __init__(
        self, store: Store, clock: Callable[[], float] = time.monotonic, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._clock, self._wall_clock = store, clock, wall_clock
        self._believed: dict[str, tuple[float, ApiKey]] = {}

    async def holder(self, key: str) -> ApiKey:
        """What is kept of a key.

        Raises:
            UnknownKey: it is none of those that are known.
            ExpiredKey: it was.
        """
        digest, now = digest_of(key), self._clock()
        told_at, kept = self._believed.get(digest, (now - 2 * BELIEVED_SECONDS, None))
        if kept is None or now - told_at > BELIEVED_SECONDS:
            kept = await to_thread.run_sync(self._found, key)
            self._believe(digest, kept, now)
        if kept is None:
            raise UnknownKey("The key is none of those that are known here.", headers=_INVALID)
        if kept.is_expired(self._wall_clock()):
            raise ExpiredKey("The key has expired; ask the operator for another one.", headers=_INVALID)
        return kept

    def _found(self, key: str) -> ApiKey | None:
        key_id = id_of(key)
        kept = None if key_id is None else self._store.key(key_id)
        return kept if kept is not None and kept.is_of(key) else None

    def _believe(self, digest: str, kept: ApiKey | None, now: float) -> None:
        self._believed.pop(digest, None)
        if len(self._believed) >= _MOST_BELIEVED:
            self._believed.clear()
        if kept is not None:
            self._believed[digest] = now, kept


_INVALID: Final = {"WWW-Authenticate": 'Bearer realm="stepbias", error="invalid_token"'}
