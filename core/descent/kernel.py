"""Which implementation computes a number: runs are bit-identical within one kernel, and only there."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from jaxtyping import Float64
from threadpoolctl import ThreadpoolController

from core.descent.batch_descent import BatchDescent, BatchState
from core.descent.native import library as native
from core.descent.native.descent import NativeDescent
from core.descent.native.sharpness import NativeSharpness
from core.descent.native.strides import NativeStrides
from core.descent.numpy_descent import Descent
from core.descent.optimizers import Optimizer
from core.errors import InvalidChoice
from core.networks.network import Network
from core.stability.sharpness import TOLERANCE, trajectory_sharpness

NUMPY: Final = "numpy"
"""The kernel that is always there: the reference."""


class Kernel(Protocol):
    """Makes the lanes of a batch, to be advanced from a state."""

    def __call__(
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        network: Network,
        state: BatchState,
        *,
        optimizer: type[Optimizer] = Optimizer,
    ) -> BatchDescent:
        """The lanes at a state, in memory of their own; `optimizer` is what does the steps where it has a velocity."""
        ...


class Sharpness(Protocol):
    """λ_max of the full Hessian at the states of many runs, as `core.stability.sharpness.trajectory_sharpness`."""

    def __call__(self, theta: Float64[np.ndarray, "part run dim"]) -> Float64[np.ndarray, " run"]:
        """A value for each run; its bits depend on its own state alone."""
        ...


@cache
def kernels() -> Mapping[str, Kernel]:
    """The kernels that this machine has by name, best first: instruction sets of the compiled one, then NumPy."""
    found = native.library()
    compiled: dict[str, Kernel] = {
        name: partial(NativeDescent, number) for name, number in (found.kernels if found else {}).items()
    }
    return MappingProxyType(compiled | {NUMPY: Descent})


def trained_by(name: str, optimizer: Optimizer) -> str:
    """The kernel that trains where this one is chosen: NumPy's if the compiled one has not the optimiser's step."""
    return name if optimizer.is_native else NUMPY


def kernel_of(name: str, optimizer: Optimizer) -> Kernel:
    """What trains the runs of an optimiser where the kernel of this name is chosen."""
    if not optimizer.is_native:
        return partial(Descent, optimizer=type(optimizer))
    return partial(kernels()[name], optimizer=type(optimizer)) if optimizer.looks_ahead else kernels()[name]


def sharpness(
    name: str, X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], network: Network
) -> Sharpness:
    """The sharpness along the trajectories that a kernel trains."""
    found = native.library()
    if found is None or name not in found.kernels:
        return partial(trajectory_sharpness, X, y, network=network)
    return NativeSharpness(found.kernels[name], X, y, network=network, tolerance=TOLERANCE)


def native_strides(name: str) -> Callable[..., NativeStrides] | None:
    """What makes solvers of strides by the kernel of this name; None where it is not a compiled one."""
    found = native.library()
    return partial(NativeStrides, found.kernels[name]) if found and name in found.kernels else None


def kernel_names() -> Sequence[str]:
    """The names of `kernels`."""
    return tuple(kernels())


def chosen(name: str) -> str:
    """The kernel that a setting means: one by name, or the best that there is.

    Raises:
        InvalidChoice: this machine has no such kernel.
    """
    if name == "auto":
        return kernel_names()[0]
    if name not in kernels():
        raise InvalidChoice("kernel", ("auto", *kernel_names()))
    return name


@cache
def kernel_id(name: str) -> str:
    """Implementation, instruction set and BLAS build, such as "c-3/avx2/numpy-2.4.6/openblas-0.3.31/Haswell".

    Elementwise float64 arithmetic is the same everywhere; sums are as the kernel makes them, those of the analysis as
    the BLAS kernel does.
    """
    blas = [
        info for info in ThreadpoolController().info() if info["user_api"] == "blas" and "numpy" in info["filepath"]
    ]
    library = blas[0] if blas else {}
    build = f"{library.get('internal_api', 'blas')}-{library.get('version') or 'unknown'}"
    sums = f"numpy-{np.__version__}/{build}/{library.get('architecture', 'unknown')}"
    return sums if name == NUMPY else f"c-{native.VERSION}/{name}/{sums}"


def one_thread(libraries: ThreadpoolController | None = None) -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread: the sums do not depend on a split, and cores are not oversubscribed.

    `libraries` are those that are loaded, where they have been looked for: that takes a millisecond.
    """
    limiter: AbstractContextManager[Any] = (libraries or ThreadpoolController()).limit(limits=1, user_api="blas")
    return limiter
