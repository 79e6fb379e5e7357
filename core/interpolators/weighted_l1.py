"""The least Σ w_i|β_i| over basisᵀβ = target: a vertex, by dual simplex or, where that is large, by interior points."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int

from core.interpolators.interior_point import optimum_of
from core.interpolators.linear_programme import least
from core.interpolators.spectral_programme import SpectralProgramme

LARGE: Final = 20_000
"""Entries of the basis from which interior points are faster: 20 ms, not 13, at 50×100, .3 s, not 3, at 300×1000."""

FEASIBLE: Final = 1e-11
"""By how much |basis·κ| may exceed w, and basisᵀβ miss the target, at an optimum: the simplex leaves 1e-10."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Vertex:
    """A minimiser with no more nonzero entries than there are equations, and its multipliers κ: |basis·κ| ≤ w."""

    predictor: Float64[np.ndarray, " dim"]
    multipliers: Float64[np.ndarray, " rank"]


def least_weighted_l1(
    basis: Float64[np.ndarray, "dim rank"], target: Float64[np.ndarray, " rank"], weights: Float64[np.ndarray, " dim"]
) -> Vertex:
    """Minimise Σ w_i|β_i| over basisᵀβ = target, with orthonormal columns in `basis`, ‖target‖ = 1 and max w = 1.

    Raises:
        SolverFailure: the linear programme was not solved.
    """
    vertex = _by_interior_points(basis, target, weights) if basis.size >= LARGE and (weights > 0).all() else None
    return _by_simplex(basis, target, weights) if vertex is None else vertex


def _by_simplex(
    basis: Float64[np.ndarray, "dim rank"], target: Float64[np.ndarray, " rank"], weights: Float64[np.ndarray, " dim"]
) -> Vertex:
    solution = least(np.tile(weights, 2), np.hstack([basis.T, -basis.T]), target)
    positive, negative = np.split(solution.minimiser, 2)
    predictor = positive - negative
    return Vertex(predictor=predictor, multipliers=_exact(basis, weights, predictor, solution.multipliers))


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # a vertex is judged afterwards, not trusted
def _by_interior_points(
    basis: Float64[np.ndarray, "dim rank"], target: Float64[np.ndarray, " rank"], weights: Float64[np.ndarray, " dim"]
) -> Vertex | None:
    """The vertex that the end of the central path points to; None where it points to none that is proven optimal.

    As a spectral programme of order 1, λ_max is Σ w_i|β_i| itself.
    """
    programme = SpectralProgramme(columns=np.sqrt(weights)[None], basis=basis, target=target, power=1.0)
    try:
        optimum = optimum_of(programme)
    except np.linalg.LinAlgError:
        return None
    if not optimum.lower > 0:
        return None
    multipliers = optimum.multipliers * (optimum.upper / float(target @ optimum.multipliers))
    slack = 1 - np.abs(basis @ multipliers) / weights
    shares = weights * np.abs(optimum.predictor) / optimum.upper
    for support in _candidates(slack, shares, len(target)):
        predictor = _supported(basis, target, support)
        if predictor is not None:
            exact = _exact(basis, weights, predictor, multipliers)
            if (np.abs(basis @ exact) - weights).max() <= FEASIBLE:
                return Vertex(predictor=predictor, multipliers=exact)
    return None


def _candidates(
    slack: Float64[np.ndarray, " dim"], shares: Float64[np.ndarray, " dim"], rank: int
) -> Iterator[Int[np.ndarray, " kept"]]:
    """Where the share of a coordinate in Σ w_i|β_i|, on average 1/rank, is larger than its slack 1 − |s_i|/w_i.

    Exactly one of the two vanishes at the end of the path, unless minimisers tie. Should one more or one less have been
    taken at a vertex that is not degenerate, it is the `rank` least slacks that vanish there.
    """
    yield np.flatnonzero(rank * shares > slack)
    yield np.sort(np.argsort(slack, kind="stable")[:rank])


def _supported(
    basis: Float64[np.ndarray, "dim rank"], target: Float64[np.ndarray, " rank"], support: Int[np.ndarray, " kept"]
) -> Float64[np.ndarray, " dim"] | None:
    """The only β with this support that fits; None where there is none, or more than one."""
    values, _, rank, _ = np.linalg.lstsq(basis[support].T, target)
    missing = target - basis[support].T @ values
    if rank < support.size or np.abs(missing).max() > FEASIBLE:
        return None
    predictor = np.zeros(len(basis))
    predictor[support] = values
    return predictor


def _exact(
    basis: Float64[np.ndarray, "dim rank"],
    weights: Float64[np.ndarray, " dim"],
    predictor: Float64[np.ndarray, " dim"],
    multipliers: Float64[np.ndarray, " rank"],
) -> Float64[np.ndarray, " rank"]:
    """The multipliers made to say basis·κ = w∘sgn(β) on the support to rounding, not to a solver's tolerance only."""
    subgradient = np.sign(predictor) * weights
    support = np.flatnonzero(subgradient)
    missing = (subgradient - basis @ multipliers)[support]
    exact: Float64[np.ndarray, " rank"] = multipliers + np.linalg.lstsq(basis[support], missing)[0]
    return exact
