"""The laws of a feature: Gaussian as in the figures of the paper, and bounded ones, which are sub-Gaussian as well."""

import math
from enum import StrEnum

import numpy as np
from jaxtyping import Float64

from core.randomness import stream


class FeatureLaw(StrEnum):
    """The law of (x_i − μ)/σ, of mean 0 and variance 1: N(0, 1), uniform on [−√3, √3], or ±1 with equal chances."""

    GAUSSIAN = "gaussian"
    UNIFORM = "uniform"
    RADEMACHER = "rademacher"


def standardised(
    law: FeatureLaw, seed: int, samples: int, dimension: int
) -> tuple[Float64[np.ndarray, "sample dim"], Float64[np.ndarray, " sample"]]:
    """The standardised features and normal noise of variance 1.

    Gaussian ones are drawn by the plain generator of the seed, row by row, and the noise after them; others and their
    noise have each a stream of their own, so that no data set was changed by them.
    """
    if law is FeatureLaw.GAUSSIAN:
        rng = np.random.default_rng(seed)
        return rng.standard_normal((samples, dimension)), rng.standard_normal(samples)
    rng = stream(seed, f"features, {law}")
    uniforms = rng.uniform(-1.0, 1.0, (samples, dimension))
    features = math.sqrt(3) * uniforms if law is FeatureLaw.UNIFORM else np.where(uniforms < 0, -1.0, 1.0)
    return features, stream(seed, "noise beside features").standard_normal(samples)
