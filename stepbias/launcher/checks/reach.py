"""Who could reach the API where it is told to listen, and whether that was meant."""

import ipaddress

from jobs.settings import Settings
from stepbias.launcher.startup_error import StartupError


def require_meant(host: str, settings: Settings) -> None:
    """Return if only this machine reaches the host, or somebody has said whether keys are required.

    Raises:
        StartupError: whoever reaches this machine could read and delete everything, and nobody has said so; or what is
            said of owners would limit nobody.
    """
    limits = ("requests_per_minute", "max_active_of_owner", "max_runs_of_owner")
    if settings.keys != "required" and (given := [each for each in limits if getattr(settings, each) is not None]):
        raise StartupError(
            f"STEPBIAS_{given[0].upper()} limits owners of keys, and nobody needs a key: set STEPBIAS_KEYS=required"
        )
    if settings.keys is None and not is_loopback(host):
        raise StartupError(
            f"at {host} other machines reach the service, and nobody needs a key: set STEPBIAS_KEYS=required and make "
            "keys with `stepbias keys add OWNER`, or set STEPBIAS_KEYS=off if whoever reaches it may do everything"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
