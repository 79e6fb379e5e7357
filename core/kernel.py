"""Which implementation computes a number: runs are bit-identical within one kernel, and only there."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from jaxtyping import Float64
from threadpoolctl import ThreadpoolController

from core.choice import InvalidChoice
from core.descent import UNPERTURBED, Alarm, Descent, Stretch
from core.gradient_noise import Perturbation
from core.native import library as native
from core.native.descent import NativeDescent
from core.networks import Network

NUMPY: Final = "numpy"
"""The kernel that is always there: the reference."""


class Lanes(Protocol):
    """A batch of lanes that a kernel advances, as `core.descent.Descent` documents it."""

    @property
    def theta(self) -> Float64[np.ndarray, "part run dim"]:
        """The parameters of the lanes; a view, valid until the next step."""
        ...

    @property
    def velocity(self) -> Float64[np.ndarray, "part run dim"] | None:
        """θ(t) − θ(t−1) of the lanes; a view, valid until the next step."""
        ...

    @property
    def gradient_sum(self) -> Float64[np.ndarray, "run dim"]:
        """Σ_t x_t of the lanes; a view, valid until the next step."""
        ...

    def advance(
        self,
        step_sizes: Float64[np.ndarray, "step run"],
        *,
        perturbation: Perturbation = UNPERTURBED,
        momentum: Float64[np.ndarray, "step run"] | None = None,
        alarm: Alarm = ...,
    ) -> Stretch:
        """Take one step for each row of `step_sizes`, unless alarmed before."""
        ...

    def losses(self) -> Float64[np.ndarray, " run"]:
        """The loss of every lane at its present state."""
        ...

    def kick(self, lane: int, step_size: float, residual: Float64[np.ndarray, " sample"]) -> None:
        """One plain step of one lane with the given residual in place of its own."""
        ...


class Kernel(Protocol):
    """Makes the lanes of a batch: called as `Descent` is."""

    def __call__(  # noqa: PLR0913 - the problem and the state, all named
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        *,
        network: Network,
        theta: Float64[np.ndarray, "part run dim"],
        gradient_sum: Float64[np.ndarray, "run dim"],
        velocity: Float64[np.ndarray, "part run dim"] | None = None,
    ) -> Lanes:
        """The lanes at a state."""
        ...


@cache
def kernels() -> Mapping[str, Kernel]:
    """The kernels that this machine has by name, best first: instruction sets of the compiled one, then NumPy."""
    found = native.library()
    compiled: dict[str, Kernel] = {
        name: partial(NativeDescent, number) for name, number in (found.kernels if found else {}).items()
    }
    return MappingProxyType(compiled | {NUMPY: Descent})


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
    """Implementation, instruction set and BLAS build, such as "c-1/avx2/numpy-2.4.6/openblas-0.3.31/Haswell".

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


def one_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread: the sums do not depend on a split, and cores are not oversubscribed."""
    limiter: AbstractContextManager[Any] = ThreadpoolController().limit(limits=1, user_api="blas")
    return limiter
