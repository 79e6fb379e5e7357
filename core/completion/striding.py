"""Many steps of descent at once, where each differs little from the one before the last.

Descent on the squared model adds f(p) to p = ln|u±| in every two steps. Along a smooth stretch f changes slowly, even
at the edge of stability, where p goes to and fro: what alternates is the same at every other step. There the sum of f
over thousands of steps is found from its values at three of them (`core.completion.summation`), which are implicit:
no mode has to be slow for that. During a warm-up f depends on the step, too, and a stride ends where that is over.
Derivation and measurements: docs/science/completion.md.
"""

import math
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from jaxtyping import Float64

from core.completion.summation import CHECKS, StepSums, Stretch, stretch
from core.completion.warm_up import FULL, OVER, Ramp, WarmUp
from core.data.row_space import InterpolatorSet
from core.implicit_bias.conserved_form import ConservedForm

FIRST_STRIDE: Final = 64.0
LEAST_STRIDE: Final = 3.0
"""Pairs of steps."""

LENGTHS: Final = 16
"""In each octave: weights of sums are kept for these lengths."""

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
    """How two steps act on p near a state: `z` are the eigenvalues of η times the Gram matrix, their mean over both.

    A change of p is `seen` as one number for each mode and moves p along the `directions`, which are those of the
    residuals turned by `turn`. Two steps at rη lower it by rz(2 − rz) of itself.
    """

    z: Float64[np.ndarray, " rank"]
    turn: Float64[np.ndarray, "rank rank"]
    directions: Float64[np.ndarray, "dim rank"]
    slopes: Logs

    @property
    def largest(self) -> float:
        """The largest z: a run is stable at rη where r times this is below 2."""
        return float(self.z[-1])

    def lag(self, r: Float64[np.ndarray, " node"]) -> Float64[np.ndarray, "node rank"]:
        """r(2 − rz): so much of what is seen two steps at rη move along the directions."""
        lag: Float64[np.ndarray, "node rank"] = r[:, None] * (2 - r[:, None] * self.z)
        return lag

    def seen(self, change: Stages) -> Float64[np.ndarray, "node rank"]:
        """2·rate·directionsᵀ(u₊²∘change₊ − u₋²∘change₋)."""
        slopes = self.slopes[0] * change[:, 0] + self.slopes[1] * change[:, 1]
        seen: Float64[np.ndarray, "node rank"] = slopes @ self.directions
        return seen


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LogDescent:
    """Descent on the squared model in p = ln|u±|: a step adds ln(1 ∓ x), x = rate·root(rootᵀβ − target).

    With X = UΣVᵀ, `root` is VΣ and `target` is Uᵀy, so that rootᵀβ − target are the residuals, and rate = 2η/N. The
    `ramp` has the part r of η that each pair of steps takes.
    """

    basis: Float64[np.ndarray, "dim rank"]
    values: Float64[np.ndarray, " rank"]
    root: Float64[np.ndarray, "dim rank"]
    target: Float64[np.ndarray, " rank"]
    rate: float
    ramp: Ramp = FULL

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

    def step(
        self, logs: Float64[np.ndarray, "*node 2 dim"], r: Float64[np.ndarray, "*node"] | float = 1.0
    ) -> Float64[np.ndarray, "*node 2 dim"]:
        """What the next step, at rη, adds to p."""
        x = self.rate * (self.missing(logs) @ self.root.T) * np.asarray(r)[..., None]
        return np.asarray(np.log1p(x[..., None, :] * AGAINST))

    def pace(
        self, logs: Float64[np.ndarray, "*node 2 dim"], pairs: Float64[np.ndarray, "*node"] | float = 0.0
    ) -> Float64[np.ndarray, "*node 2 dim"]:
        """What the two steps of these pairs add."""
        r = self.ramp.at(pairs)
        first = self.step(logs, r)
        pace: Float64[np.ndarray, "*node 2 dim"] = first + self.step(logs + first, r + self.ramp.rise)
        return pace

    def modes(self, logs: Logs, pairs: float = 0.0) -> Modes:
        """Those of the Gram matrix in the mean over this state and the next."""
        r = self.ramp.at(pairs)
        squares = (np.exp(2 * logs) + np.exp(2 * (logs + self.step(logs, r)))) / 2
        gram = (self.root.T * (2 * self.rate * squares.sum(axis=0))) @ self.root
        z, turn = np.linalg.eigh(gram)
        return Modes(
            z=z,
            turn=turn,
            directions=self.root @ turn,
            slopes=-2 * self.rate * squares * AGAINST,
        )

    def leaving(self, logs: Logs, modes: Modes, limit: ConservedForm) -> float:
        """ηL/(1 − z/2)·max(1, max|β̂|/c): to first order the Σ|Δβ| by which the steps to come leave what flow conserves.

        No more where their step sizes are η at most. ∞ where x is so large that a step might not be stable.
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
    stretch: Stretch
    states: Stages
    pace: Stages

    @property
    def end(self) -> Logs:
        """The last p."""
        end: Logs = self.states[-1]
        return end

    def foreseen(self, sums: StepSums) -> Stages:
        """What p changes by up to the nodes of the next stretch, if its pace goes on as it does."""
        own = self.stretch.sums
        weights = own.sums_to(1 + sums.nodes * (sums.steps / own.steps)) - self.stretch.to_nodes[-1]
        return _combined(weights, self.pace)

    def drift(self) -> tuple[Drift, float]:
        """To first order the sum over the stretch of what the quadratics of its pace miss, and the most of it in Σx.

        That moves the run along its way, but for what the modes forget, and by 2x∘Δ off it.
        """
        steps = self.stretch.sums.steps
        at_checks = self.start + _combined(self.stretch.to_checks, self.pace)
        pace = self.descent.pace(at_checks, steps * CHECKS)
        missed = pace - _combined(self.stretch.at_checks, self.pace)
        plus, minus = _combined(self.stretch.missed[None], missed)[0]
        apart = minus - plus
        inside = self.descent.basis.T @ apart
        ends = self.descent.ramp.at(steps * np.array([0.0, 1.0]))
        decay = (self.modes.z * self.modes.lag(ends)).min(axis=0)
        kept = self.modes.turn.T @ (inside / self.descent.values) / (1 + steps * decay)
        advance = np.abs(self.modes.directions @ kept) / 2
        x = np.abs(self.descent.step(self.start, ends[1])).max(axis=0)
        shrinkage = np.abs(plus + minus) + 2 * x * advance
        asymmetry = np.abs(apart - self.descent.basis @ inside)
        return Drift(shrinkage=shrinkage, asymmetry=asymmetry), float(advance.max())


def strided(
    descent: LogDescent,
    state: ConservedForm,
    limit: ConservedForm,
    warm_up: WarmUp = OVER,
    *,
    allowed: float,
) -> tuple[Logs, Drift] | None:
    """ln|u±| of a run that went on from `state` until what is left of it does not matter; None where it is not smooth.

    `limit` is about where it leads, and `allowed` how far that may be off by what strides miss. A run must be stable at
    the middle of each, in the mean over two steps, with the step size of its end. Cost: 10 to 40 ms at N = 50, d = 100,
    for 15 to 80 strides.
    """
    left, pairs = warm_up.pairs_left, FIRST_STRIDE
    descent = replace(descent, ramp=warm_up.ramp(left))
    logs, drift, stride = np.log(np.abs(state.theta)), Drift.none(state.theta.shape[1]), None
    modes = descent.modes(logs)
    for _ in range(MOST_STRIDES):
        if descent.leaving(logs, modes, limit) <= REST * allowed:
            return logs, drift
        pairs = _length(pairs, left)
        if pairs < LEAST_STRIDE:
            return None
        over = stretch(pairs)
        foreseen = stride.foreseen(over.sums) if stride else _even(over.sums, descent.pace(logs))
        trial = _stride(descent, logs, over, foreseen)
        if trial is None:
            pairs /= LONGER
            continue
        missed, along = trial.drift()
        share = SHARE * (allowed - drift.distance(limit))
        excess = max(missed.distance(limit) / share, along / REACH, LEAST_EXCESS)
        if excess <= 1:
            logs, modes, drift, stride = trial.end, trial.modes, drift + missed, trial
            left = max(left - pairs, 0.0)
            descent = replace(descent, ramp=warm_up.ramp(left))
        pairs *= min(LONGER, max(1 / LONGER, CAUTION * excess ** (-1 / ORDER)))
    return None


def _length(pairs: float, left: float) -> float:
    """One of the `LENGTHS`, or what is left of a warm-up, or half of it where the rest would be no stride."""
    if 0 < left <= pairs:
        return left
    if left and left - pairs < LEAST_STRIDE:
        return left / 2
    return float(2 ** (math.floor(LENGTHS * math.log2(pairs)) / LENGTHS))


def _even(sums: StepSums, pace: Logs) -> Stages:
    """What p changes by up to the nodes at this pace."""
    return np.asarray(sums.steps * np.multiply.outer(sums.nodes, pace))


def _stride(descent: LogDescent, start: Logs, over: Stretch, foreseen: Stages) -> Stride | None:
    """The stretch whose states are the sums of its paces, by simplified Newton steps.

    None where they do not settle, or the run may not be stable.
    """
    weights, at_nodes = over.to_nodes, over.sums.steps * over.sums.nodes
    r, middle = descent.ramp.at(at_nodes), start + foreseen[MIDDLE]
    if not (np.abs(foreseen).max() <= FARTHEST and np.isfinite(descent.step(middle, r[MIDDLE])).all()):
        return None
    modes = descent.modes(middle, at_nodes[MIDDLE])
    if not modes.largest * r[-1] < 2:
        return None
    lag = modes.lag(r)
    inverse = np.linalg.inv(np.eye(3) + weights * (modes.z * lag).T[:, None])
    states, last = start + foreseen, np.inf
    for _ in range(MOST_ITERATIONS):
        missing = start + _combined(weights, descent.pace(states, at_nodes)) - states
        solved = (inverse @ modes.seen(missing).T[:, :, None])[:, :, 0].T
        moved = (weights @ (lag * solved)) @ modes.directions.T
        change = missing + moved[:, None] * AGAINST
        states, size = states + change, float(np.abs(change).max())
        if size <= SOLVED:
            pace = descent.pace(states, at_nodes)
            return Stride(descent=descent, modes=modes, start=start, stretch=over, states=states, pace=pace)
        if not size < min(2 * last, FARTHEST):
            return None
        last = size
    return None


def _combined(weights: Float64[np.ndarray, "place node"], stages: Stages) -> Float64[np.ndarray, "place 2 dim"]:
    combined: Float64[np.ndarray, "place 2 dim"] = (weights @ stages.reshape(3, -1)).reshape(-1, *stages.shape[1:])
    return combined
