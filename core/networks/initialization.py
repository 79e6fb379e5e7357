"""Where training starts: the initial parameters of every kind of initialisation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from core.networks.network import UV, Network
from core.randomness import stream


def initial_parameters(document: Mapping[str, Any], network: Network, dim: int) -> Float64[np.ndarray, "part dim"]:
    """θ(0) of a run's document, from its parts `initialization` and `model`.

    With scales a = α·1 (uniform), α·z with z ~ N(0, I) (normal, appendix E of Nacson et al. 2022) or α·v (vector):

        diagonal   u₊ = u₋ = a; with `independent` normal draws u₋ = α·z' for another z'
        UV         u± = a·√((1−s)/(1+s)), v± = a·√((1+s)/(1−s)) with the shape s (Azulay et al. 2021)

    Signs are kept. z depends on the initialisation's seed and d alone, so all scales stretch one draw.

    Raises:
        ValueError: a vector that has not d entries.
    """
    scales = _scales(document["initialization"], dim)
    if not isinstance(network, UV):
        return scales
    shape = document["model"]["shape"]
    stretch = np.sqrt((1 - shape) / (1 + shape))
    return np.concatenate([scales * stretch, scales / stretch])


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
