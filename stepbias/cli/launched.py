"""Commands of the launcher, which not every installation can run."""

from collections.abc import Callable
from importlib import import_module


def launched(module: str, command: str) -> Callable[..., int]:
    """A command of `stepbias.launcher`, in an installation that can run the service.

    By name, so that no command that speaks HTTP can come to import what only the extra brings.
    """
    from stepbias.cli.service_extra import require_service_extra  # noqa: PLC0415 - help has no use for it

    require_service_extra()
    found: Callable[..., int] = getattr(import_module(f"stepbias.launcher.commands.{module}"), command)
    return found
