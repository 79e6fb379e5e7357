"""From which starts gradient flow can be followed to its limit in float64, told without following it."""

from typing import Final

import numpy as np
from jaxtyping import Float64

LARGEST_VOLUME: Final = 1e300
"""Largest |θ|^D of a start, and inverse of the least: β = 2α² sinh(x) at D = 2, and sinh ends at x = 710."""


def flow_can_be_followed(theta: Float64[np.ndarray, "part dim"], degree: int) -> bool:
    """Whether no parameter of a network of degree D starts at 0, where it stays, or beyond what the solvers reach."""
    with np.errstate(over="ignore", under="ignore"):
        volume = np.abs(theta) ** degree
    return bool(((volume >= 1 / LARGEST_VOLUME) & (volume <= LARGEST_VOLUME)).all())
