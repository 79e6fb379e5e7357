"""The step of a batch in JAX, its gradient written by hand: what the loops over it have in common."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.jax_elsewhere import Change

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's own signature

State = tuple[jax.Array, ...]
"""u₊ and u₋, and their velocities where there is momentum."""

Drawn = dict[str, jax.Array]
"""What a step draws, by the names of `Batch`."""


def begin(batch: Batch) -> State:
    """The state before the first step."""
    theta = [jnp.array(part) for part in batch.theta]
    return (*theta, *(jnp.zeros_like(part) for part in theta if batch.momentum is not None))


def drawn_of(batch: Batch, *names: str) -> Drawn:
    """The rows of all steps of a period."""
    return {name: jnp.array(rows) for name in names if (rows := getattr(batch, name)) is not None}


def theta_of(state: State) -> np.ndarray:
    """The parameters."""
    return np.stack([np.asarray(part) for part in state[:2]])


def step_of(batch: Batch, gradient: Callable[[jax.Array, Drawn], jax.Array]) -> Callable[[State, Drawn], State]:
    """The step of all runs by x = `gradient` of β and what is drawn."""
    depth, looks_ahead = batch.depth, batch.looks_ahead
    momentum = None if batch.momentum is None else jnp.array(batch.momentum)[:, None]
    shrink = None if batch.shrink is None else jnp.array(batch.shrink)

    def step(state: State, drawn: Drawn) -> State:
        u_plus, u_minus = state[:2]
        x = gradient(u_plus**depth - u_minus**depth, drawn)
        plus, minus = -(u_plus ** (depth - 1) * x), u_minus ** (depth - 1) * x
        if shrink is not None:
            return shrink * u_plus + plus, shrink * u_minus + minus
        return moved(state, plus, minus, momentum, looks_ahead=looks_ahead)

    return step


def moved(
    state: State, plus: jax.Array, minus: jax.Array, momentum: jax.Array | None, *, looks_ahead: bool = False
) -> State:
    """The state after a step that descent would make by `plus` and `minus`."""
    u_plus, u_minus = state[:2]
    if momentum is None:
        return u_plus + plus, u_minus + minus
    velocities = momentum * state[2] + plus, momentum * state[3] + minus
    if looks_ahead:
        plus, minus = momentum * velocities[0] + plus, momentum * velocities[1] + minus
        return u_plus + plus, u_minus + minus, *velocities
    return u_plus + velocities[0], u_minus + velocities[1], *velocities


def step_elsewhere(batch: Batch, change: Change) -> Callable[[State, Drawn], State]:
    """The step of all runs by a gradient that is not taken at θ."""
    coefficients, rho = jnp.array(batch.coefficients), None if batch.rho is None else jnp.array(batch.rho)[:, None]

    def step(state: State, drawn: Drawn) -> State:
        return moved(state, *change((state[0], state[1]), coefficients, rho, drawn), None)

    return step


class ForiLoop:
    """One compiled `fori_loop` over the steps; their number is an argument, so that this is compiled once."""

    def __init__(self, batch: Batch, step: Callable[[State, Drawn], State], drawn: Drawn) -> None:
        period = batch.period

        def body(t: int, state: State, drawn: Drawn) -> State:
            return step(state, {name: rows[t % period] for name, rows in drawn.items()})

        def run(state: State, drawn: Drawn, start: int, stop: int) -> State:
            end: State = jax.lax.fori_loop(start, stop, lambda t, here: body(t, here, drawn), state)
            return end

        self._run, self._state, self._drawn, self._taken = jax.jit(run), begin(batch), drawn, 0

    def advance(self, steps: int) -> None:
        """Take steps."""
        self._state = jax.block_until_ready(self._run(self._state, self._drawn, self._taken, self._taken + steps))
        self._taken += steps

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return theta_of(self._state)
