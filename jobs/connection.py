"""Connections: the one place that turns an address into a client, and a vendor's errors into ours."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, TypeVar

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as NotConnectedError,
)
from redis.exceptions import (
    TimeoutError as NoAnswerError,
)
from redis.retry import Retry

from jobs.credentials import of_secrets, without_credentials
from jobs.errors import StoreFull, StoreRefused, StoreUnavailable

_T = TypeVar("_T")

LONGEST_PAUSE: Final = 1.0
"""Seconds between two attempts, at most."""

ANSWER_SECONDS: Final = 4.0
"""A server that has not answered for so long is not there: every command is one of milliseconds."""

KEEPALIVE: Final[Mapping[int, int]] = {
    getattr(socket, name): value
    for name, value in {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}.items()
    if hasattr(socket, name)
}
"""Where the system has these options: a connection whose other end is gone without a word fails after 11 seconds."""

_UNAVAILABLE: Final = (NotConnectedError, NoAnswerError, ReadOnlyError, ClusterDownError)
_PLAIN: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
_UNASKED: Final = ("NOAUTH", "Authentication required", "HELLO must be called", "without any password")
_OF_SCRIPT: Final = ("ACL failure in script", "The user executing the script can't")
"""What servers from 7.2 on say, and those before."""

_USERS: Final = (
    "`stepbias store users` writes addresses that fit the users of the server, which reads them at its start; a backup "
    "takes the administrator's"
)
_OF_PIPELINE: Final = " of pipeline caused error: "
_UNAVAILABLE_CODES: Final = frozenset({"BUSY", "NOREPLICAS"})


class PatientRetry(Retry):
    """Tries again until a deadline, however long the attempts themselves take; a count of attempts would not say."""

    def __init__(self, patience: float) -> None:
        super().__init__(ExponentialWithJitterBackoff(cap=LONGEST_PAUSE, base=0.02), retries=-1)
        self._patience = patience

    def call_with_retry(
        self,
        do: Callable[[], _T],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,  # noqa: FBT001, FBT002 - the signature is the library's
    ) -> _T:
        """`do()`, again and again until it succeeds or the patience is at an end; `fail` hears of every failure."""
        deadline = time.monotonic() + self._patience

        def fail_or_give_up(error: Exception, failures: int) -> None:
            if with_failure_count:
                fail(error, failures)
            else:
                fail(error)
            if time.monotonic() >= deadline:
                raise error

        return super().call_with_retry(do, fail_or_give_up, is_retryable, with_failure_count=True)


def connect(url: str, *, patience: float, answer_seconds: float | None = None) -> redis.Redis:
    """A client that goes on trying for `patience` seconds while the server is away; nothing is sent yet.

    A call may be sent again after its reply was lost, so everything sent through this client must bear repetition. An
    address from the file of secrets is one whose user and password are read anew for each connection.

    Args:
        url: `redis://` or `rediss://`, with a user, password and database where there are any.
        patience: about 1 where a person waits for the answer, minutes where work would be lost.
        answer_seconds: for which an answer is waited for, where single values are as large as they may be.
    """
    credentials = of_secrets(url)
    return redis.Redis.from_url(
        url if credentials is None else without_credentials(url),
        credential_provider=credentials,
        retry=PatientRetry(patience),
        socket_connect_timeout=min(max(patience, 0.5), 3.0),
        socket_timeout=answer_seconds or min(max(patience, 2.0), ANSWER_SECONDS),
        socket_keepalive=True,
        socket_keepalive_options=dict(KEEPALIVE),
        health_check_interval=30,
        client_name="stepbias",
        # Servers before 7.2 do not know who says which library it is, nor can their users be allowed to.
        driver_info=None,
    )


def open_ahead(client: redis.Redis, connections: int) -> None:
    """Open as many connections as threads will ask at once; where the server is away, they are opened as needed."""
    pool = client.connection_pool
    with ExitStack() as opened, suppress(RedisError, OSError):
        for _ in range(connections):
            opened.callback(pool.release, pool.get_connection())


@contextmanager
def vendor_errors() -> Iterator[None]:
    """Raise `StoreUnavailable` for the vendor's errors that mean the same; other errors pass.

    Raises:
        StoreUnavailable: the server is away, loading, busy, or read-only.
        StoreRefused: it is there, and this process is not let in, or does not trust it.
        StoreFull: it has no memory left, or cannot write to its disk.
    """
    try:
        yield
    except OutOfMemoryError as error:
        raise StoreFull("the store is full") from error
    except _UNAVAILABLE as error:
        if (refusal := refusal_of(error)) is not None:
            raise StoreRefused(refusal) from error
        raise StoreUnavailable(f"the store is not available: {error}") from error
    except ResponseError as error:
        if (refusal := refusal_of(error)) is not None:
            raise StoreRefused(refusal) from error
        if error_code(error) == "MISCONF":
            raise StoreFull("the store cannot write to its disk") from error
        if error_code(error) in _UNAVAILABLE_CODES:
            raise StoreUnavailable(f"the store is not available: {error}") from error
        raise


def refusal_of(error: BaseException) -> str | None:
    """Why this process and the server do not come to terms, and what is to be done; None where it is something else."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and (told := _distrust(cause)):
            return told
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, NoPermissionError) or any(each in str(error) for each in _OF_SCRIPT):
        said = str(error).rpartition(_OF_PIPELINE)[2]
        return f"the store lets this user in, and not do what it has to ({said}): {_USERS}"
    if isinstance(error, (AuthenticationError, AuthenticationWrongNumberOfArgsError)):
        if any(each in str(error) for each in _UNASKED):
            return "the store wants a user and a password, and the address has none: rediss://USER:PASSWORD@HOST:PORT/0"
        return f"the store knows no such user, or another password of it ({error}): {_USERS}"
    return None


def _distrust(error: ssl.SSLError) -> str | None:
    """Why the other end is not trusted, or cannot be; None where it is neither."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        is_plain = error.reason in _PLAIN
        return "the store does not speak TLS at this port, and the address begins with rediss://" if is_plain else None
    match error.verify_code:
        case 9 | 10:
            return (
                f"the store's certificate is not valid today ({error.verify_message}): make it anew, or put this "
                "machine's clock right"
            )
        case 62 | 64:
            return (
                f"the store's certificate is not for the name in the address ({error.verify_message}): use a name that "
                "the certificate has, or make one that has this name"
            )
    return (
        f"the store's certificate is signed by nobody whom this machine trusts ({error.verify_message}): "
        "STEPBIAS_REDIS_CA names who signs, and whoever answers there may be somebody else"
    )


def error_code(error: RedisError) -> str:
    """The first word of a server's error, which names its kind; the library may say before which command it was."""
    return str(error).rpartition(_OF_PIPELINE)[2].split(" ", maxsplit=1)[0]
