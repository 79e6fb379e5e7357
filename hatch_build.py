"""The build step of the package: compiles the kernels, where there is a C compiler."""

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = (Path("core/descent/native/descent.c"), Path("core/descent/native/sharpness.c"))
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


class CompileKernel(BuildHookInterface):  # type: ignore[misc]  # hatchling has no types where this is checked
    """Puts the library beside its sources; without a compiler the package is pure Python, and trains with NumPy."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the hook's signature
        """Compile; a failure is told, and is not the end of the installation."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        (root / TARGET).unlink(missing_ok=True)
        if complaint := compile_kernel(root):
            self.app.display_warning(f"stepbias: the compiled kernel is left out, NumPy does its work: {complaint}")
            return
        build_data["artifacts"].append(str(TARGET))
        build_data["pure_python"] = False
        # Neither Python's version nor its ABI matters: the library is loaded by ctypes.
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compile_kernel(root: Path, *flags: str) -> str:
    """Compile the library in place; what went wrong, or nothing."""
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if shutil.which(compiler[0]) is None:
        return f"there is no C compiler ({compiler[0]})"
    # Under another name until it is whole: a worker may be starting.
    unfinished = root / TARGET.with_suffix(".new")
    command = [*compiler, *FLAGS, *flags, "-o", str(unfinished), *(str(root / source) for source in SOURCES)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the user's own compiler
    if run.returncode == 0 and unfinished.exists():
        unfinished.replace(root / TARGET)
    return "" if run.returncode == 0 else run.stderr.strip()[-2000:] or f"{compiler[0]} failed"
