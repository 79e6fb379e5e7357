"""Spectral programmes whose optimal P has few directions: it is looked for among leading eigenvectors only.

Where data are far off centre one eigenvalue of A diag|β|^p Aᵀ stands above all others, and the best dual matrix is that
of one direction or a few. Every P = VQVᵀ proves a bound, V any orthonormal directions, and the programme with
columns VᵀA finds the best of these at the cost of a linear programme. Its β shows which directions are missing.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

from core.interpolators.interior_point import TOLERANCE, Optimum, optimum_of
from core.interpolators.spectral_programme import SpectralProgramme
from core.interpolators.weighted_l1 import LARGE, least_weighted_l1

MOST_ADDED: Final = 20
"""Directions that are added in a round. With more than that near the top the whole programme is faster."""

NEAR_TOP: Final = 0.3
"""Relative distance from the largest eigenvalue within which a direction is added."""

LEAST_PROGRESS: Final = 0.1
"""Part of the gap that a round may leave: four to six rounds do, or the whole programme is faster."""

CARE: Final = 0.03
"""Tolerance of a round, as a part of the gap before it."""

FEW: Final = 4
"""Most directions of a P that is on its way to a vertex: one or two at mean 5; with five at mean 1 it is not."""

VERTEX_GAP: Final = 1e-4
"""At p = 1, the gap from which the top direction alone is tried with a vertex, which has no tolerance."""

Directions = Float64[np.ndarray, "order _kept"]


def optimum_on_leading_directions(programme: SpectralProgramme) -> Optimum | None:
    """The optimum to the same gap as that of `optimum_of`; None for small programmes, and where this is no way there.

    Raises:
        numpy.linalg.LinAlgError: rounding has spoilt a round.
        SolverFailure: a linear programme was not solved.
    """
    if programme.basis.size < LARGE:
        return None
    search, directions, gap = _Search(programme), np.empty((len(programme.columns), 0)), 1.0
    while True:
        if programme.power > 1 or gap > VERTEX_GAP:
            directions = search.try_directions(np.linalg.qr(np.hstack([directions, search.leading(gap)]))[0], gap)
        elif directions.shape[1] <= FEW:
            search.try_vertex()
        before, gap = gap, search.best.gap
        if gap <= TOLERANCE:
            return search.best
        if gap > LEAST_PROGRESS * before:
            return None


class _Search:
    """The best of both sides so far, and the spectrum of A diag|β|^p Aᵀ at the last β."""

    def __init__(self, programme: SpectralProgramme) -> None:
        order = len(programme.columns)
        self._programme = programme
        self.best = Optimum(
            predictor=programme.basis @ programme.target,
            upper=np.inf,
            dual_matrix=np.eye(order) / order,
            multipliers=np.zeros_like(programme.target),
            lower=0.0,
            iterations=0,
        )
        self._look_at(self.best)

    def leading(self, gap: float) -> Directions:
        """The eigenvectors near the top, or as near to it as the optimum may be."""
        near = self._values > (1 - max(NEAR_TOP, gap)) * self._values[-1]
        return self._vectors[:, -min(MOST_ADDED, int(near.sum())) :]

    def try_directions(self, directions: Directions, gap: float) -> Directions:
        """Solve the programme on these directions; those that its P needs."""
        programme = self._programme
        found = optimum_of(
            SpectralProgramme(
                columns=directions.T @ programme.columns,
                basis=programme.basis,
                target=programme.target,
                power=programme.power,
            ),
            max(TOLERANCE / 2, CARE * gap),
        )
        values, turn = np.linalg.eigh(found.dual_matrix)
        self._look_at(
            Optimum(
                predictor=found.predictor,
                upper=found.upper,
                dual_matrix=directions @ found.dual_matrix @ directions.T,
                multipliers=found.multipliers,
                lower=found.lower,
                iterations=found.iterations,
            )
        )
        kept: Directions = directions @ turn[:, values > 1e-4 * gap * values[-1]]
        return kept

    def try_vertex(self) -> None:
        """Solve the programme on the top direction of the last β exactly."""
        programme, top = self._programme, self._vectors[:, -1]
        dual_weights = np.square(top @ programme.columns)
        vertex = least_weighted_l1(programme.basis, programme.target, dual_weights / dual_weights.max())
        self._look_at(
            Optimum(
                predictor=vertex.predictor,
                upper=np.inf,
                dual_matrix=np.outer(top, top),
                multipliers=vertex.multipliers,
                lower=programme.lower(dual_weights, vertex.multipliers),
                iterations=1,
            )
        )

    def _look_at(self, found: Optimum) -> None:
        """Judge β by the whole spectrum, and keep what is better on either side."""
        programme, best = self._programme, self.best
        gram = programme.gram(np.abs(found.predictor) ** programme.power)
        self._values, self._vectors = np.linalg.eigh(gram)
        flatter = self._values[-1] < best.upper
        tighter = found.lower > best.lower
        self.best = Optimum(
            predictor=found.predictor if flatter else best.predictor,
            upper=float(self._values[-1]) if flatter else best.upper,
            dual_matrix=found.dual_matrix if tighter else best.dual_matrix,
            multipliers=found.multipliers if tighter else best.multipliers,
            lower=found.lower if tighter else best.lower,
            iterations=best.iterations + found.iterations,
        )
