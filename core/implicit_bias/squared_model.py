"""The squared model that a network trains as, where there is one: what is known of finite steps is known of that."""

import numpy as np
from jaxtyping import Float64

from core.implicit_bias.certificate import mean_effective_initialization
from core.networks.network import UV, Diagonal, Network
from core.networks.uv_equivalence import equivalent_squared_model


def squared_model(
    network: Network, theta: Float64[np.ndarray, "part *run dim"]
) -> Float64[np.ndarray, "2 *run dim"] | None:
    """(u₊, u₋) of β = u₊² − u₋² with the same β, now and ever after: θ itself at D = 2, a map of it for UV.

    None at depth D ≥ 3, where finite steps have no such exact form.
    """
    if isinstance(network, UV):
        return equivalent_squared_model(theta)
    return theta if isinstance(network, Diagonal) and network.depth == 2 else None


def mean_effective_init(network: Network, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run"]:
    """The mean of √A over the coordinates (`core.implicit_bias`); NaN at depth D ≥ 3, which has no such thing."""
    squared = squared_model(network, theta)
    if squared is None:
        return np.full(theta.shape[1:-1], np.nan)
    return np.asarray(mean_effective_initialization(squared[0], squared[1]))
