"""Where training starts: the initial parameters of every kind of initialisation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network
from core.randomness import stream


def initial_parameters(document: Mapping[str, Any], network: Network, dim: int) -> Float64[np.ndarray, "part dim"]:
    """θ(0) of a run's document, from its parts `initialization` and `model`.

    With scales a = α·1 (uniform), α·z with z ~ N(0, I) (normal, appendix E of Nacson et al. 2022) or α·v (vector):

        diagonal   u₊ = u₋ = a; with `independent` normal draws u₋ = α·z' for another z'
        UV         as `UV.initial` has it, with the shape s of the model

    Signs are kept. z depends on the initialisation's seed and d alone, so all scales stretch one draw.

    Raises:
        ValueError: a vector that has not d entries.
    """
    return network.initial(_scales(document["initialization"], dim), document["model"].get("shape", 0.0))


def _scales(initialization: Mapping[str, Any], dim: int) -> Float64[np.ndarray, "2 dim"]:
    """The scales a of u₊ and of u₋."""
    scale: float = initialization["scale"]
    if initialization["kind"] == "uniform":
        return np.full((2, dim), scale)
    if initialization["kind"] == "vector":
        vector = np.array(initialization["vector"], dtype=np.float64)
        if vector.shape != (dim,):
            raise ValueError(f"the initial vector has {vector.size} entries, the data have {dim} columns")
        return np.stack([scale * vector, scale * vector])
    draws = [stream(initialization["seed"], f"normal initialization, u{sign}").standard_normal(dim) for sign in "+-"]
    return scale * np.stack([draws[0], draws[1] if initialization["independent"] else draws[0]])
