"""The loop in JAX: one compiled `fori_loop` over the steps, the gradient of the batch written by hand."""

import jax
import jax.numpy as jnp

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.jax_elsewhere import change_of
from benchmarks.baselines.jax_step import Drawn, ForiLoop, drawn_of, step_elsewhere, step_of


def prepare(batch: Batch) -> ForiLoop:
    """X and y are constants of the compiled function: as its arguments they are slower where runs are few."""
    if (change := change_of(batch)) is not None:
        return ForiLoop(batch, step_elsewhere(batch, change), drawn_of(batch, "parameters"))
    X, y, coefficients = jnp.array(batch.X), jnp.array(batch.y), jnp.array(batch.coefficients)

    def gradient(beta: jax.Array, drawn: Drawn) -> jax.Array:
        residual = beta @ X.T - y
        if "shift" in drawn:
            residual = residual - drawn["shift"]
        if "weight" in drawn:
            residual = residual * drawn["weight"]
        return (residual * coefficients) @ X

    return ForiLoop(batch, step_of(batch, gradient), drawn_of(batch, "shift", "weight"))
