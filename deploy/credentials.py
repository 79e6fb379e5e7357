#!/usr/bin/env python3
"""Make the credentials of the deployment's server, where there are none yet: `credentials.py HOST:PORT DIRECTORY`.

The password is drawn here and is in no environment, command line or image. Only this user may read it; the server,
which is another user, is given its hash.
"""

import hashlib
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit


def ensure_credentials(address: str, directory: Path) -> None:
    """Write the address with a password to `stepbias_redis_url`, and the server's users to `users.acl`.

    A password that is there is kept, since the server has data behind it; a new address is taken up.
    """
    url = directory / "stepbias_redis_url"
    password = urlsplit(url.read_text(encoding="ascii")).password if url.exists() else secrets.token_urlsafe(32)
    _write(url, f"redis://:{password}@{address}/0\n", mode=0o400)
    _write(directory / "users.acl", users(str(password)), mode=0o444)


def users(password: str) -> str:
    """The server's users: the service, which may not administer it, and one who may only ask whether it answers."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    # INFO counts as dangerous, and so does to keep writers waiting, which a backup does; what is, such as CONFIG,
    # REPLICAOF and MIGRATE, could write files or send data away.
    return (
        f"user default on #{digest} ~* &* +@all -@dangerous +info +client|pause +client|unpause\n"
        "user health on nopass resetkeys resetchannels -@all +ping\n"
    )


def _write(path: Path, text: str, *, mode: int) -> None:
    """Replace the file in one step: nobody sees half of it, and at no moment can others read it."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    draft.replace(path)


if __name__ == "__main__":
    ensure_credentials(sys.argv[1], Path(sys.argv[2]))
