"""What is installed here: versions, libraries, the kernel."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_info

from core.descent.kernel import NUMPY, chosen, kernel_id, kernel_names
from core.errors import StepbiasError
from stepbias.launcher.diagnosis.finding import Finding, doubtful, fine, wrong
from stepbias.launcher.one_thread import ONE_THREAD

_CLIENT, _SERVICE = "stepbias", "stepbias-service"

NOT_COMPILED: Final = (
    "Training takes several times as long. Install a C compiler and stepbias-service again: sudo apt install gcc; "
    "pip install --force-reinstall --no-deps --no-cache-dir stepbias-service"
)


def installation(kernel_name: str) -> Iterator[Finding]:
    """What numbers depend on, and what runs them; `kernel_name` as `STEPBIAS_KERNEL` has it."""
    yield versions(version(_CLIENT), version(_SERVICE))
    yield from command_on_path(shutil.which("stepbias"), Path(sys.executable))
    yield fine("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield fine("numpy", np.__version__)
    yield blas()
    yield kernel(kernel_name)
    yield fine("celery", version("celery"))


def versions(client: str, service: str) -> Finding:
    """Whether client and service are of one version."""
    if client == service:
        return fine("stepbias", client)
    remedy = f"Install both of one version: pip install 'stepbias[service]=={max(client, service)}'"
    return wrong("stepbias", f"{client}, beside {_SERVICE} {service}", remedy)


def command_on_path(found: str | None, interpreter: Path) -> Iterator[Finding]:
    """Nothing, or that the command `stepbias` that a shell finds is that of another environment than this one."""
    if found is not None and Path(found).parent.resolve() != interpreter.parent.resolve():
        remedy = f"An older one may stand before this one. Run {interpreter.parent / 'stepbias'}, or put its directory "
        remedy += f"first: export PATH={interpreter.parent}:$PATH"
        yield doubtful("stepbias", f"a shell finds {found}, which is of another environment", remedy)


def kernel(name: str) -> Finding:
    """What trains, and what else could."""
    listed = ", ".join(kernel_names())
    try:
        chosen_name = chosen(name)
    except StepbiasError as error:
        return wrong("kernel", "none", f"STEPBIAS_KERNEL: {error}. Set it to one of {listed}, or unset it.")
    text = f"{kernel_id(chosen_name)}, of {listed}: runs are bit-identical within it, and only there"
    if kernel_names() == (NUMPY,):
        return doubtful("kernel", f"{text}; the compiled one is missing", NOT_COMPILED)
    return fine("kernel", text)


def blas() -> Finding:
    """The libraries that multiply matrices and solve; every one that is loaded."""
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    if not found:
        return fine("blas", "not recognised")
    text = ", ".join(
        f"{library['internal_api']} {library['version']} ({library.get('architecture', 'unknown architecture')})"
        for library in found
    )
    asked = [f"{name}={value}" for name in ONE_THREAD if (value := os.environ.get(name, "1")) != "1"]
    # Processes of the service set it themselves, before the library is loaded.
    others = f"; {', '.join(asked)} counts for other programs" if asked else ""
    return fine("blas", f"{text}; one thread in each process of the service{others}")
