"""The start θ(0) of a run, as its spec gives it."""

from typing import assert_never

import numpy as np
from jaxtyping import Float64

from core.networks.initialization import Scales, given_parameters, normal_scales, uniform_scales, vector_scales
from core.spec.run_spec import PlainNormal, PlainParameters, PlainUniform, PlainUV, PlainVector
from core.sweep.grid_run import Run


def initial_parameters(run: Run, dim: int) -> Float64[np.ndarray, "part dim"]:
    """θ(0).

    Raises:
        ValueError: a vector of the start has not d entries.
    """
    start = run.spec.initialization
    if isinstance(start, PlainParameters):
        return given_parameters(start.scale, {part: getattr(start, part) for part in start.given}, dim, run.network)
    shape = run.spec.model.shape if isinstance(run.spec.model, PlainUV) else 0.0
    return run.network.initial(_scales(start, dim), shape)


def _scales(initialization: PlainUniform | PlainNormal | PlainVector, dim: int) -> Scales:
    """The scales of the positive and of the negative half."""
    match initialization:
        case PlainUniform(scale=scale):
            return uniform_scales(scale, dim)
        case PlainNormal(scale=scale, seed=seed, independent=independent):
            return normal_scales(scale, dim, seed=seed, independent=independent)
        case PlainVector(scale=scale, vector=vector):
            return vector_scales(scale, vector, dim)
        case _:
            assert_never(initialization)
