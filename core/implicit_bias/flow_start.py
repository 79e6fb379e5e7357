"""From which starts gradient flow can be followed to its limit in float64, told without following it."""

from typing import Final

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network

LARGEST_VOLUME: Final = 1e300
"""Largest |θ|^D of a start, and inverse of the least: β = 2α² sinh(x) at D = 2, and sinh ends at x = 710."""


def flow_can_be_followed(theta: Float64[np.ndarray, "part dim"], network: Network) -> bool:
    """Whether no parameter starts at 0, where it stays, or beyond what the solvers reach.

    Those of the squared model where there is one: in UV a parameter leaves 0 unless |u| = |v|.
    """
    with np.errstate(over="ignore", under="ignore"):
        squared = network.as_squared(theta)
        volume = np.abs(theta if squared is None else squared) ** network.degree
    return bool(((volume >= 1 / LARGEST_VOLUME) & (volume <= LARGEST_VOLUME)).all())
