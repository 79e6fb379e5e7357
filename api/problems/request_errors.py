"""Why a request is not answered as asked: few, typed, each with the sentence its sender needs.

`api.problems.documents` has the table that turns them, and the errors of the other packages, into problem documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One thing that is wrong: `pointer` is a JSON Pointer into the body, or `parameter` names a query parameter."""

    pointer: str | None = None
    parameter: str | None = None
    detail: str


class RequestError(Exception):
    """A request that cannot be answered as asked; `headers` go with the answer."""

    def __init__(
        self, detail: str, *, violations: tuple[Violation, ...] = (), headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.violations = violations
        self.headers = headers


class MalformedBody(RequestError):
    """The body is not JSON."""


class UnusableBody(RequestError):
    """The body is JSON, and not what was asked for."""


class UnusableEdit(RequestError):
    """The body is JSON, and no edit of an experiment."""


class NotAsKnown(RequestError):
    """What is to be changed is not as `If-Match` names it."""


class AmbiguousId(RequestError):
    """Several ids begin as the one that was given."""


class KeyTaken(RequestError):
    """Another request was sent under the same idempotency key."""


class StillAnswering(RequestError):
    """The same request is being answered."""


class GoneSince(RequestError):
    """A request was done under its idempotency key, and the experiment has been deleted since."""


class UnusableDataset(RequestError):
    """The file can be read, or should be a file of its type, and is no data set."""


class OversizedDataset(RequestError):
    """A data set has more entries than this deployment takes."""


class BodyTooLarge(RequestError):
    """The body has more bytes than are read."""


class BodyTooSlow(RequestError):
    """The body came more slowly than anybody waits for."""


class ForeignHost(RequestError):
    """The request is meant for a name that is none of this service."""


class ForeignOrigin(RequestError):
    """A page of another origin asks for a change."""


class NoKey(RequestError):
    """Keys are required, and none was sent."""


class UnknownKey(RequestError):
    """The key is none of those that are known."""


class ExpiredKey(RequestError):
    """The key was good, and is no longer."""


class InsufficientScope(RequestError):
    """The key does not let its holder do this."""


class SharedToRead(RequestError):
    """The experiment of another owner is shared to be read, not to be changed."""


class TooManyRequests(RequestError):
    """The owner has sent as many requests as there may be in a minute."""


class TooManyActive(RequestError):
    """As many experiments of the owner as there may be have not ended."""


class OverQuota(RequestError):
    """The experiments of the owner would have more runs together than are kept."""


class UnusableKeyRequest(RequestError):
    """The body is JSON, and does not say what a new key is to be."""


class WrongMediaType(RequestError):
    """The body is declared to be something that is not read here."""


class DatasetInUse(RequestError):
    """A data set cannot be deleted while experiments use it."""


class OverLimit(RequestError):
    """A valid spec asks for more than this deployment allows."""


class InvalidQuery(RequestError):
    """A query parameter is unknown or has no such value."""


class UnofferedFormat(RequestError):
    """What is asked for is not to be had in a format that the request accepts."""


class ResultsChanged(RequestError):
    """What was stored at the beginning of an answer is no longer there."""


class IdTooShort(RequestError):
    """Fewer digits than an id may be cut short to."""


class NothingHere(RequestError):
    """The experiment exists, or the path is known, but this part of it does not."""


class NotStoredYet(RequestError):
    """The run or the problem exists, and what is asked of it is not stored."""


class NothingToDraw(RequestError):
    """No run is stored yet."""


class DrawingFailed(RequestError):
    """The worker gave up on a figure."""


class NotDrawnInTime(RequestError):
    """The figure is still being drawn."""


class ServiceStopping(RequestError):
    """The service is being stopped, and waits no longer for what the request needs."""


class NotReady(RequestError):
    """A part of the service is missing."""
