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
from scipy.linalg.lapack import dorgqr, dpbsv, dpttrf, dsterf, dsytrd

from core.completion.stages import AGAINST, FARTHEST, Logs, MakeSolver, NumpyStages, Stages, StageSolver, combined
from core.completion.summation import CHECKS, StepSums, Stretch, stretch
from core.completion.warm_up import FULL, OVER, Ramp, WarmUp
from core.data.row_space import InterpolatorSet
from core.implicit_bias.conserved_form import ConservedForm
from core.implicit_bias.log_steps import Linearisation, PairSizes

FIRST_STRIDE: Final = 64.0
LEAST_STRIDE: Final = 3.0
"""Pairs of steps."""

LENGTHS: Final = 16
"""In each octave: weights of sums are kept for these lengths."""

MIDDLE: Final = 1
"""The node for which modes are found."""

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
class Modes:
    """How two steps act on p near a state: by T, η times the Gram matrix in the mean over both, `turn`·T·turnᵀ.

    T is tridiagonal, and the directions of their `linearisation` are those of the residuals turned by `turn`. Two steps
    at rη lower what is seen of a change of p by rT(2 − rT) of itself.
    """

    linearisation: Linearisation
    turn: Float64[np.ndarray, "rank rank"]

    @property
    def diagonal(self) -> Float64[np.ndarray, " rank"]:
        """That of T."""
        return self.linearisation.diagonal

    @property
    def below(self) -> Float64[np.ndarray, " rank"]:
        """T_(k+1)k, of which the last is 0."""
        return self.linearisation.below

    @property
    def z(self) -> Float64[np.ndarray, " rank"]:
        """The eigenvalues, in ascending order."""
        z: Float64[np.ndarray, " rank"] = dsterf(self.diagonal, self.below[: max(len(self.below) - 1, 1)])[0]
        return z

    @property
    def largest(self) -> float:
        """The largest z."""
        return float(self.z[-1])

    def is_stable(self, r: float) -> bool:
        """Whether rz < 2 for all of them: whether 2 − rT is positive definite; not where it is not finite."""
        factors, _, failed = dpttrf(2 - r * self.diagonal, -r * self.below[: max(len(self.below) - 1, 1)])
        return bool(failed == 0 and factors[-1] > 0)

    def slowed(self, change: Float64[np.ndarray, " rank"], r: float, pairs: float) -> Float64[np.ndarray, " rank"]:
        """(1 + pairs·rT(2 − rT))⁻¹·change: about what so many pairs of steps at rη leave of it on their mean."""
        a, b, rank = self.diagonal, self.below, len(self.diagonal)
        band = np.zeros((3, rank))
        band[0] = a * a + b * b
        band[0, 1:] += np.square(b[:-1])
        band[1, :-1] = b[:-1] * (a[:-1] + a[1:])
        band[2, :-2] = b[:-2] * b[1:-1]
        band *= -r * r
        band[0] += 2 * r * a
        band[1] += 2 * r * b
        band *= pairs
        band[0] += 1
        kept, failed = dpbsv(band[: min(3, rank)], change, lower=1)[1:]
        return kept if not failed else np.full(rank, np.inf)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LogDescent:
    """Descent on the squared model in p = ln|u±|: a step adds ln(1 ∓ x), x = rate·root(rootᵀβ − target).

    With X = UΣVᵀ, `root` is VΣ and `target` is Uᵀy, so that rootᵀβ − target are the residuals, and rate = 2η/N. The
    `ramp` has the part r of η that each pair of steps takes.
    """

    basis: Float64[np.ndarray, "dim rank"]
    values: Float64[np.ndarray, " rank"]
    steps: NumpyStages
    solver: StageSolver
    rate: float
    ramp: Ramp = FULL

    @classmethod
    def of(cls, space: InterpolatorSet, step_size: float, solver: MakeSolver = NumpyStages) -> Self:
        """On the data of a set of interpolators."""
        values = 1 / np.linalg.norm(space.to_dual, axis=0)
        root, target = space.basis * values, values * space.coordinates
        return cls(
            basis=space.basis,
            values=values,
            steps=NumpyStages(root, target),
            solver=solver(root, target),
            rate=2 * step_size / len(space.X),
        )

    def pace(
        self, logs: Float64[np.ndarray, "*node 2 dim"], pairs: Float64[np.ndarray, "*node"] | float = 0.0
    ) -> Float64[np.ndarray, "*node 2 dim"]:
        """What the two steps of these pairs add."""
        several = logs.reshape(-1, *logs.shape[-2:])
        r = np.broadcast_to(self.ramp.at(pairs), len(several))
        sizes = PairSizes(rate=self.rate, r=r, rise=self.ramp.rise)
        return self.solver.pace(several, sizes).reshape(logs.shape)

    def squares(self, logs: Logs, pairs: float = 0.0) -> Logs:
        """u±² in the mean over this state and the next."""
        step = self.steps.step(logs, self.rate * self.ramp.at(pairs))
        squares: Logs = np.exp(2 * logs) * (1 + np.exp(2 * step)) / 2
        return squares

    def modes(self, logs: Logs, pairs: float = 0.0) -> Modes:
        """Those of the Gram matrix in the mean over this state and the next."""
        return self.modes_of(self.squares(logs, pairs))

    def modes_of(self, squares: Logs) -> Modes:
        """Those of the Gram matrix of u±²."""
        root = self.steps.root
        diagonal, below, turn = tridiagonal((root.T * (2 * self.rate * squares.sum(axis=0))) @ root)
        linearisation = Linearisation(
            diagonal=diagonal,
            below=below,
            directions=root @ turn,
            slopes=-2 * self.rate * squares * AGAINST,
        )
        return Modes(linearisation=linearisation, turn=turn)

    def leaving(self, logs: Logs, modes: Modes, limit: ConservedForm, *, enough: float = np.inf) -> float:
        """ηL/(1 − z/2)·max(1, max|β̂|/c): to first order the Σ|Δβ| by which the steps to come leave what flow conserves.

        Or something below it that is beyond `enough`. No more where their step sizes are η at most. ∞ where x is so
        large that a step might not be stable.
        """
        missing, squares = self.steps.missing(logs), np.exp(2 * logs).sum(axis=0)
        action = self.rate / 4 * float(np.square(missing).sum())
        least = action * max(1.0, float((np.abs(limit.predictor) / squares).max()))
        if least > enough:
            return least
        room = 1 - (modes.largest + self.rate * float(np.abs(missing @ self.steps.root.T).max())) / 2
        return least / room if room > 0 else np.inf


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
        return combined(weights, self.pace)

    def drift(self) -> tuple[Drift, float]:
        """To first order the sum over the stretch of what the quadratics of its pace miss, and the most of it in Σx.

        That moves the run along its way, but for what the modes forget, and by 2x∘Δ off it.
        """
        steps = self.stretch.sums.steps
        at_checks = self.start + combined(self.stretch.to_checks, self.pace)
        pace = self.descent.pace(at_checks, steps * CHECKS)
        missed = pace - combined(self.stretch.at_checks, self.pace)
        plus, minus = combined(self.stretch.missed[None], missed)[0]
        apart = minus - plus
        inside = self.descent.basis.T @ apart
        ends = self.descent.ramp.at(steps * np.array([0.0, 1.0]))
        moved = self.modes.turn.T @ (inside / self.descent.values)
        kept = self.modes.slowed(moved, ends[0], steps)
        if ends[1] > ends[0]:  # of each mode at least as much as at either
            kept = kept + self.modes.slowed(moved - kept, ends[1], steps)
        advance = np.abs(self.modes.linearisation.directions @ kept) / 2
        x = np.abs(self.descent.steps.step(self.start, self.descent.rate * ends[1])).max(axis=0)
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
    the middle of each, in the mean over two steps, with the step size of its end. Cost: 4 to 20 ms at N = 50, d = 100,
    for 15 to 80 strides.
    """
    left, pairs = warm_up.pairs_left, FIRST_STRIDE
    descent = replace(descent, ramp=warm_up.ramp(left))
    logs, drift, stride = np.log(np.abs(state.theta)), Drift.none(state.theta.shape[1]), None
    modes, enough = descent.modes(logs), REST * allowed
    for _ in range(MOST_STRIDES):
        if descent.leaving(logs, modes, limit, enough=enough) <= enough:
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
    at_nodes = over.sums.steps * over.sums.nodes
    r = descent.ramp.at(at_nodes)
    if not np.abs(foreseen).max() <= FARTHEST:
        return None
    squares = descent.squares(start + foreseen[MIDDLE], at_nodes[MIDDLE])
    if not np.isfinite(squares).all():
        return None
    modes = descent.modes_of(squares)
    if not modes.is_stable(r[-1]):
        return None
    sizes = PairSizes(rate=descent.rate, r=r, rise=descent.ramp.rise)
    found = descent.solver.settled(start, start + foreseen, sizes, over.to_nodes, modes.linearisation)
    if found is None:
        return None
    states, pace = found
    return Stride(descent=descent, modes=modes, start=start, stretch=over, states=states, pace=pace)


def tridiagonal(
    matrix: Float64[np.ndarray, "rank rank"],
) -> tuple[Float64[np.ndarray, " rank"], Float64[np.ndarray, " rank"], Float64[np.ndarray, "rank rank"]]:
    """The diagonal of T, what is below it and a 0, and Q of a symmetric matrix QTQᵀ, by Householder's reflections.

    Those of LAPACK's upper form, the faster one, are those of the lower form with rows and columns the other way round,
    whose Q it is that SciPy can make.
    """
    size = len(matrix)
    reduced, diagonal, below, factors, _ = dsytrd(matrix, lower=0)
    turn = np.eye(size)
    if size > 1:
        turn[:-1, :-1] = dorgqr(reduced[:-1, 1:][::-1, ::-1], factors[::-1])[0][::-1, ::-1]
    return diagonal, np.append(below, 0.0), turn
