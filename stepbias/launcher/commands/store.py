"""`stepbias store`: users of a store that is run by hand, or for workers on other hosts."""

from pathlib import Path

from jobs.redis_store.users import User
from stepbias.cli.failure import explained
from stepbias.cli.output import tell
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.credentials import address_of, ensure_credentials


def users(directory: Path, *, at: str) -> int:
    """Draw the passwords that there are not yet, and write everybody's address and the server's users."""
    with explained(StartupError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        ensure_credentials(directory, at)
    return 0


def address(user: str, directory: Path, *, at: str) -> int:
    """Print where a user reaches the store, with the password."""
    with explained(StartupError):
        tell(address_of(directory, User(user), at))
    return 0
