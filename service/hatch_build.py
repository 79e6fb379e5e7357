"""The build of the service: gathers its folders, and compiles the kernels where there is a C compiler."""

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

PARTS = {
    "core": "stepbias/_service/core",
    "jobs": "stepbias/_service/jobs",
    "worker": "stepbias/_service/worker",
    "api": "stepbias/_service/api",
    "docs/_site": "stepbias/_service/docs/_site",
    "stepbias/launcher": "stepbias/launcher",
}
"""Folders of the checkout, and where they lie in site-packages: `core` and `api` are ordinary words there.

The documents are taken along where `make site` has built them.
"""

SOURCES = tuple(
    Path("core/descent/native", name)
    for name in ("descent.c", "sharpness.c", "strides.c", "minibatches.c", "normals.c")
)
TARGET = Path("core/descent/native/libdescent.so")

FLAGS = (
    "-std=gnu11",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-falign-loops=64",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
)
"""-ffp-contract=off: nothing is fused but what says so, so that all instruction sets that fuse give the same bits.

-falign-loops=64: an inner loop that begins in the middle of a cache line may take half as long again.
"""


class PinnedClient(MetadataHookInterface):  # type: ignore[misc]  # hatchling has no types where this is checked
    """Client and service are of one version."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the client before the other dependencies."""
        metadata["dependencies"] = [f"stepbias=={metadata['version']}", *self.config["dependencies"]]


class GatherService(BuildHookInterface):  # type: ignore[misc]  # hatchling has no types where this is checked
    """Takes the folders from the checkout around this one, or from the unpacked source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files; a kernel that cannot be compiled is told, and is not the end of the installation."""
        here = Path(self.root)
        root = here if (here / "core").is_dir() else here.parent
        is_wheel = self.target_name == "wheel"
        complaint = self._compile(root) if is_wheel else ""
        if version == "editable":
            return
        files = build_data["force_include"]
        for part, place in PARTS.items():
            for file in sorted((root / part).rglob("*")):
                if file.is_file() and file.suffix not in {".pyc", ".so"}:
                    files[str(file)] = f"{place if is_wheel else part}/{file.relative_to(root / part).as_posix()}"
        if is_wheel and not complaint:
            files[str(root / TARGET)] = f"stepbias/_service/{TARGET.as_posix()}"
            build_data["pure_python"] = False
            # Neither Python's version nor its ABI matters: the library is loaded by ctypes.
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

    def _compile(self, root: Path) -> str:
        (root / TARGET).unlink(missing_ok=True)
        if complaint := compile_kernel(root):
            self.app.display_warning(f"stepbias: the compiled kernel is left out, NumPy does its work: {complaint}")
        return complaint


def compile_kernel(root: Path, *flags: str) -> str:
    """Compile the library in place; what went wrong, or nothing."""
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if shutil.which(compiler[0]) is None:
        return f"there is no C compiler ({compiler[0]})"
    # Under another name until it is whole: a worker may be starting.
    unfinished = root / TARGET.with_suffix(".new")
    sources = [str(root / source) for source in SOURCES]
    command = [*compiler, *FLAGS, *flags, "-o", str(unfinished), *sources, "-lm"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the user's own compiler
    if run.returncode == 0 and unfinished.exists():
        unfinished.replace(root / TARGET)
    return "" if run.returncode == 0 else run.stderr.strip()[-2000:] or f"{compiler[0]} failed"
