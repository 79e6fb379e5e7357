"""User and password of store and broker, as files of secrets have them now: they change while processes run."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import redis
from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.settings import secrets_directories

_NAMES = ("STEPBIAS_REDIS_URL", "STEPBIAS_BROKER_URL")
_SCHEMES = frozenset({"redis", "rediss", "amqp", "amqps"})


class SecretsFile(redis.CredentialProvider):
    """What a connection says who it is; asked anew for each that is opened.

    A file that cannot be read, holds no address, or that of another server or user changes nothing: what was known
    last stays.

    Args:
        names: the variables in place of which files are looked for.
        url: of a server and a user, with the password that it had.
    """

    def __init__(self, names: Sequence[str], url: str) -> None:
        self._names = tuple(names)
        self._server = _server(urlsplit(url))
        self._user = urlsplit(url).username
        self._known = _credentials(urlsplit(url))

    @property
    def of_whom(self) -> tuple[object, ...]:
        """What is the same for connections that may be taken for each other, whatever the password is by now."""
        return self._names, self._server, self._user

    @override
    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        for name in self._names:
            with suppress(OSError, ValueError):
                parts = urlsplit(_file(name).read_text(encoding="utf-8").strip())
                # Another user, of a store and a broker on one server, has a password of its own.
                if (_server(parts), parts.username) == (self._server, self._user) and parts.password:
                    self._known = _credentials(parts)
                    break
        return self._known


@dataclass(frozen=True)
class PasswordNow:
    """The password alone, for a client that takes one which can be asked, each time that it connects."""

    of_whom: tuple[object, ...]
    file: SecretsFile = field(compare=False)

    def __call__(self) -> str:
        """What it is at the moment."""
        return self.file.get_credentials()[-1]


def of_secrets(url: str) -> SecretsFile | None:
    """What follows the files of secrets, for an address from one; None where there are none, or it has no password.

    The address may be that of the start, and the file another one since: processes are forked, and connect, later.
    """
    names = [name for name in _NAMES if name not in os.environ]
    parts = urlsplit(url)
    if not names or not secrets_directories() or not parts.password or parts.scheme not in _SCHEMES:
        return None
    return SecretsFile(names, url)


def _file(name: str) -> Path:
    """The file in place of the variable, in the last directory that has one."""
    files = [directory / name.lower() for directory in reversed(secrets_directories())]
    return next((each for each in files if os.path.exists(each)), files[0])  # noqa: PTH110 - says no where it may not look


def without_credentials(url: str) -> str:
    """The address alone."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _server(parts: SplitResult) -> tuple[str | None, int | None, str]:
    return parts.hostname, parts.port, parts.path


def _credentials(parts: SplitResult) -> tuple[str] | tuple[str, str]:
    password = unquote(parts.password or "")
    return (unquote(parts.username), password) if parts.username else (password,)
