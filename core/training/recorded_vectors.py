"""What is recorded of every coordinate of a run: vectors beside the curves, each at the steps of the records."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.networks.layer_balance import layer_balance
from core.networks.network import Network
from core.record_plan import VectorQuantity

PREDICTOR: Final = "predictor"
TIME_AVERAGE: Final = "time_average"
BALANCE: Final = "balance"
BALANCE_MINUS: Final = "balance_minus"
"""Of the negative half of a network of four parts."""


def vector_names(vectors: Sequence[VectorQuantity], parts: int) -> tuple[str, ...]:
    """The vectors that are recorded of so many parts where these are asked for; the support is read from β."""
    names: list[str] = []
    if VectorQuantity.PREDICTOR in vectors or VectorQuantity.SUPPORT in vectors:
        names.append(PREDICTOR)
    if VectorQuantity.TIME_AVERAGE in vectors:
        names.append(TIME_AVERAGE)
    if VectorQuantity.BALANCE in vectors:
        names += [BALANCE, BALANCE_MINUS][: parts // 2]
    return tuple(names)


def vectors_at(
    names: Sequence[str],
    network: Network,
    theta: Float64[np.ndarray, "part kept dim"],
    average: Float64[np.ndarray, "kept dim"],
) -> Float64[np.ndarray, "kept vector dim"]:
    """The vectors of these names at some states, with their time averages."""
    balance = layer_balance(network, theta) if BALANCE in names else np.empty((0, *theta.shape[1:]))
    known = {TIME_AVERAGE: average} | dict(zip((BALANCE, BALANCE_MINUS), balance, strict=False))
    if PREDICTOR in names:
        known[PREDICTOR] = network.predictor(theta)
    return np.stack([known[name] for name in names], axis=1)
