"""What the runs of a batch share."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
from jaxtyping import Bool, Float64

from core.completion.completion import MOST_RESIDUAL, Completer
from core.completion.stages import LIMITS
from core.data.regression import Dataset
from core.descent.kernel import NUMPY, Sharpness, kernel_names, native_strides, sharpness
from core.implicit_bias.conserved_form import ConservedForm
from core.networks.network import Network
from core.stability.sharpness import MOST_SECULAR, Eigenpair, top_hessian_eigenpairs
from core.stability.small_secular_equations import SMALL


@dataclass(frozen=True, kw_only=True, slots=True)
class NeverStable:
    """Step sizes above which no interpolator is stable for gradient descent: 2/(certified lower bound of min λ_max).

    `positive` is for parameters θ ≥ 0, `any_sign` for all. They differ at odd depth, where a parameter that has become
    negative makes its coordinate flatter.
    """

    positive: float
    any_sign: float

    def above(
        self, step_size: Float64[np.ndarray, " run"], theta: Float64[np.ndarray, "run part dim"]
    ) -> Bool[np.ndarray, " run"]:
        """Whether each step size is too large for the signs that its θ has."""
        is_positive = (theta >= 0).all(axis=(1, 2))
        too_large: Bool[np.ndarray, " run"] = step_size > np.where(is_positive, self.positive, self.any_sign)
        return too_large


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """The data, the network, the step sizes that are known to be too large, and what trains: a kernel by its name.

    One that `is_backwards` has its samples and its coordinates from the last to the first.
    """

    dataset: Dataset
    network: Network
    never_stable: NeverStable
    kernel: str = field(default_factory=lambda: kernel_names()[0])
    is_backwards: bool = False

    @cached_property
    def backwards(self) -> "Problem":
        """The same problem the other way round: every sum over samples or coordinates is rounded otherwise."""
        return replace(self, dataset=self.dataset.backwards, is_backwards=not self.is_backwards)

    @cached_property
    def zero_loss(self) -> float:
        """½Ê[y²], the loss of β = 0, to which losses are compared."""
        y = self.dataset.y
        return float(y @ y) / (2 * len(y))

    def flow_limit(self, theta: Float64[np.ndarray, "part dim"]) -> Float64[np.ndarray, " dim"] | None:
        """β of the limit of gradient flow from θ; None where nothing interpolates, or float64 does not reach it."""
        squared = self.network.as_squared(theta)
        start = ConservedForm(theta=theta if squared is None else squared, depth=self.network.degree)
        space = self.dataset.interpolators
        if space is None or not start.is_regular:
            return None
        with suppress(np.linalg.LinAlgError, OverflowError), np.errstate(all="ignore"):
            limit = start.flowed(space).predictor
            return limit if space.residual(limit) <= MOST_RESIDUAL else None
        return None

    @cached_property
    def completer(self) -> Completer:
        """What completes its runs; made for the first that asks."""
        native = native_strides(self.kernel)
        if native is None:
            return Completer(self.dataset, self.network)
        return Completer(self.dataset, self.network, partial(native, limits=LIMITS))

    @cached_property
    def sharpness(self) -> Sharpness:
        """The sharpness along trajectories, by the kernel that trains; made for the first that is recorded."""
        return sharpness(self.kernel, self.dataset.X, self.dataset.y, self.network)

    def sharpnesses_at(self, theta: Float64[np.ndarray, "part run dim"]) -> list[Eigenpair]:
        """λ_max of the Hessian at states, proven where it can be; a compiled kernel tells where to look for it."""
        X, y = self.dataset.X, self.dataset.y
        is_told = self.kernel != NUMPY and SMALL < min(X.shape) <= MOST_SECULAR
        expected = self.sharpness(theta) if is_told else None
        return top_hessian_eigenpairs(X, y, theta, self.network, expected=expected)
