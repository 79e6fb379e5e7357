"""Many steps of descent at once, where each differs little from the one before the last.

Descent on the squared model adds f(p) to p = ln|u±| in every two steps. Along a smooth stretch f changes slowly, even
at the edge of stability, where p goes to and fro: what alternates is the same at every other step. There the sum of f
over thousands of steps is found from its values at three of them (`core.completion.summation`), which are implicit:
no mode has to be slow for that. During a warm-up f depends on the step, too, and a stride ends where that is over.
Derivation and measurements: docs/science/completion.md.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.completion.stride import NumpyStrides, StrideSolver
from core.completion.summation import stretch
from core.completion.warm_up import OVER, WarmUp
from core.implicit_bias.conserved_form import ConservedForm
from core.implicit_bias.log_steps import Logs, Modes, Way

FIRST_STRIDE: Final = 64.0
LEAST_STRIDE: Final = 3.0
"""Pairs of steps."""

LENGTHS: Final = 16
"""In each octave: weights of sums are kept for these lengths."""

MOST_STRIDES: Final = 200
"""A way that takes more solutions is not followed to its end."""

REACH: Final = 0.01
"""Most that the error of a stride may be in Σx, which moves a run along its way and no further from it."""

SHARE: Final = 0.1
"""Part of the error that is still allowed which a stride may have."""

ORDER: Final = 6
"""Of what a stride misses, in its length."""

CAUTION: Final = 0.8
"""Part of the length by which the next stride would have the error that it may have."""

LEAST_EXCESS: Final = 1e-9
"""An error that is smaller is taken as this multiple of what it may be."""

LONGER: Final = 4.0
"""Factor by which a stride is longer than the one before at most."""

REST: Final = 0.02
"""Part of the error that is allowed that the steps beyond the last stride may have."""

Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LogDescent:
    """Descent on the squared model in p = ln|u±|: a step adds ln(1 ∓ x), x = rate·root(rootᵀβ − target).

    The rate is 2η/N.
    """

    reference: NumpyStrides
    solver: StrideSolver
    rate: float

    def way(self, state: ConservedForm, limit: ConservedForm, warm_up: WarmUp = OVER) -> Way:
        """From a state to about a limit."""
        ramp = warm_up.ramp(warm_up.pairs_left)
        return Way(
            logs=np.log(np.abs(state.theta)),
            rate=self.rate,
            level=ramp.level,
            slope=ramp.slope,
            limit=np.stack([np.abs(limit.predictor), limit.weights]),
        )

    def is_stable(self, state: ConservedForm, warm_up: WarmUp) -> bool:
        """Whether all z < 2, in the mean over this state and the next."""
        way = self.way(state, state, warm_up)
        return self.reference.modes(way).is_stable(way.level)


def strided(
    descent: LogDescent,
    state: ConservedForm,
    limit: ConservedForm,
    warm_up: WarmUp = OVER,
    *,
    allowed: float,
) -> tuple[Logs, Vector] | None:
    """ln|u±| of a run that went on from `state` until what is left of it does not matter; None where it is not smooth.

    `limit` is about where it leads, and `allowed` how far that may be off by what strides miss, before Xβ = y is
    restored: |β|∘Δln A + c∘Δδ of the conserved form, which comes with it, is no longer than that. A run must be stable
    at the middle of each, in the mean over two steps, with the step size of its end. Cost: 2 to 8 ms at N = 50,
    d = 100, for 15 to 80 strides.
    """
    left, pairs, way = warm_up.pairs_left, FIRST_STRIDE, descent.way(state, limit, warm_up)
    drift, before, modes = np.zeros(len(way.limit[0])), None, descent.reference.modes(way)
    least, step = descent.reference.rest(way, way.logs)
    for _ in range(MOST_STRIDES):
        if leaving(least, step, modes, enough=REST * allowed) <= REST * allowed:
            return way.logs, drift
        pairs = _length(pairs, left)
        if pairs < LEAST_STRIDE:
            return None
        over = stretch(pairs)
        trial = descent.solver.stride(way, over, before)
        if trial is None:
            pairs /= LONGER
            continue
        share = SHARE * (allowed - math.sqrt(drift @ drift))
        excess = max(trial.distance / share, trial.along / REACH, LEAST_EXCESS)
        if excess <= 1:
            before, modes, least, step = (over, trial.pace), trial.modes, trial.least, trial.step
            drift, left = drift + trial.moved, max(left - pairs, 0.0)
            ramp = warm_up.ramp(left)
            way = Way(logs=trial.end, rate=way.rate, level=ramp.level, slope=ramp.slope, limit=way.limit)
        pairs *= min(LONGER, max(1 / LONGER, CAUTION * excess ** (-1 / ORDER)))
    return None


def leaving(least: float, step: float, modes: Modes, *, enough: float) -> float:
    """ηL/(1 − z/2)·max(1, max|β̂|/c): to first order the Σ|Δβ| by which the steps to come leave what flow conserves.

    Or something below it that is beyond `enough`. No more where their step sizes are η at most. ∞ where x is so
    large that a step might not be stable.
    """
    if not least <= enough:
        return np.inf
    room = 1 - (modes.largest + step) / 2
    return least / room if room > 0 else np.inf


def _length(pairs: float, left: float) -> float:
    """One of the `LENGTHS`, or what is left of a warm-up, or half of it where the rest would be no stride."""
    if 0 < left <= pairs:
        return left
    if left and left - pairs < LEAST_STRIDE:
        return left / 2
    return float(2 ** (math.floor(LENGTHS * math.log2(pairs)) / LENGTHS))
