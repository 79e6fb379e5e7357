"""Where training starts: the scales of every kind of initialisation, of which `Network.initial` makes parameters."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from core.randomness import stream

Scales = Float64[np.ndarray, "2 dim"]
"""The scales of u₊ and of u₋; signs are kept."""


def uniform_scales(scale: float, dim: int) -> Scales:
    """α·1."""
    return np.full((2, dim), scale)


def normal_scales(scale: float, dim: int, *, seed: int, independent: bool) -> Scales:
    """α·z with z ~ N(0, I) (appendix E of Nacson et al. 2022), with `independent` draws α·z' for u₋ and another z'.

    z depends on the seed and d alone, so all scales stretch one draw.
    """
    draws = [stream(seed, f"normal initialization, u{sign}").standard_normal(dim) for sign in "+-"]
    return scale * np.stack([draws[0], draws[1] if independent else draws[0]])


def vector_scales(scale: float, vector: Sequence[float], dim: int) -> Scales:
    """α·v.

    Raises:
        ValueError: v has not d entries.
    """
    entries = np.array(vector, dtype=np.float64)
    if entries.shape != (dim,):
        raise ValueError(f"the initial vector has {entries.size} entries, the data have {dim} columns")
    return np.stack([scale * entries, scale * entries])
