"""Training to a loss in JAX, by one who wants it fast: a compiled scan over thousands of steps of all runs together.

Between two of them runs that have come to the loss leave; the others go on in a batch of the next size down, so that
compiling for a few sizes, before time is taken, is enough.
"""

import time
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import elapsed

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's own signature

CHUNK: Final = 4096
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 96, 128, 160, 200)
"""Runs for which steps are compiled; as many lanes as the next one up are stepped, the surplus copies of the first."""

State = tuple[jax.Array, jax.Array]


class ScanToLoss:
    """A batch at depth 2 on its way to a loss, each step size growing linearly over the warm-up."""

    def __init__(self, batch: Batch, *, warmup_steps: int, loss: float) -> None:
        """No step has been taken.

        Raises:
            ValueError: another depth than 2, or more runs than any of the `SIZES`.
        """
        if batch.depth != 2 or len(batch.step_sizes) > SIZES[-1]:
            raise ValueError(f"depth 2 and {SIZES[-1]} runs at most")
        self._theta, self._step_sizes = batch.theta, batch.step_sizes
        self._warmup_steps, self._loss, self.steps, self.lane_steps = warmup_steps, loss, 0, 0
        X, y = jnp.array(batch.X), jnp.array(batch.y)

        def residuals(u_plus: jax.Array, u_minus: jax.Array) -> jax.Array:
            return (u_plus * u_plus - u_minus * u_minus) @ X.T - y

        def chunk(state: State, step_sizes: jax.Array, start: float) -> tuple[State, jax.Array]:
            def step(state: State, t: jax.Array) -> tuple[State, None]:
                u_plus, u_minus = state
                x = residuals(*state) @ X / len(y)
                x = 2 * (step_sizes * jnp.minimum(1.0, (t + 1) / warmup_steps))[:, None] * x
                return (u_plus * (1 - x), u_minus * (1 + x)), None

            state, _ = jax.lax.scan(step, state, start + jnp.arange(CHUNK, dtype=jnp.float64))
            return state, jnp.square(residuals(*state)).sum(axis=1) / (2 * len(y))

        self._chunk = jax.jit(chunk)
        for size in SIZES:
            jax.block_until_ready(self._chunk((jnp.ones((size, X.shape[1])),) * 2, jnp.full(size, 1e-4), 0.0))

    @property
    def runs_left(self) -> int:
        """How many have not come to the loss at full step size."""
        return len(self._step_sizes)

    def advance(self) -> None:
        """A chunk of steps; those who are done leave."""
        runs = self.runs_left
        lanes = np.arange(next(size for size in SIZES if size >= runs))
        lanes[runs:] = 0
        (u_plus, u_minus), losses = self._chunk(
            (jnp.array(self._theta[0, lanes]), jnp.array(self._theta[1, lanes])),
            jnp.array(self._step_sizes[lanes]),
            float(self.steps),
        )
        theta = np.stack([np.asarray(u_plus), np.asarray(u_minus)])[:, :runs]
        self.steps, self.lane_steps = self.steps + CHUNK, self.lane_steps + runs * CHUNK
        going_on = ~((np.asarray(losses)[:runs] <= self._loss) & (self.steps >= self._warmup_steps))
        self._theta, self._step_sizes = theta[:, going_on], self._step_sizes[going_on]


def train(batch: Batch, *, warmup_steps: int, loss: float, seconds: float) -> dict[str, float]:
    """Train until every run is done, or for so many processor seconds: how long it took, and how far it came."""
    training = ScanToLoss(batch, warmup_steps=warmup_steps, loss=loss)
    give_up = time.process_time() + seconds

    def to_the_end() -> None:
        while training.runs_left and time.process_time() < give_up:
            training.advance()

    taken = elapsed(to_the_end)
    return taken._asdict() | {
        "steps": training.steps,
        "lane_steps": training.lane_steps,
        "runs_left": training.runs_left,
    }
