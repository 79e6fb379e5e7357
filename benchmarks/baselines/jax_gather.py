"""SGD in JAX by the rows of each minibatch instead of all samples with weights."""

import jax
import jax.numpy as jnp

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.jax_step import Drawn, ForiLoop, drawn_of, step_of


def prepare(batch: Batch) -> ForiLoop:
    """A step gathers the b rows that every run has drawn, and multiplies by these alone."""
    assert batch.chosen is not None
    X, y = jnp.array(batch.X), jnp.array(batch.y)
    coefficients = jnp.array(batch.coefficients) * (len(batch.y) / batch.chosen.shape[2])

    def gradient(beta: jax.Array, drawn: Drawn) -> jax.Array:
        rows, targets = X[drawn["chosen"]], y[drawn["chosen"]]
        residual = jnp.einsum("rbd,rd->rb", rows, beta) - targets
        return jnp.einsum("rbd,rb->rd", rows, residual * coefficients)

    return ForiLoop(batch, step_of(batch, gradient), drawn_of(batch, "chosen"))
