"""Sums over many steps of what changes little from each step to the next, from its values at three of them.

The nodes are those of Radau IIA (Hairer & Wanner 1996, Solving Ordinary Differential Equations II, §IV.5), and as the
steps become many the sums become its integrals: of order 5, and strongly damping. Unlike integrals they are exact for
few steps, too.
"""

import math
from typing import Final

import numpy as np
from jaxtyping import Float64

_ROOT: Final = math.sqrt(6.0)

NODES: Final = np.array([(4 - _ROOT) / 10, (4 + _ROOT) / 10, 1.0])
"""Where in a stretch of length 1 a quantity is known."""

CHECKS: Final = np.array([0.0, 0.4, 0.85])
"""Where it is compared with the quadratic through its values."""

_COEFFICIENTS: Final = np.linalg.inv(np.vander(NODES, 3, increasing=True))

_EXACT: Final = np.vander(np.concatenate([CHECKS, NODES]), 6, increasing=True)
CHECK_WEIGHTS: Final = np.linalg.solve(_EXACT.T, 1 / np.arange(1.0, 7.0))[: len(CHECKS)]
"""Of what is missed at the checks, the weights in its integral; exact for polynomials of degree 5."""


def values_at(places: Float64[np.ndarray, " place"]) -> Float64[np.ndarray, "place node"]:
    """The weights of the values at the nodes in those of their quadratic at some places of a stretch of length 1."""
    weights: Float64[np.ndarray, "place node"] = np.vander(places, 3, increasing=True) @ _COEFFICIENTS
    return weights


def sums_to(stops: Float64[np.ndarray, " stop"], steps: float) -> Float64[np.ndarray, "stop node"]:
    """The w with Σ_{0 ≤ t < stop} f(t) = Σ_j w_j f(c_j·steps) for every quadratic f, c = `NODES`.

    For a stop that is no whole number the polynomial S with S(t + 1) − S(t) = f(t), S(0) = 0.
    """
    powers = np.stack([stops, stops * (stops - 1) / 2, stops * (stops - 1) * (2 * stops - 1) / 6], axis=-1)
    weights: Float64[np.ndarray, "stop node"] = (powers / steps ** np.arange(3.0)) @ _COEFFICIENTS
    return weights
