"""The loop in JAX as one run under `vmap`, scanned in chunks after which finished runs leave: here none does."""

from functools import partial
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.jax_elsewhere import change_of
from benchmarks.baselines.jax_step import Drawn, State, begin, drawn_of, moved, theta_of

CHUNKS: Final = (4096, 256, 16, 1)
"""Lengths of chunks, each compiled when it is needed."""

Rates = dict[str, jax.Array]
"""Coefficients, and what there is of momentum, the factors of weight decay and ρ."""

TOLERANCE: Final = 0.0
"""No run ends before the steps are taken: what is measured is the rate."""


class ScanLoop:
    """`lax.scan` over the steps of a chunk, with the loss of every run at its end."""

    def __init__(self, batch: Batch) -> None:
        shrink = None if batch.shrink is None else batch.shrink[:, 0]
        rates = {
            "coefficient": batch.coefficients[:, 0],
            "momentum": batch.momentum,
            "shrink": shrink,
            "rho": batch.rho,
        }
        self._rates = {name: jnp.array(values) for name, values in rates.items() if values is not None}
        # The parts of a step's noise come after its runs, over which it is mapped.
        drawn = drawn_of(batch, "shift", "weight", "parameters")
        self._drawn = {name: rows.swapaxes(1, 2) if name == "parameters" else rows for name, rows in drawn.items()}
        self._state, self._taken, change, looks_ahead = begin(batch), 0, change_of(batch), batch.looks_ahead
        X, y, depth, period = jnp.array(batch.X), jnp.array(batch.y), batch.depth, batch.period

        def residual_of(state: State) -> jax.Array:
            return X @ (state[0] ** depth - state[1] ** depth) - y

        def step(state: State, rates: Rates, drawn: Drawn) -> State:
            coefficient, momentum = rates["coefficient"], rates.get("momentum")
            if change is not None:
                return moved(state, *change((state[0], state[1]), coefficient, rates.get("rho"), drawn), None)
            residual = residual_of(state)
            if "shift" in drawn:
                residual = residual - drawn["shift"]
            if "weight" in drawn:
                residual = residual * drawn["weight"]
            x = (coefficient * residual) @ X
            u_plus, u_minus = state[:2]
            plus, minus = -(u_plus ** (depth - 1) * x), u_minus ** (depth - 1) * x
            if "shrink" in rates:
                return rates["shrink"] * u_plus + plus, rates["shrink"] * u_minus + minus
            return moved(state, plus, minus, momentum, looks_ahead=looks_ahead)

        @partial(jax.jit, static_argnums=4)
        def chunk(state: State, rates: Rates, drawn: Drawn, start: int, steps: int) -> tuple[State, jax.Array]:
            def body(here: State, t: jax.Array) -> tuple[State, None]:
                now = {name: rows[t % period] for name, rows in drawn.items()}
                return jax.vmap(step)(here, rates, now), None

            end, _ = jax.lax.scan(body, state, start + jnp.arange(steps))
            return end, jax.vmap(lambda one: jnp.mean(residual_of(one) ** 2) / 2)(end)

        self._chunk = chunk

    def advance(self, steps: int) -> None:
        """Take steps, the longest chunks first."""
        for length in CHUNKS:
            for _ in range(steps // length):
                self._state, losses = self._chunk(self._state, self._rates, self._drawn, self._taken, length)
                assert not (np.asarray(losses) <= TOLERANCE).any()
                self._taken += length
            steps %= length

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return theta_of(self._state)


def prepare(batch: Batch) -> ScanLoop:
    """The batch, ready to step."""
    return ScanLoop(batch)
