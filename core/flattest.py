"""The flattest interpolator of the squared model (depth 2): least λ_max over Xβ = y, between proven bounds."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.bounds import trace_weights
from core.errors import SolverFailure
from core.interpolators import weighted_l1_bound
from core.linear_programme import least
from core.row_space import InterpolatorSet, interpolator_set
from core.sharpness import gram_matrix

GAP_TOLERANCE = 1e-7
"""Relative gap at which the search stops: far below what a step size is known to, well above what HiGHS resolves."""

MAX_ITERATIONS = 60
"""Most linear programmes. Two do where the data are far off centre; at mean 0 the gap is some per cent after these."""

CLUSTER = 0.1
"""Eigenvalues within this fraction of the top one give a cut too: the next optimum would bring them up."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flattest:
    """The flattest interpolator found, and between which bounds the least sharpness is proven to lie.

    `sharpness_upper` is λ_max at `predictor` (with u₊² = max(β, 0), u₋² = max(−β, 0), its flattest parameters);
    `sharpness_lower` holds for every interpolator. `residual` is max|Xβ − y|/max|y|.
    """

    predictor: Float64[np.ndarray, " dim"]
    sharpness_upper: float
    sharpness_lower: float
    iterations: int
    residual: float

    @property
    def gap(self) -> float:
        """(upper − lower)/upper, the relative uncertainty of the least sharpness; 0 where both are 0."""
        return (self.sharpness_upper - self.sharpness_lower) / (self.sharpness_upper or 1.0)

    @property
    def max_stable_step(self) -> float:
        """2/sharpness_upper: at any smaller step size, `predictor` is a stable interpolator. Infinite for y = 0."""
        return 2 / self.sharpness_upper if self.sharpness_upper > 0 else float("inf")

    @property
    def unstable_step(self) -> float:
        """2/sharpness_lower: at any larger step size, no interpolator is stable. Infinite where the bound is 0."""
        return 2 / self.sharpness_lower if self.sharpness_lower > 0 else float("inf")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Candidate:
    """The optimum of one linear programme: an interpolator, its spectrum, and the lower bound of the multipliers."""

    predictor: Float64[np.ndarray, " dim"]
    spectrum: Float64[np.ndarray, " sample"]
    vectors: Float64[np.ndarray, "sample sample"]
    lower: float


def flattest_interpolator(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> Flattest:
    """Minimise λ_max((4/N)·X diag|β| Xᵀ) over Xβ = y by cutting planes; a convex problem (derived here).

    λ_max = max over unit v of Σ w_i(v)|β_i| with w_i(v) = (4/N)(x_(i)ᵀv)². Each round solves the linear programme
    min t, t ≥ Σ w_i(v)|β_i| for the v met so far, and adds the top eigenvectors at its optimum. The multipliers π of
    its cuts give P = Σ π_k v_k v_kᵀ ⪰ 0 with tr P = 1, hence λ_max ≥ Σ w_i(P)|β_i| for every β, and a ν scaled to
    |Xᵀν| ≤ w(P) proves yᵀν ≤ λ_max of every interpolator, whatever the tolerance of the solver. Never raises for a
    large gap: the bounds say how much is known.

    Raises:
        NoInterpolator: Xβ = y has no solution.
    """
    space = interpolator_set(X, y)
    predictor = space.nearest_to_zero
    upper, lower, rounds = _spectrum(space, predictor)[0][-1], 0.0, 0
    for candidate in _search(space):
        rounds += 1
        lower = max(lower, candidate.lower)
        if candidate.spectrum[-1] < upper:
            predictor, upper = candidate.predictor, candidate.spectrum[-1]
        if upper - lower <= GAP_TOLERANCE * upper:
            break
    return Flattest(
        predictor=predictor,
        sharpness_upper=float(upper),
        sharpness_lower=lower,
        iterations=rounds,
        residual=space.residual(predictor),
    )


def _search(space: InterpolatorSet) -> Iterator[_Candidate]:
    """The optima of at most 60 linear programmes, each with the cuts of those before it."""
    if not space.coordinates.any():
        return
    # the mean direction is nearly optimal off centre; P = I/N keeps every coordinate's price positive
    constant = np.full((1, len(space.y)), len(space.y) ** -0.5)
    cuts = np.vstack([_weights(space.X, constant), trace_weights(space.X) / len(space.y)])
    for _ in range(MAX_ITERATIONS):
        try:
            candidate = _optimum(space, cuts)
        except SolverFailure:  # the bounds found so far stand without it
            return
        yield candidate
        top = candidate.spectrum >= (1 - CLUSTER) * candidate.spectrum[-1]
        cuts = np.vstack([cuts, _weights(space.X, candidate.vectors[:, top].T)])


def _optimum(space: InterpolatorSet, cuts: Float64[np.ndarray, "cut dim"]) -> _Candidate:
    """Minimise the largest Σ w_ki|β_i| over the cuts k, in units where predictor and weights are of order 1."""
    size, price = float(np.linalg.norm(space.coordinates)), float(cuts.max())
    rank, ones = len(space.coordinates), np.ones((len(cuts), 1))
    solution = least(
        np.append(np.zeros(2 * len(space.basis)), 1.0),
        equal=(np.hstack([space.basis.T, -space.basis.T, np.zeros((rank, 1))]), space.coordinates / size),
        at_most=(np.hstack([cuts / price, cuts / price, -ones]), np.zeros(len(cuts))),
    )
    positive, negative = np.split(solution.minimiser[:-1], 2)
    predictor = space.polished(size * (positive - negative))
    spectrum, vectors = _spectrum(space, predictor)
    mixture = np.maximum(-solution.inequality_multipliers, 0)
    weights = (mixture / mixture.sum()) @ cuts
    dual = space.to_dual @ (price * solution.equality_multipliers)
    lower = weighted_l1_bound(space.X, space.y, weights, dual)
    return _Candidate(predictor=predictor, spectrum=spectrum, vectors=vectors, lower=lower)


def _weights(
    X: Float64[np.ndarray, "sample dim"], vectors: Float64[np.ndarray, "cut sample"]
) -> Float64[np.ndarray, "cut dim"]:
    weights: Float64[np.ndarray, "cut dim"] = 4 / len(X) * np.square(vectors @ X)
    return weights


def _spectrum(
    space: InterpolatorSet, predictor: Float64[np.ndarray, " dim"]
) -> tuple[Float64[np.ndarray, " sample"], Float64[np.ndarray, "sample sample"]]:
    values, vectors = np.linalg.eigh(gram_matrix(space.X, np.abs(predictor)))
    return values, vectors
