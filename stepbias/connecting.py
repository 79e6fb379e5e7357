"""Where the service is, from what is said, from the environment, or from a file of profiles."""

import os
import stat
import sys
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stepbias.client import Client
from stepbias.errors import UnusableEnvironment

LOCAL: Final = "http://127.0.0.1:8000"
DEFAULT: Final = "default"
MEMBERS: Final = frozenset({"url", "api_key", "timeout", "patience"})
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def connect(
    url: str | None = None, *, api_key: str | None = None, profile: str | None = None, **options: Any
) -> Client:
    """A client of the service.

    The address is `url`; or that of `profile`; or STEPBIAS_URL; or that of the profile called default; or port 8000 of
    this machine. The key is `api_key`; or that of the profile that the address is from, and of no other: a key is sent
    to nobody but whom it is for; or STEPBIAS_API_KEY. A profile is a table of `profiles_file()`, in TOML, which
    nobody but its owner should be able to read:

        [lab]
        url = "https://lab.example"
        api_key = "sb_…"

    Args:
        url: where the service answers.
        api_key: a key of it, where it wants one.
        profile: the name of a table.
        options: of `Client`.

    Raises:
        UnusableEnvironment: there is no such profile, or the file cannot be read.
        ServiceUnreachable: the address is none. Nothing is asked of the service yet.
    """
    chosen: Mapping[str, Any] = {}
    if url is None:
        known = os.environ.get("STEPBIAS_URL")
        chosen = _profile(profile) if profile or not known else {"url": known}
    address: dict[str, Any] = {"base_url": url or LOCAL}
    return Client(**address | _named(chosen) | options | ({"api_key": api_key} if api_key else {}))


def profiles_file() -> Path:
    """The file of profiles, where programs of this user keep their settings."""
    if sys.platform == "win32":
        home = os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming"
    else:
        home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "stepbias" / "profiles.toml"


def _profile(name: str | None) -> Mapping[str, Any]:
    file = profiles_file()
    try:
        profiles = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        profiles = {}
    except (OSError, ValueError) as error:
        raise UnusableEnvironment(f"{file} cannot be read: {error}") from None
    found = profiles.get(name or DEFAULT, None if name else {})
    if not isinstance(found, dict):
        known = ", ".join(profiles) or "none"
        raise UnusableEnvironment(f"{file} has no profile called {name}; there are: {known}")
    if unknown := sorted(found.keys() - MEMBERS):
        raise UnusableEnvironment(f"{file}: the profile {name or DEFAULT} has {', '.join(unknown)}, which says nothing")
    if "api_key" in found and sys.platform != "win32" and file.stat().st_mode & OTHERS:
        warnings.warn(f"{file} holds a key, and others than its owner may read it: chmod 600 it", stacklevel=3)
    return found


def _named(profile: Mapping[str, Any]) -> dict[str, Any]:
    return {{"url": "base_url"}.get(member, member): value for member, value in profile.items()}
