"""The extra `service`: what an installation needs beyond the client to run the service itself."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from click.exceptions import Exit

from stepbias.cli.output import remark

MISSING = "this command runs the service: pip install 'stepbias[service]'"


def require_service_extra() -> None:
    """Return if every distribution of the extra is installed; else end the command with a sentence, as misuse is."""
    if any(not _is_installed(name) for name in service_requirements()):
        remark(f"stepbias: {MISSING}")
        raise Exit(2)


def service_requirements() -> Iterator[str]:
    """The distributions of the extra, as the metadata of this installation name them."""
    for requirement in requires("stepbias") or ():
        if re.search(r"extra == ['\"]service['\"]", requirement):
            yield re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
