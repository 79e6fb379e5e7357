"""The sparse predictor β* behind drawn data: where its entries are, their signs, and its norm."""

import math
from enum import StrEnum

import numpy as np
from jaxtyping import Float64

from core.randomness import stream


class SupportLaw(StrEnum):
    """Which coordinates of β* are not 0: the first ones, or a uniformly random subset."""

    FIRST = "first"
    RANDOM = "random"


class SignLaw(StrEnum):
    """The signs of the entries of β*: all positive, or independent fair ones."""

    POSITIVE = "positive"
    RANDOM = "random"


def sparse_predictor(  # noqa: PLR0913 - its two laws, and the four numbers that define it
    dimension: int, sparsity: int, *, norm: float, support: SupportLaw, signs: SignLaw, seed: int
) -> Float64[np.ndarray, " dim"]:
    """β* with `sparsity` entries ±norm/√sparsity, so that ‖β*‖₂ = norm.

    Supports and signs have each a stream of their own, so that no data are drawn otherwise; of one seed and dimension
    smaller supports lie within larger ones, and a coordinate keeps its sign.
    """
    entries = np.full(dimension, norm / math.sqrt(sparsity))
    if signs is SignLaw.RANDOM:
        uniforms = stream(seed, "signs of the true predictor").uniform(size=dimension)
        entries = np.where(uniforms < 0.5, -entries, entries)
    order = np.arange(dimension)
    if support is SupportLaw.RANDOM:
        order = np.argsort(stream(seed, "support of the true predictor").uniform(size=dimension), kind="stable")
    predictor = np.zeros(dimension)
    predictor[order[:sparsity]] = entries[order[:sparsity]]
    return predictor
