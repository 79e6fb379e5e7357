"""User and password of the store, as the file of secrets has them at the moment: they change while processes run."""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import redis
from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.settings import secrets_directories

_NAME = "STEPBIAS_REDIS_URL"


class SecretsFile(redis.CredentialProvider):
    """What a connection says who it is; asked anew for each that is opened.

    A file that cannot be read, holds no address, or that of another server or user changes nothing: what was known
    last stays.
    """

    def __init__(self, file: Path, url: str) -> None:
        self._file = file
        self._server = _server(urlsplit(url))
        self._user = urlsplit(url).username
        self._known = _credentials(urlsplit(url))

    @property
    def of_whom(self) -> tuple[object, ...]:
        """What is the same for connections that may be taken for each other, whatever the password is by now."""
        return self._file, self._server, self._user

    @override
    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        with suppress(OSError, ValueError):
            parts = urlsplit(self._file.read_text(encoding="utf-8").strip())
            # Another user is that of a broker on the same server: it has a password of its own.
            if (_server(parts), parts.username) == (self._server, self._user) and parts.password:
                self._known = _credentials(parts)
        return self._known


def of_secrets(url: str) -> SecretsFile | None:
    """What follows the file of secrets, for an address from it; None where it is not from there, or has no password.

    The address may be that of the start, and the file another one since: processes are forked, and connect, later.
    """
    files = [directory / _NAME.lower() for directory in secrets_directories()]
    parts = urlsplit(url)
    # A broker that is no Redis has its own way to say who asks.
    if not files or _NAME in os.environ or not parts.password or parts.scheme not in {"redis", "rediss"}:
        return None
    there = (each for each in reversed(files) if os.path.exists(each))  # noqa: PTH110 - says no where it may not look
    return SecretsFile(next(there, files[-1]), url)


def without_credentials(url: str) -> str:
    """The address alone."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _server(parts: SplitResult) -> tuple[str | None, int | None, str]:
    return parts.hostname, parts.port, parts.path


def _credentials(parts: SplitResult) -> tuple[str] | tuple[str, str]:
    password = unquote(parts.password or "")
    return (unquote(parts.username), password) if parts.username else (password,)
