"""1-SAM in JAX sample by sample: the ascended parameters of every run and sample, of shape (run, sample, dim)."""

import jax
import jax.numpy as jnp

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.jax_elsewhere import Pair
from benchmarks.baselines.jax_step import ForiLoop, step_elsewhere


def prepare(batch: Batch) -> ForiLoop:
    """What a gradient is where each sample leads is summed up as it is made."""
    X, y, depth = jnp.array(batch.X), jnp.array(batch.y), batch.depth

    def change(theta: Pair, coefficient: jax.Array, rho: jax.Array | None, _: dict[str, jax.Array]) -> Pair:
        assert rho is not None
        plus, minus = theta
        residual = (plus**depth - minus**depth) @ X.T - y
        ascent = (depth * rho * residual)[..., None] * X
        plus = plus[..., None, :] + (plus ** (depth - 1))[..., None, :] * ascent
        minus = minus[..., None, :] - (minus ** (depth - 1))[..., None, :] * ascent
        left = coefficient * (((plus**depth - minus**depth) * X).sum(axis=-1) - y)
        x = left[..., None] * X
        return -(plus ** (depth - 1) * x).sum(axis=-2), (minus ** (depth - 1) * x).sum(axis=-2)

    return ForiLoop(batch, step_elsewhere(batch, change), {})
