"""Sums over many steps of what changes little from each step to the next, from its values at three of them.

As the steps become many the three become the nodes of Radau IIA, and the sums its integrals, of order 5 and strongly
damping (Hairer & Wanner 1996, Solving Ordinary Differential Equations II, §IV.5); for few steps they are sums still.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
from jaxtyping import Float64

CHECKS: Final = np.array([0.0, 0.4, 0.85])
"""Where in a stretch of length 1 a quantity is compared with the quadratic through its values."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StepSums:
    """Sums over the steps 0 ≤ t < `steps`, by the values at t = steps·`nodes`, of which the last is 1.

    The sum over all of them is exact for polynomials of degree 4; `coefficients` are those of the quadratics that are 1
    at one node and 0 at the others. For a stop that is no whole number Σ_{t < stop} f(t)
    is S(stop), S being the polynomial with S(t + 1) − S(t) = f(t) and S(0) = 0. Three steps at least.
    """

    steps: float
    nodes: Float64[np.ndarray, " node"]
    coefficients: Float64[np.ndarray, "node node"]

    @classmethod
    def over(cls, steps: float) -> Self:
        """The nodes: the zeros of (s − 1)(s² + as + b), orthogonal to 1 and s under the sum."""
        first, second, third, fourth = np.diff(_moments(steps))[:4].tolist()
        determinant = second * second - first * third
        a = (first * fourth - second * third) / determinant
        b = (third * third - second * fourth) / determinant
        root = np.sqrt(a * a / 4 - b)
        nodes = np.array([-a / 2 - root, -a / 2 + root, 1.0])
        return cls(steps=steps, nodes=nodes, coefficients=np.linalg.inv(np.vander(nodes, 3, increasing=True)))

    def values_at(self, places: Float64[np.ndarray, " place"]) -> Float64[np.ndarray, "place node"]:
        """The weights of the values at the nodes in those of their quadratic at t = steps·places."""
        weights: Float64[np.ndarray, "place node"] = np.vander(places, 3, increasing=True) @ self.coefficients
        return weights

    def sums_to(self, places: Float64[np.ndarray, " place"]) -> Float64[np.ndarray, "place node"]:
        """Their weights in the sums of that quadratic over t < steps·places."""
        stops = self.steps * places
        powers = np.stack([stops, stops * (stops - 1) / 2, stops * (stops - 1) * (2 * stops - 1) / 6], axis=-1)
        weights: Float64[np.ndarray, "place node"] = (powers / self.steps ** np.arange(3.0)) @ self.coefficients
        return weights

    def check_weights(self) -> Float64[np.ndarray, " node"]:
        """Of what the quadratic misses at the `CHECKS`, the weights in the sum of that; exact up to degree 5."""
        powers = np.vander(np.concatenate([CHECKS, self.nodes]), 6, increasing=True)
        weights: Float64[np.ndarray, " node"] = self.steps * np.linalg.solve(powers.T, _moments(self.steps))[:3]
        return weights


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """The weights in `sums` of a length that are asked for again and again: those of values at the nodes, and `missed`.

    `to_nodes` are in the sums up to each node, of which the last is the whole; `at_checks` and `to_checks` in what the
    quadratic is at the checks, and sums up to there; `missed` those of what it misses there in the sum of that.
    `numbers` has all of them as `core.descent.native.strides` takes them.
    """

    sums: StepSums
    to_nodes: Float64[np.ndarray, "node node"]
    at_checks: Float64[np.ndarray, "node node"]
    to_checks: Float64[np.ndarray, "node node"]
    missed: Float64[np.ndarray, " node"]
    numbers: Float64[np.ndarray, " number"]

    @classmethod
    def of(cls, sums: StepSums) -> Self:
        """Of some sums."""
        to_nodes, at_checks = sums.sums_to(sums.nodes), sums.values_at(CHECKS)
        to_checks, missed = sums.sums_to(CHECKS), sums.check_weights()
        parts = (sums.nodes, CHECKS, sums.coefficients, to_nodes, at_checks, to_checks, missed)
        return cls(
            sums=sums,
            to_nodes=to_nodes,
            at_checks=at_checks,
            to_checks=to_checks,
            missed=missed,
            numbers=np.concatenate([[sums.steps], *(part.ravel() for part in parts)]),
        )


@lru_cache(maxsize=1024)
def stretch(steps: float) -> Stretch:
    """Of so many steps, kept: .2 ms the first time."""
    return Stretch.of(StepSums.over(steps))


def _moments(steps: float) -> Float64[np.ndarray, " power"]:
    """Σ_{t < steps}(t/steps)^k/steps for k = 0, …, 5 (Faulhaber)."""
    h = 1 / steps
    powers = [1.0, 1 / 2 - h / 2, 1 / 3 - h / 2 + h**2 / 6, 1 / 4 - h / 2 + h**2 / 4]
    return np.array([*powers, 1 / 5 - h / 2 + h**2 / 3 - h**4 / 30, 1 / 6 - h / 2 + 5 * h**2 / 12 - h**4 / 12])
