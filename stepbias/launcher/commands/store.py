"""`stepbias store`: users of a store that is run by hand, or for workers on other hosts."""

from pathlib import Path

from jobs.redis_store.users import User
from stepbias.cli.failure import explained
from stepbias.cli.output import remark, tell, tell_json
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.credentials import address_of, ensure_credentials


def users(directory: Path, *, at: str, as_json: bool) -> int:
    """Draw the passwords that there are not yet, and write everybody's address and the server's users."""
    with explained(StartupError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = [str(each) for each in ensure_credentials(directory, at)]
    if as_json:
        tell_json({"files": written})
    else:
        remark(f"written: {', '.join(written)}")
    return 0


def address(user: str, directory: Path, *, at: str, as_json: bool) -> int:
    """Print where a user reaches the store, with the password."""
    with explained(StartupError):
        found = address_of(directory, User(user), at)
    if as_json:
        tell_json({"address": found})
    else:
        tell(found)
    return 0
