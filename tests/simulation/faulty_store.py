"""A store at whose every call something may go wrong: for the caller, between the calls, or on the way back."""

from collections.abc import Callable
from typing import Any

from jobs.errors import StoreFull, StoreUnavailable
from jobs.ports import Store
from jobs.records import Claim, Round
from tests.simulation.chance import Killed, Odds

READS = frozenset(
    {"experiment", "spec", "job", "jobs", "checkpoint", "summaries", "run", "document", "look_around", "work_waiting"}
)
MOST_CALLS = 20_000
NEEDS_ROOM = frozenset(
    {"submit", "save_checkpoint", "add_jobs", "set_run_keys", "commit_runs", "put_document", "keep_upload"}
)


Outcome = Callable[[Any, Any], tuple[Any, Exception | None]]
"""Of the arguments of a call, by place and by name: the answer, or the error."""


class OutdatedWrite(AssertionError):
    """The store took a write that came with a token which was no longer current."""


class TwoJanitors(AssertionError):
    """Two workers tidy up at once."""


class Endless(AssertionError):
    """Something is done over and over."""


class Tokens:
    """The token that was given out last for each job, who was janitor last, and the laws that no other may act."""

    def __init__(self, period: float) -> None:
        self._current: dict[str, int] = {}
        self.calls = 0
        self._place = 3 * period
        self._janitor, self._came_at = "", float("-inf")

    def count_call(self) -> None:
        """One more call: a life has a few hundred."""
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise Endless(f"{MOST_CALLS} calls of the store, and no end")

    def note(self, claim: Claim) -> None:
        """A claim was given, whether or not it arrived."""
        self._current[claim.job.id] = claim.token

    def note_round(self, caller: str, found: Round) -> None:
        """A worker was told whether it is the janitor: it is for three periods, by the store's clock."""
        if found.is_janitor:
            if caller != self._janitor and self._came_at <= found.at < self._came_at + self._place:
                raise TwoJanitors(f"{caller} at {found.at}, when {self._janitor} had come at {self._came_at}")
            self._janitor, self._came_at = caller, found.at

    def require_current(self, claim: Claim) -> None:
        """Somebody has written with this claim."""
        if claim.token != self._current[claim.job.id]:
            raise OutdatedWrite(f"{claim.job.id} by token {claim.token}, when {self._current[claim.job.id]} was out")


class FaultyStore:
    """Every call of the store behind it, and what chance does to it. Where a process is killed depends on `mortal`."""

    def __init__(
        self, store: Store, chance: Callable[[], float], odds: Callable[[], Odds], tokens: Tokens, *, mortal: bool
    ) -> None:
        self._store, self._chance, self._odds, self._mortal = store, chance, odds, mortal
        self._tokens = tokens
        self.between: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        faulty = self._faulty(name, self._noted(getattr(self._store, name)))
        setattr(self, name, faulty)
        return faulty

    def _faulty(self, name: str, outcome: Outcome) -> Callable[..., Any]:
        chance, writes = self._chance, name not in READS

        def faulty(*args: Any, **options: Any) -> Any:
            odds = self._odds()
            if self._mortal and chance() < odds.killed_before:
                raise Killed
            if chance() < odds.interrupted:
                self.between()
            if chance() < odds.unavailable:
                raise StoreUnavailable("away")
            # A job is completed without room, but for its last runs.
            takes_room = name in NEEDS_ROOM or (name == "complete" and any(args[1:]))
            if takes_room and chance() < odds.full:
                raise StoreFull("full")
            if chance() < odds.sent_again:
                # The first reply was lost, and the client has sent the call again: it sees the second answer alone.
                outcome(args, options)
            answer, error = outcome(args, options)
            if self._mortal and chance() < odds.killed_after:
                raise Killed
            if writes and chance() < odds.reply_lost:
                raise StoreUnavailable("no answer")
            if error is not None:
                raise error
            return answer

        return faulty

    def _noted(self, call: Callable[..., Any]) -> Outcome:
        """The call, which gives its answer or its error, and whose tokens are looked at."""
        tokens = self._tokens

        def outcome(args: Any, options: Any) -> tuple[Any, Exception | None]:
            tokens.count_call()
            try:
                answer = call(*args, **options)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
                return None, error
            if isinstance(answer, Claim):
                tokens.note(answer)
            elif isinstance(answer, Round):
                tokens.note_round(args[0], answer)
            if args and isinstance(args[0], Claim):
                tokens.require_current(args[0])
            return answer, None

        return outcome
