"""Passwords of the server's users: drawn here, and in no environment, command line or image.

Each user has a directory to read it from, as `STEPBIAS_SECRETS_DIR` names it: whoever may read that of the workers need
not be able to read any other. The server, which is somebody else, is given hashes.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from jobs.redis_store.users import User, acl
from jobs.settings import is_address
from stepbias.launcher.startup_error import StartupError

_FILE: Final = "stepbias_redis_url"
USERS_FILE: Final = "users.acl"

FOLDERS: Final[Mapping[User, str]] = MappingProxyType({User.ADMINISTRATOR: ".", User.API: "api", User.WORKER: "worker"})
"""Where in the directory of all each user's own is; the administrator's is where that of everybody was once."""

_UNTOUCHED: Final = "nothing is changed: make it readable, or delete it, and a new one is drawn"


def ensure_credentials(directory: Path, address: str) -> Sequence[Path]:
    """Write each user's address, with its password, to `stepbias_redis_url`, and the server's users to `users.acl`.

    What was written is answered.

    A password that is there is kept, since the server has data behind it; a new address is taken up.

    Raises:
        StartupError: the address is none of a store, or names a user; or a file that is there has no password that can
            be read. Nothing is changed then.
    """
    _require_address(address)
    passwords = {user: _password(directory, user) or secrets.token_urlsafe(32) for user in FOLDERS}
    written = [directory / USERS_FILE]
    for user, password in passwords.items():
        folder = directory / FOLDERS[user]
        folder.mkdir(mode=0o700, exist_ok=True)
        written.append(folder / _FILE)
        _write(written[-1], f"{_with_user(address, user, password)}\n", mode=0o400)
    _write(written[0], acl(passwords), mode=0o444)
    return written


def address_of(directory: Path, user: User, address: str) -> str:
    """Where a user reaches the store at this address, with the password that it has.

    Raises:
        StartupError: the address is none of a store, or no passwords have been drawn, or they cannot be read.
    """
    _require_address(address)
    password = _password(directory, user)
    if password is None:
        raise StartupError(f"there is no password of {user} in {directory}; `stepbias store users` draws them")
    return _with_user(address, user, password)


def _password(directory: Path, user: User) -> str | None:
    """The one that has been drawn; None where none has been.

    What cannot be read is not taken for that: the server has data behind it, and all others an address with it.
    """
    file = directory / FOLDERS[user] / _FILE
    try:
        password = urlsplit(file.read_text(encoding="ascii").strip()).password
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no address"
        raise StartupError(f"the password of {user} cannot be read from {file} ({reason}); {_UNTOUCHED}") from None
    if not password:
        raise StartupError(f"there is no password of {user} in {file}; {_UNTOUCHED}")
    return unquote(password)


def _require_address(address: str) -> None:
    if not is_address(address, ("redis", "rediss")) or "@" in address:
        raise StartupError(
            "the address of a store is redis://HOST:PORT/0, or rediss://HOST:PORT/0 with TLS, and no user"
        )


def _with_user(address: str, user: User, password: str) -> str:
    parts = urlsplit(address)
    # Without a name it is the user that the server has by itself.
    name = "" if user is User.ADMINISTRATOR else user.value
    return parts._replace(netloc=f"{name}:{quote(password, safe='')}@{parts.netloc}", path=parts.path or "/0").geturl()


def _write(path: Path, text: str, *, mode: int) -> None:
    """Replace the file in one step: nobody sees half of it, and at no moment can others read it."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    draft.replace(path)
