"""A stride: a stretch of steps as the sum of what three pairs of them add, and what that misses.

The limit of a run is moved by Σx² over the steps that it takes, so that what a sum misses of ln A and δ of the
conserved form is an error of the limit. What it misses along the row space moves the run on its way alone, but for
2x∘ε.
Derivation: docs/science/completion.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dorgqr, dsytrd

from core.completion.stages import AGAINST, FARTHEST, Linearisation, NumpyStages, PairSizes, combined
from core.completion.summation import CHECKS, Stretch
from core.completion.warm_up import Ramp
from core.data.row_space import InterpolatorSet
from core.implicit_bias.log_steps import Logs, Modes, Stages, Stride, Way

MIDDLE: Final = 1
"""The node for which modes are found."""


class StrideSolver(Protocol):
    """What makes strides on one problem."""

    def stride(self, way: Way, over: Stretch, before: tuple[Stretch, Stages] | None) -> Stride | None:
        """The stretch from the beginning of the way on, `before` being the one that led there with its pace.

        None where Newton steps do not settle, or the run may not be stable in the mean over two steps at the middle,
        with the step size of the end.
        """
        ...


MakeSolver = Callable[[Float64[np.ndarray, "dim rank"], Float64[np.ndarray, " rank"]], StrideSolver]
"""From `root` and `target`."""


@dataclass(frozen=True, slots=True, eq=False)
class NumpyStrides:
    """The reference of `core.descent.native.strides`, and what works where nothing is compiled.

    With X = UΣVᵀ, `root` is VΣ and `target` is Uᵀy, so that rootᵀβ − target are the residuals.
    """

    root: Float64[np.ndarray, "dim rank"]
    target: Float64[np.ndarray, " rank"]

    @classmethod
    def of(cls, space: InterpolatorSet) -> Self:
        """On the data of a set of interpolators."""
        values = 1 / np.linalg.norm(space.to_dual, axis=0)
        return cls(space.basis * values, values * space.coordinates)

    @property
    def stages(self) -> NumpyStages:
        """The equations."""
        return NumpyStages(self.root, self.target)

    def pace(self, way: Way, logs: Stages, pairs: Float64[np.ndarray, " node"]) -> Stages:
        """What the two steps of these pairs add."""
        return self.stages.pace(logs, _sizes(way, pairs))

    def squares(self, way: Way, logs: Logs, pairs: float = 0.0) -> Logs:
        """u±² in the mean over this state and the next."""
        step = self.stages.step(logs, way.rate * (way.level + way.slope * pairs))
        squares: Logs = np.exp(2 * logs) * (1 + np.exp(2 * step)) / 2
        return squares

    def gram(self, rate: float, squares: Logs) -> Float64[np.ndarray, "rank rank"]:
        """η times the Gram matrix of u±²."""
        gram: Float64[np.ndarray, "rank rank"] = (self.root.T * (2 * rate * squares.sum(axis=0))) @ self.root
        return gram

    def modes(self, way: Way) -> Modes:
        """Those at the beginning of the way."""
        diagonal, below, _ = tridiagonal(self.gram(way.rate, self.squares(way, way.logs)))
        return Modes(diagonal=diagonal, below=below)

    def rest(self, way: Way, logs: Logs) -> tuple[float, float]:
        """`least` and `step` of a `Stride` that ends there."""
        missing, weights = self.stages.missing(logs), np.exp(2 * logs).sum(axis=0)
        least = way.rate / 4 * float(np.square(missing).sum()) * max(1.0, float((way.limit[0] / weights).max()))
        return least, way.rate * float(np.abs(missing @ self.root.T).max())

    def stride(self, way: Way, over: Stretch, before: tuple[Stretch, Stages] | None) -> Stride | None:
        """As `StrideSolver.stride`."""
        at_nodes = over.sums.steps * over.sums.nodes
        change = self._foreseen(way, over, before)
        if not np.abs(change).max() <= FARTHEST:
            return None
        squares = self.squares(way, way.logs + change[MIDDLE], at_nodes[MIDDLE])
        if not np.isfinite(squares).all():
            return None
        gram = self.gram(way.rate, squares)
        diagonal, below, turn = tridiagonal(gram)
        modes, sizes = Modes(diagonal=diagonal, below=below), _sizes(way, at_nodes)
        if not modes.is_stable(sizes.r[-1]):
            return None
        linearisation = Linearisation(matrix=gram, directions=self.root, slopes=-2 * way.rate * squares * AGAINST)
        found = self.stages.settled(way.logs, way.logs + change, sizes, over.to_nodes, linearisation)
        if found is None:
            return None
        states, pace = found
        moved, along = self._missed(way, over, pace, modes, turn)
        least, step = self.rest(way, states[-1])
        return Stride(
            states=states,
            pace=pace,
            modes=modes,
            moved=moved,
            distance=float(np.linalg.norm(moved)),
            along=along,
            least=least,
            step=step,
        )

    def _foreseen(self, way: Way, over: Stretch, before: tuple[Stretch, Stages] | None) -> Stages:
        """What p changes by up to the nodes, if its pace goes on as it does."""
        if before is None:
            pace = self.pace(way, way.logs[None], np.zeros(1))[0]
            return np.asarray(over.sums.steps * np.multiply.outer(over.sums.nodes, pace))
        last, pace = before
        weights = last.sums.sums_to(1 + over.sums.nodes * (over.sums.steps / last.sums.steps)) - last.to_nodes[-1]
        return combined(weights, pace)

    def _missed(
        self, way: Way, over: Stretch, pace: Stages, modes: Modes, turn: Float64[np.ndarray, "rank rank"]
    ) -> tuple[Float64[np.ndarray, " dim"], float]:
        """To first order the sum over the stretch of what the quadratics of its pace miss: `moved` and `along`."""
        steps, shares = over.sums.steps, 1 / np.square(self.root).sum(axis=0)
        missed = self.pace(way, way.logs + combined(over.to_checks, pace), steps * CHECKS) - combined(
            over.at_checks, pace
        )
        plus, minus = combined(over.missed[None], missed)[0]
        apart = minus - plus
        inside = shares * (self.root.T @ apart)
        seen, end = turn.T @ inside, way.level + way.slope * steps
        kept = modes.slowed(seen, way.level, steps)
        if end > way.level:  # of each mode at least as much as at either
            kept = kept + modes.slowed(seen - kept, end, steps)
        advance = np.abs(self.root @ (turn @ kept)) / 2
        x = np.abs(self.stages.step(way.logs, way.rate * end)).max(axis=0)
        shrinkage = np.abs(plus + minus) + 2 * x * advance
        asymmetry = np.abs(apart - self.root @ inside)
        return way.limit[0] * shrinkage + way.limit[1] * asymmetry, float(advance.max())


def _sizes(way: Way, pairs: Float64[np.ndarray, " node"]) -> PairSizes:
    ramp = Ramp(level=way.level, slope=way.slope)
    return PairSizes(rate=way.rate, r=ramp.at(pairs), rise=ramp.rise)


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
