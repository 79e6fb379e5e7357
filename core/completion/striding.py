"""Many steps of descent at once, where each differs little from the one before the last.

Descent on the squared model adds f(p) to p = ln|u±| in every two steps. Along a smooth stretch f changes slowly, even
at the edge of stability, where p goes to and fro: what alternates is the same at every other step. There the sum of f
over thousands of steps is found from its values at three of them (`core.completion.summation`), which are implicit:
no mode has to be slow for that. Derivation and measurements: docs/science/completion.md.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64

from core.completion.summation import CHECKS, StepSums
from core.data.row_space import InterpolatorSet
from core.implicit_bias.conserved_form import ConservedForm

FIRST_STRIDE: Final = 4.0
LEAST_STRIDE: Final = 3.0
"""Pairs of steps."""

MIDDLE: Final = 1
"""The node for which modes are found."""

MOST_STRIDES: Final = 200
"""A way that takes more solutions is not followed to its end."""

MOST_ITERATIONS: Final = 12

FARTHEST: Final = 5.0
"""Largest change of an exponent in an iteration, beyond which the solution is out of sight."""

SOLVED: Final = 1e-9
"""Largest change of an exponent in the last iteration."""

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

AGAINST: Final = np.array([[-1.0], [1.0]])
"""The signs with which x enters u₊ and u₋."""

Logs = Float64[np.ndarray, "2 dim"]
Stages = Float64[np.ndarray, "node 2 dim"]
Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Modes:
    """How two steps act on p near a state: z are the eigenvalues of η times the Gram matrix, their mean over both.

    A change of p is `seen` as one number for each mode, falls by z(2 − z) of itself in two steps, and moves p along the
    `directions`, which are those of the residuals turned by `turn`. A run is stable where the `largest` z is below 2.
    """

    largest: float
    decay: Float64[np.ndarray, " rank"]
    lag: Float64[np.ndarray, " rank"]
    turn: Float64[np.ndarray, "rank rank"]
    directions: Float64[np.ndarray, "dim rank"]
    slopes: Logs

    def seen(self, change: Stages) -> Float64[np.ndarray, "node rank"]:
        """2·rate·directionsᵀ(u₊²∘change₊ − u₋²∘change₋)."""
        slopes = self.slopes[0] * change[:, 0] + self.slopes[1] * change[:, 1]
        seen: Float64[np.ndarray, "node rank"] = slopes @ self.directions
        return seen


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LogDescent:
    """Descent on the squared model in p = ln|u±|: a step adds ln(1 ∓ x), x = rate·root(rootᵀβ − target).

    With X = UΣVᵀ, `root` is VΣ and `target` is Uᵀy, so that rootᵀβ − target are the residuals, and rate = 2η/N.
    """

    basis: Float64[np.ndarray, "dim rank"]
    values: Float64[np.ndarray, " rank"]
    root: Float64[np.ndarray, "dim rank"]
    target: Float64[np.ndarray, " rank"]
    rate: float

    @classmethod
    def of(cls, space: InterpolatorSet, step_size: float) -> Self:
        """On the data of a set of interpolators."""
        values = 1 / np.linalg.norm(space.to_dual, axis=0)
        root, target = space.basis * values, values * space.coordinates
        return cls(basis=space.basis, values=values, root=root, target=target, rate=2 * step_size / len(space.X))

    def missing(self, logs: Float64[np.ndarray, "*node 2 dim"]) -> Float64[np.ndarray, "*node rank"]:
        """The residuals, turned."""
        squares = np.exp(2 * logs)
        missing: Float64[np.ndarray, "*node rank"] = (squares[..., 0, :] - squares[..., 1, :]) @ self.root - self.target
        return missing

    def step(self, logs: Float64[np.ndarray, "*node 2 dim"]) -> Float64[np.ndarray, "*node 2 dim"]:
        """What the next step adds to p."""
        x = self.rate * (self.missing(logs) @ self.root.T)
        return np.asarray(np.log1p(x[..., None, :] * AGAINST))

    def pace(self, logs: Float64[np.ndarray, "*node 2 dim"]) -> Float64[np.ndarray, "*node 2 dim"]:
        """What the next two steps add."""
        first = self.step(logs)
        pace: Float64[np.ndarray, "*node 2 dim"] = first + self.step(logs + first)
        return pace

    def modes(self, logs: Logs) -> Modes:
        """Those of the Gram matrix in the mean over this state and the next."""
        squares = (np.exp(2 * logs) + np.exp(2 * (logs + self.step(logs)))) / 2
        gram = (self.root.T * (2 * self.rate * squares.sum(axis=0))) @ self.root
        z, turn = np.linalg.eigh(gram)
        return Modes(
            largest=float(z[-1]),
            decay=z * (2 - z),
            lag=2 - z,
            turn=turn,
            directions=self.root @ turn,
            slopes=-2 * self.rate * squares * AGAINST,
        )

    def leaving(self, logs: Logs, modes: Modes, limit: ConservedForm) -> float:
        """ηL/(1 − z/2)·max(1, max|β̂|/c): to first order the Σ|Δβ| by which the steps to come leave what flow conserves.

        ∞ where x is so large that a step might not be stable.
        """
        missing, squares = self.missing(logs), np.exp(2 * logs).sum(axis=0)
        room = 1 - (modes.largest + self.rate * float(np.abs(missing @ self.root.T).max())) / 2
        action = self.rate / 4 * float(np.square(missing).sum())
        ratio = max(1.0, float((np.abs(limit.predictor) / squares).max()))
        return action / room * ratio if room > 0 else np.inf


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Drift:
    """How far ln A and δ of the conserved form may be from those of all single steps, each ≥ 0."""

    shrinkage: Vector
    asymmetry: Vector

    @classmethod
    def none(cls, dim: int) -> Self:
        """Exact."""
        zero = np.zeros(dim)
        return cls(shrinkage=zero, asymmetry=zero)

    def __add__(self, other: Self) -> Self:
        """Of two stretches, one after the other."""
        return type(self)(shrinkage=self.shrinkage + other.shrinkage, asymmetry=self.asymmetry + other.asymmetry)

    def distance(self, limit: ConservedForm) -> float:
        """‖|β|∘Δln A + c∘Δδ‖₂ with c = u₊² + u₋²: how far it moves a limit, before Xβ = y is restored."""
        return float(np.linalg.norm(np.abs(limit.predictor) * self.shrinkage + limit.weights * self.asymmetry))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stride:
    """A stretch of some pairs of steps from `start` on: p at its nodes, and the `pace` there."""

    descent: LogDescent
    modes: Modes
    start: Logs
    sums: StepSums
    states: Stages
    pace: Stages

    @property
    def end(self) -> Logs:
        """The last p."""
        end: Logs = self.states[-1]
        return end

    def foreseen(self, sums: StepSums) -> Stages:
        """What p changes by up to the nodes of the next stretch, if its pace goes on as it does."""
        places = 1 + sums.nodes * (sums.steps / self.sums.steps)
        return _combined(self.sums.sums_to(places) - self.sums.sums_to(np.ones(1)), self.pace)

    def drift(self) -> tuple[Drift, float]:
        """To first order the sum over the stretch of what the quadratics of its pace miss, and the most of it in Σx.

        That moves the run along its way, but for what the modes forget, and by 2x∘Δ off it.
        """
        at_checks = self.start + _combined(self.sums.sums_to(CHECKS), self.pace)
        missed = self.descent.pace(at_checks) - _combined(self.sums.values_at(CHECKS), self.pace)
        plus, minus = _combined(self.sums.check_weights()[None], missed)[0]
        apart = minus - plus
        inside = self.descent.basis.T @ apart
        kept = self.modes.turn.T @ (inside / self.descent.values) / (1 + self.sums.steps * self.modes.decay)
        advance = np.abs(self.modes.directions @ kept) / 2
        x = np.abs(self.descent.step(self.start)).max(axis=0)
        shrinkage = np.abs(plus + minus) + 2 * x * advance
        asymmetry = np.abs(apart - self.descent.basis @ inside)
        return Drift(shrinkage=shrinkage, asymmetry=asymmetry), float(advance.max())


def strided(
    descent: LogDescent, state: ConservedForm, limit: ConservedForm, *, allowed: float
) -> tuple[Logs, Drift] | None:
    """ln|u±| of a run that went on from `state` until what is left of it does not matter; None where it is not smooth.

    `limit` is about where it leads, and `allowed` how far that may be off by what strides miss. A run must be stable at
    the middle of each, in the mean over two steps. Cost: 10 to 40 ms at N = 50, d = 100, for 15 to 80 strides.
    """
    logs, drift, pairs, stride = np.log(np.abs(state.theta)), Drift.none(state.theta.shape[1]), FIRST_STRIDE, None
    modes = descent.modes(logs)
    for _ in range(MOST_STRIDES):
        if descent.leaving(logs, modes, limit) <= REST * allowed:
            return logs, drift
        if pairs < LEAST_STRIDE:
            return None
        sums = StepSums.over(pairs)
        foreseen = stride.foreseen(sums) if stride else pairs * np.multiply.outer(sums.nodes, descent.pace(logs))
        modes = descent.modes(logs + foreseen[MIDDLE])
        trial = _stride(descent, modes, logs, sums, foreseen) if modes.largest < 2 else None
        if trial is None:
            pairs /= LONGER
            continue
        missed, along = trial.drift()
        share = SHARE * (allowed - drift.distance(limit))
        excess = max(missed.distance(limit) / share, along / REACH, LEAST_EXCESS)
        if excess <= 1:
            logs, drift, stride = trial.end, drift + missed, trial
        pairs *= min(LONGER, max(1 / LONGER, CAUTION * excess ** (-1 / ORDER)))
    return None


def _stride(descent: LogDescent, modes: Modes, start: Logs, sums: StepSums, foreseen: Stages) -> Stride | None:
    """The stretch whose states are the sums of its paces, by simplified Newton steps; None where they do not settle."""
    weights = sums.sums_to(sums.nodes)
    inverse = np.linalg.inv(np.eye(3) + modes.decay[:, None, None] * weights)
    states, last = start + foreseen, np.inf
    for _ in range(MOST_ITERATIONS):
        missing = start + _combined(weights, descent.pace(states)) - states
        solved = (inverse @ modes.seen(missing).T[:, :, None])[:, :, 0].T
        moved = (weights @ (modes.lag * solved)) @ modes.directions.T
        change = missing + moved[:, None] * AGAINST
        states, size = states + change, float(np.abs(change).max())
        if size <= SOLVED:
            pace = descent.pace(states)
            return Stride(descent=descent, modes=modes, start=start, sums=sums, states=states, pace=pace)
        if not size < min(2 * last, FARTHEST):
            return None
        last = size
    return None


def _combined(weights: Float64[np.ndarray, "place node"], stages: Stages) -> Float64[np.ndarray, "place 2 dim"]:
    combined: Float64[np.ndarray, "place 2 dim"] = (weights @ stages.reshape(3, -1)).reshape(-1, *stages.shape[1:])
    return combined
