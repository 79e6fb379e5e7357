"""The flattest interpolator of a diagonal network: least λ_max over Xβ = y, between proven bounds."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.errors import SolverFailure
from core.interpolators.equilibration import Equilibrated, equilibrated
from core.interpolators.interior_point import Optimum, optimum_of
from core.interpolators.leading_directions import optimum_on_leading_directions
from core.interpolators.power_law import EPSILON, PowerLaw, power_sum_bound, tangent_weight_law
from core.interpolators.spectral_programme import SpectralProgramme
from core.networks.network import Network


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flattest:
    """The flattest interpolator found, and between which bounds the least sharpness is proven to lie.

    `sharpness_upper` is λ_max at `predictor` with its flattest parameters θ ≥ 0; `sharpness_lower` holds for every
    interpolator of the network with θ ≥ 0, so that none is stable at a step size above 2/sharpness_lower. Where the
    sign of θ is free, both are multiplied by `sign_freedom`, which is less than 1 at odd depth alone. `residual` is
    max|Xβ − y|/max|y|.
    """

    predictor: Float64[np.ndarray, " dim"]
    sharpness_upper: float
    sharpness_lower: float
    sign_freedom: float
    iterations: int
    residual: float

    @property
    def gap(self) -> float:
        """(upper − lower)/upper, the relative uncertainty of the least sharpness; 0 where both are 0."""
        return (self.sharpness_upper - self.sharpness_lower) / (self.sharpness_upper or 1.0)

    @property
    def sign_free_upper(self) -> float:
        """λ_max at `predictor` with its flattest parameters of any sign: at odd depth u₊^D = −u₋^D = β/2."""
        return self.sign_freedom * self.sharpness_upper

    @property
    def sign_free_lower(self) -> float:
        """The lower bound for parameters of any sign."""
        return self.sign_freedom * self.sharpness_lower


def flattest_interpolator(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], network: Network
) -> Flattest:
    """Minimise λ_max((1/N)·X diag(c) Xᵀ) over Xβ = y, with c_i = κ|β_i|^p, the least tangent weights.

    Convex for every p ≥ 1, that is for every degree ≥ 2 (derived here): with w_i(P) = (κ/N)·x_(i)ᵀPx_(i) for P ⪰ 0 of
    trace 1, the sharpness is the maximum over P of Σ w_i(P)|β_i|^p. So each P with any ν proves a lower bound by
    Hölder's inequality, whatever the tolerance of the solver, and each interpolator an upper one. Found by an
    interior-point method in P and β at once (`core.interpolators`), to which clusters of top eigenvalues, as centred
    data have them, make no difference; at larger sizes first among the P of few directions
    (`core.interpolators.leading_directions`). Never raises for a large gap: the bounds say how much is known.

    Cost: ten to twenty-five iterations of O(d³ + d²N), or of O(dN⁴) where d exceeds N²/2 (`optimum_of`).

    Raises:
        NoInterpolator: Xβ = y has no solution.
    """
    problem, law = equilibrated(X, y), tangent_weight_law(network)
    predictor, lower, iterations = problem.predictor(problem.space.nearest_to_zero), 0.0, 0
    upper = _sharpness(X, network, predictor)
    found = _optimum(problem, law.power)
    if found is not None:
        iterations, lower = found.iterations, _proven_bound(X, y, law, found)
        sharpness = _sharpness(X, network, found.predictor)
        if sharpness < upper:
            predictor, upper = found.predictor, sharpness
    return Flattest(
        predictor=predictor,
        sharpness_upper=upper,
        sharpness_lower=min(lower, upper),  # λ_max is known to rounding only: what exceeds it is no knowledge
        sign_freedom=law.sign_freedom if network.degree % 2 else 1.0,
        iterations=iterations,
        residual=problem.residual(predictor),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Found:
    """An interpolator, and a factor L of P = LLᵀ (of any trace) and a ν for the bound."""

    predictor: Float64[np.ndarray, " dim"]
    factor: Float64[np.ndarray, "sample rank"]
    dual: Float64[np.ndarray, " sample"]
    iterations: int


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # what is found is judged afterwards, not trusted
def _optimum(problem: Equilibrated, power: float) -> _Found | None:
    """The optimum in units where target and columns are of order 1; none for y = 0, or where float64 does not suffice.

    With β = β'/length the columns are x_(i)/length^(p/2), in an orthonormal basis of the column space of X.
    """
    space = problem.space
    size = float(np.linalg.norm(space.coordinates))
    if size == 0:
        return None
    frame = space.to_dual / np.linalg.norm(space.to_dual, axis=0)
    columns = (frame.T @ space.X) * (problem.lengths / problem.lengths.max()) ** (1 - power / 2)
    programme = SpectralProgramme(columns=columns, basis=space.basis, target=space.coordinates / size, power=power)
    try:
        optimum = _on_leading_directions(programme) or optimum_of(programme)
        values, vectors = np.linalg.eigh(optimum.dual_matrix)
    except np.linalg.LinAlgError:
        return None
    factor = frame @ (vectors * np.sqrt(np.maximum(values, 0)))
    return _Found(
        predictor=problem.predictor(size * optimum.predictor),
        factor=factor,
        dual=space.to_dual @ optimum.multipliers,
        iterations=optimum.iterations,
    )


def _on_leading_directions(programme: SpectralProgramme) -> Optimum | None:
    try:
        return optimum_on_leading_directions(programme)
    except (np.linalg.LinAlgError, SolverFailure):
        return None


def _proven_bound(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], law: PowerLaw, found: _Found
) -> float:
    """The lower bound by P = LLᵀ/‖L‖² and ν, with the rounding of the dual weights charged against it."""
    reach = np.abs(found.factor.T @ X)
    rounding = len(X) * EPSILON * (np.abs(found.factor).T @ np.abs(X))
    forms = np.square(np.maximum(reach - rounding, 0)).sum(axis=0) / np.square(found.factor).sum()
    weights = law.coefficient / len(X) * forms * (1 - 4 * found.factor.size * EPSILON)
    return power_sum_bound(X, y, weights, found.dual, law.power)


def _sharpness(X: Float64[np.ndarray, "sample dim"], network: Network, predictor: Float64[np.ndarray, " dim"]) -> float:
    """λ_max at the flattest parameters θ ≥ 0 of an interpolator, from the smaller of the two Gram matrices."""
    scaled = X * np.sqrt(network.least_tangent_weights(predictor) / len(X))
    gram = scaled @ scaled.T if len(X) <= X.shape[1] else scaled.T @ scaled
    return float(np.linalg.eigvalsh(gram)[-1])
