"""One request, repeated until it is answered: a service that restarts looks like a slow one."""

import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx2

from stepbias.errors import (
    AuthenticationError,
    NotAllowed,
    ProblemError,
    ServiceUnreachable,
    StepbiasError,
    UnusableEnvironment,
)
from stepbias.retry_pauses import Clock, pauses, retry_after
from stepbias.whole_file import whole_file

PROXIES: Final = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")
CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

HELD_SECONDS: Final = 5.0
"""Who has not answered so long after the time that he was to wait for will not."""


class Connection:
    """The way to one service.

    Every request of the interface may be sent twice: equal specs are one experiment, equal data one data set, and
    cancelling, editing and reading change nothing the second time; what would, carries a key by which the service knows
    it again. So whatever breaks on the way is simply sent again, until `patience` seconds have passed.
    """

    def __init__(  # noqa: PLR0913 - what a connection is made of, all named
        self,
        base_url: str,
        *,
        timeout: float,
        patience: float,
        transport: httpx2.BaseTransport | None,
        clock: Clock,
        api_key: str | None,
    ) -> None:
        address = _address(base_url)
        self.patience = patience
        self.clock = clock
        self._open = partial(
            _opened,
            base_url=address,
            timeout=timeout,
            transport=transport,
            # A proxy of the environment cannot reach this machine's loopback, and httpx does not leave that out.
            trust_env=not _is_loopback(address.host),
            auth=_signing(address, api_key.strip()) if api_key and api_key.strip() else None,
        )
        self._http, self._process = self._open(), os.getpid()

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def get(self, path: str, *members: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON object at `path`, which has these members."""
        return self.document(self.send("GET", path, params=params), *members)

    def send(  # noqa: PLR0913 - what a request is made of, all named
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        media_type: str = "application/json",
        patience: float | None = None,
        once: bool = False,
        wait: int = 0,
        if_match: str | None = None,
    ) -> httpx2.Response:
        """The successful answer to a request.

        Args:
            method: of HTTP.
            path: below the base address, or a whole address.
            params: of the query; those that are None are left out.
            content: what to send.
            media_type: what that is.
            patience: seconds to go on trying; the connection's own if None.
            once: whether it must not be done a second time.
            wait: seconds that the service may wait for what is asked about to end (RFC 7240).
            if_match: the entity tag of what it must still be.

        Raises:
            ProblemError: the service refused, or was busy until patience ended.
            ServiceUnreachable: nothing answered until patience ended, or the address is not usable.
        """
        request = self._http.build_request(
            method,
            path,
            params={name: value for name, value in (params or {}).items() if value is not None} or None,
            content=content,
            headers=({} if content is None else {"Content-Type": media_type})
            | ({"Idempotency-Key": secrets.token_hex(16)} if once else {})
            | ({"Prefer": f"wait={wait}"} if wait else {})
            | ({} if if_match is None else {"If-Match": if_match}),
            timeout=wait + HELD_SECONDS if wait else httpx2.USE_CLIENT_DEFAULT,
        )
        return self._answer(request, self.clock.now() + (self.patience if patience is None else patience))

    def save(self, path: str, file: Path) -> None:
        """Write the answer to a request as it comes: all of it, or nothing.

        Raises:
            ProblemError, ServiceUnreachable: as for `send`.
            OSError: the file cannot be written.
        """
        request = self._http.build_request("GET", path)
        with whole_file(file) as part:
            self._answer(request, self.clock.now() + self.patience, partial(_written, part))

    def _answer(
        self, request: httpx2.Request, deadline: float, take: Callable[[httpx2.Response], object] = httpx2.Response.read
    ) -> httpx2.Response:
        """The first successful answer, which has been taken; one that is cut off is asked for again."""
        for pause in pauses():
            try:
                response = self._sent(request, take)
            except httpx2.TransportError as error:
                failure: Exception = self._unreachable(error)
                wish = None
            except httpx2.RequestError as error:
                raise ServiceUnreachable(f"{self._http.base_url} answers what cannot be read ({error})") from None
            else:
                if response.is_success:
                    self._require_the_service(response)
                    return response
                if response.has_redirect_location:
                    raise self._is_elsewhere(response)
                failure = problem = _problem(response)
                if not problem.is_temporary:
                    raise problem
                wish = retry_after(response)
            delay = pause if wish is None else wish
            if self.clock.now() + delay > deadline:
                # The reason is in the message; the layers below would fill a screen with how they found out.
                raise failure from None
            self.clock.sleep(delay)
        raise AssertionError("pauses do not end")

    def _require_the_service(self, response: httpx2.Response) -> None:
        """Refuse a page for people, such as that of a proxy: the service has none."""
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise self.not_the_service()

    def _sent(self, request: httpx2.Request, take: Callable[[httpx2.Response], object]) -> httpx2.Response:
        response = self._own().send(request, stream=True, follow_redirects=request.method == "GET")
        try:
            (take if response.is_success else httpx2.Response.read)(response)
        finally:
            response.close()
        return response

    def _own(self) -> httpx2.Client:
        """What no other process reads from: answers on sockets that were open at a fork go to parent or child."""
        if self._process != os.getpid():
            self._http, self._process = self._open(), os.getpid()
        return self._http

    def document(self, response: httpx2.Response, *members: str) -> dict[str, Any]:
        """The JSON object of an answer, which has these members.

        Raises:
            ServiceUnreachable: it is none, so whoever answered is not the service.
        """
        try:
            document = response.json()
        except ValueError:
            raise self.not_the_service() from None
        if not isinstance(document, dict) or not document.keys() >= set(members):
            raise self.not_the_service()
        return document

    def not_the_service(self) -> ServiceUnreachable:
        """The error to raise where something answers, but not as the service would."""
        return ServiceUnreachable(f"{self._http.base_url} answers, but not as stepbias does: is the address right?")

    def _is_elsewhere(self, response: httpx2.Response) -> ServiceUnreachable:
        target = response.headers["Location"]
        return ServiceUnreachable(f"{self._http.base_url} sends on to {target}: give the address that is answered at")

    def _unreachable(self, error: httpx2.TransportError) -> ServiceUnreachable:
        reason = str(error) or type(error).__name__
        return ServiceUnreachable(f"stepbias does not answer at {self._http.base_url} ({reason})")


def _address(base_url: str) -> httpx2.URL:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise ServiceUnreachable(f"{base_url!r} is no address: {error}") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ServiceUnreachable(f"{base_url!r} is no address: it should look like http://127.0.0.1:8000")
    return url


def _opened(**options: Any) -> httpx2.Client:
    """An HTTP client, as the environment wishes it.

    Raises:
        UnusableEnvironment: what that says of a proxy, or of certificates, cannot be used.
    """
    try:
        return httpx2.Client(**options)
    except ImportError as error:
        raise UnusableEnvironment(f"{_named(PROXIES)}: {error}") from None
    except OSError as error:
        raise UnusableEnvironment(f"{_named(CERTIFICATES)}: {error.strerror or error}") from None
    except ValueError as error:
        raise UnusableEnvironment(f"{_named(PROXIES)}: {error}") from None


def _named(variables: Sequence[str]) -> str:
    """Those that are set, and what they say."""
    found = (name for each in variables for name in (each, each.lower()) if os.environ.get(name))
    return ", ".join(f"{name}={os.environ[name]}" for name in dict.fromkeys(found)) or "the environment"


def _signing(address: httpx2.URL, api_key: str) -> Callable[[httpx2.Request], httpx2.Request]:
    """What sends the key with a request, to this service and to nobody else.

    Raises:
        StepbiasError: it cannot be sent, and so is none; it is not repeated.
    """
    if not (api_key.isascii() and api_key.isprintable()):
        raise StepbiasError("the API key has characters that no key has: see where it comes from")

    def signed(request: httpx2.Request) -> httpx2.Request:
        if _origin(request.url) == _origin(address):
            request.headers["Authorization"] = f"Bearer {api_key}"
        return request

    return signed


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _written(file: Path, response: httpx2.Response) -> None:
    with file.open("wb") as sink:
        sink.writelines(response.iter_bytes())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _problem(response: httpx2.Response) -> ProblemError:
    try:
        document = response.json()
    except ValueError:
        document = None
    kind = _PROBLEMS.get(response.status_code, ProblemError)
    return kind.from_document(
        document if isinstance(document, dict) else {},
        status=response.status_code,
        title=response.reason_phrase or "the request failed",
    )


_PROBLEMS: Final[Mapping[int, type[ProblemError]]] = MappingProxyType(
    {HTTPStatus.UNAUTHORIZED: AuthenticationError, HTTPStatus.FORBIDDEN: NotAllowed}
)
