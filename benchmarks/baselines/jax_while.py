"""What a user of JAX writes first: one run as a `while_loop` over `jax.grad`, and `jax.vmap` over the runs.

A vmapped while loop goes on until its slowest run is done, and steps all others along with it.
"""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.baselines.batch import Batch

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's own signature

TOLERANCE = 0.0  # no run ends before the steps are taken: what is measured is the rate


class WhileLoop:
    """The naive program; `advance` is one call of it, with a limit on the steps."""

    def __init__(self, batch: Batch) -> None:
        X, y, depth = jnp.array(batch.X), jnp.array(batch.y), batch.depth

        def loss(u: jax.Array) -> jax.Array:
            return jnp.mean((X @ (u[0] ** depth - u[1] ** depth) - y) ** 2) / 2

        def train(u: jax.Array, step_size: jax.Array, steps: int) -> jax.Array:
            def unfinished(state: tuple[jax.Array, jax.Array, int]) -> jax.Array:
                return (state[1] > TOLERANCE) & (state[2] < steps)

            def step(state: tuple[jax.Array, jax.Array, int]) -> tuple[jax.Array, jax.Array, int]:
                value, gradient = jax.value_and_grad(loss)(state[0])
                return state[0] - step_size * gradient, value, state[2] + 1

            return jax.lax.while_loop(unfinished, step, (u, jnp.array(jnp.inf), 0))[0]

        self._train = jax.jit(jax.vmap(train, in_axes=(1, 0, None), out_axes=1))
        self._state, self._step_sizes = jnp.array(batch.theta), jnp.array(batch.step_sizes)

    def advance(self, steps: int) -> None:
        """Take steps."""
        self._state = jax.block_until_ready(self._train(self._state, self._step_sizes, steps))

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return np.asarray(self._state)


def prepare(batch: Batch) -> WhileLoop:
    """The batch, ready to step."""
    return WhileLoop(batch)
