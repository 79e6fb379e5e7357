"""Steps whose gradient is taken elsewhere than at θ, in JAX: SAM and parameter noise, of one run or of many at once.

Where each sample has its own ascent, u± → u±(1 ± p_k u±^(D−2)x_k) with p_k = Dρr_k, all that is needed are products
with the powers of X: by the binomial theorem

    r̃_k = Σ_j C(D, j)·p_k^j·Σ_i (u₊^(D+(D−2)j) − (−1)^j u₋^(D+(D−2)j))_i x_ki^(j+1) − y_k,

and likewise for the step. No array of (run, sample, dim) is made.
"""

from collections.abc import Callable
from math import comb

import jax
import jax.numpy as jnp

from benchmarks.baselines.batch import Batch

Pair = tuple[jax.Array, jax.Array]
Change = Callable[[Pair, jax.Array, jax.Array | None, dict[str, jax.Array]], Pair]
"""Of u₊ and u₋, Dη/N, ρ and what is drawn: what the step adds to u₊ and u₋; with or without an axis of runs."""


def change_of(batch: Batch) -> Change | None:
    """The change by a gradient taken elsewhere; None where it is taken at θ."""
    if batch.parameters is not None:
        return _with_noise(batch)
    if batch.rho is None:
        return None
    return _by_samples(batch) if batch.by_samples else _by_the_mean(batch)


def _with_noise(batch: Batch) -> Change:
    X, y, depth = jnp.array(batch.X), jnp.array(batch.y), batch.depth

    def change(theta: Pair, coefficient: jax.Array, _: jax.Array | None, drawn: dict[str, jax.Array]) -> Pair:
        plus, minus = theta[0] + drawn["parameters"][0], theta[1] + drawn["parameters"][1]
        x = (coefficient * ((plus**depth - minus**depth) @ X.T - y)) @ X
        return -(plus ** (depth - 1) * x), minus ** (depth - 1) * x

    return change


def _by_the_mean(batch: Batch) -> Change:
    X, y, depth, normalized = jnp.array(batch.X), jnp.array(batch.y), batch.depth, batch.normalized

    def gradient(plus: jax.Array, minus: jax.Array) -> jax.Array:
        return ((plus**depth - minus**depth) @ X.T - y) @ X

    def change(theta: Pair, coefficient: jax.Array, rho: jax.Array | None, _: dict[str, jax.Array]) -> Pair:
        assert rho is not None
        plus, minus = theta
        g = gradient(plus, minus)
        along_plus, along_minus = plus ** (depth - 1) * g, minus ** (depth - 1) * g
        if normalized:
            factor = rho / jnp.sqrt((along_plus**2 + along_minus**2).sum(axis=-1, keepdims=True))
        else:
            factor = rho * (depth / len(y))
        plus, minus = plus + factor * along_plus, minus - factor * along_minus
        x = coefficient * gradient(plus, minus)
        return -(plus ** (depth - 1) * x), minus ** (depth - 1) * x

    return change


def _by_samples(batch: Batch) -> Change:
    y, depth = jnp.array(batch.y), batch.depth
    powers = [jnp.array(batch.X ** (j + 1)) for j in range(depth + 1)]

    def change(theta: Pair, coefficient: jax.Array, rho: jax.Array | None, _: dict[str, jax.Array]) -> Pair:
        assert rho is not None
        plus, minus = theta
        residual = (plus**depth - minus**depth) @ powers[0].T - y
        pull, left = depth * rho * residual, residual
        for j in range(1, depth + 1):
            exponent = depth + (depth - 2) * j
            moment = comb(depth, j) * (plus**exponent - (-1) ** j * minus**exponent)
            left = left + pull**j * (moment @ powers[j].T)
        scaled, by_plus, by_minus = coefficient * left, jnp.zeros_like(plus), jnp.zeros_like(minus)
        for j in range(depth):
            x, exponent = comb(depth - 1, j) * ((scaled * pull**j) @ powers[j]), depth - 1 + (depth - 2) * j
            by_plus, by_minus = by_plus - plus**exponent * x, by_minus + (-1) ** j * minus**exponent * x
        return by_plus, by_minus

    return change
