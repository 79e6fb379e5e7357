"""What gradient flow conserves of each coordinate of a diagonal linear network: the balance of its parts."""

import numpy as np
from jaxtyping import Float64

from core.networks.network import Diagonal, Network, power


def layer_balance(
    network: Network, theta: Float64[np.ndarray, "part *run dim"]
) -> Float64[np.ndarray, "balance *run dim"]:
    """The conserved quantities Q(θ) of gradient flow: one for each coordinate, of four parts two.

    D = 2: u₊u₋, which in the layers u = u₊ + u₋ and v = u₊ − u₋ of u∘v is ¼(u² − v²). D ≥ 3: ε₊|u₊|^(2−D) −
    ε₋|u₋|^(2−D) with the sign ε with which each enters β, their sum from u± > 0. UV: u₊² − v₊² and u₋² − v₋²; u∘v:
    u² − v². Flow keeps them exactly (d/dt u± = ∓D u±^(D−1) g), a step of descent to O((ηg)²).
    """
    if isinstance(network, Diagonal):
        if network.depth == 2:
            return np.asarray(theta[:1] * theta[1:])
        with np.errstate(divide="ignore"):
            conserved = network.signs(theta) / np.abs(power(theta, network.depth - 2))
        return np.asarray(conserved[:1] - conserved[1:])
    first, second = np.split(theta, 2)
    # a difference of squares as a product, which does not cancel where u ≈ v
    return np.asarray((first - second) * (first + second))
