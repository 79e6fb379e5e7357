"""Where training starts: θ as it is given, or scales, of which `Network.initial` makes parameters."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network
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


def given_parameters(
    scale: float, given: Mapping[str, float | Sequence[float]], dim: int, network: Network
) -> Float64[np.ndarray, "part dim"]:
    """θ = α·(the parts that are given), each a number for all coordinates or a vector; of others than those 0.

    Raises:
        ValueError: not just the network's `trained_parts` are given, or one has not d entries.
    """
    if set(given) != set(network.trained_parts):
        raise ValueError(f"{network.key} starts from {', '.join(network.trained_parts)}, not from {', '.join(given)}")
    theta = np.zeros((len(network.parts), dim))
    for name, value in given.items():
        entries = np.array(value, dtype=np.float64)
        if entries.shape not in {(), (dim,)}:
            raise ValueError(f"{name} has {entries.size} entries, the data have {dim} columns")
        theta[network.parts.index(name)] = scale * entries
    return theta


def vector_scales(scale: float, vector: Sequence[float], dim: int) -> Scales:
    """α·v.

    Raises:
        ValueError: v has not d entries.
    """
    entries = np.array(vector, dtype=np.float64)
    if entries.shape != (dim,):
        raise ValueError(f"the initial vector has {entries.size} entries, the data have {dim} columns")
    return np.stack([scale * entries, scale * entries])
