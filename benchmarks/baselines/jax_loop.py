"""The loop in JAX: one compiled `fori_loop` over the steps, the gradient of the batch written by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.baselines.batch import Batch

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's own signature


class JaxLoop:
    """X and y are constants of the compiled function: as its arguments they are slower where runs are few."""

    def __init__(self, batch: Batch) -> None:
        X, y, coefficients, depth = jnp.array(batch.X), jnp.array(batch.y), jnp.array(batch.coefficients), batch.depth

        def step(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            u_plus, u_minus = state
            residual = (u_plus**depth - u_minus**depth) @ X.T - y
            x = (residual * coefficients) @ X
            return u_plus - u_plus ** (depth - 1) * x, u_minus + u_minus ** (depth - 1) * x

        self._advance = jax.jit(lambda state, steps: jax.lax.fori_loop(0, steps, step, state))
        self._state = (jnp.array(batch.theta[0]), jnp.array(batch.theta[1]))

    def advance(self, steps: int) -> None:
        """Take steps. Their number is an argument, so that this is compiled once."""
        self._state = jax.block_until_ready(self._advance(self._state, steps))

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return np.stack([np.asarray(part) for part in self._state])


def prepare(batch: Batch) -> JaxLoop:
    """The batch, ready to step."""
    return JaxLoop(batch)
