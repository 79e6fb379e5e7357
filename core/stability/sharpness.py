"""Sharpness λ_max, the largest eigenvalue of the Hessian of the training loss, with eigenpairs that prove it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network
from core.stability.davidson import top_eigenpairs
from core.stability.hessian import Hessians, hessian, hessians
from core.stability.max_stable_step import max_stable_step
from core.stability.secular_equation import largest_by_secular_equation
from core.stability.small_secular_equations import SMALL, largest_by_secular_equations

MOST_DENSE: Final = 256
"""Largest size of a single Hessian whose whole spectrum is computed: 5 ms, and nothing can be missed."""

MOST_SECULAR: Final = 128
"""Most samples or dimensions with which its secular equation is solved: beyond, spectra take longer than products."""

SECULAR_TOLERANCE: Final = 1e-11
"""Largest residual of a pair that is found so."""

TOLERANCE: Final = 1e-6
"""‖Hv − λv‖/‖H‖ at which the sharpness along a trajectory is settled; its error is of the order of the square."""

FINE_TOLERANCE: Final = 1e-11
"""The same for a single large Hessian, whose residual is reported."""

STATES_TOGETHER: Final = 64
"""States that are looked at together: their spaces then stay in the second-level cache."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Eigenpair:
    """The largest eigenvalue of a symmetric matrix M, its unit vector v, and residual = ‖Mv − λv‖/|λ|.

    Some eigenvalue of M lies within residual·|λ| of `value`. Value and residual are NaN where M is not finite.
    """

    value: float
    vector: Float64[np.ndarray, " order"]
    residual: float


def top_eigenpair(matrix: Float64[np.ndarray, "order order"]) -> Eigenpair:
    """The eigenpair of the largest (algebraic, not absolute) eigenvalue of a symmetric matrix, by its whole spectrum.

    Where eigenvalues cluster, as they do at flat interpolators, Lanczos gains nothing.
    """
    return _with_spectrum(matrix)[0]


def _with_spectrum(
    matrix: Float64[np.ndarray, "order order"],
) -> tuple[Eigenpair, Float64[np.ndarray, " order"]]:
    if not np.isfinite(matrix).all():
        nothing = np.full(len(matrix), np.nan)
        return Eigenpair(value=float("nan"), vector=nothing, residual=float("nan")), nothing
    values, vectors = np.linalg.eigh(matrix)
    value, vector = float(values[-1]), vectors[:, -1]
    return _eigenpair(value, vector, float(np.linalg.norm(matrix @ vector - value * vector))), values


def interpolator_sharpness_of(
    X: Float64[np.ndarray, "sample dim"], tangent_weights: Float64[np.ndarray, " dim"]
) -> Eigenpair:
    """λ_max of the Hessian of any network where Xβ = y, of whose two terms only the Gram matrix is left there.

    With c the network's `tangent_weights`, (1/N)·X diag(c) Xᵀ and (1/N)·diag(√c) XᵀX diag(√c) share their nonzero
    spectrum; the smaller of the two is solved, so the vector has min(N, d) entries. Cost O(Nd·min(N, d)). Away from an
    interpolator this is the sharpness of the Gauss-Newton matrix, not of the loss.
    """
    return interpolator_spectrum_of(X, tangent_weights)[0]


def interpolator_spectrum_of(
    X: Float64[np.ndarray, "sample dim"], tangent_weights: Float64[np.ndarray, " dim"]
) -> tuple[Eigenpair, Float64[np.ndarray, " order"]]:
    """`interpolator_sharpness_of`, and the min(N, d) eigenvalues of the smaller matrix in ascending order."""
    with np.errstate(all="ignore"):  # what overflows is NaN
        scaled = X * np.sqrt(tangent_weights / len(X))
        return _with_spectrum(scaled @ scaled.T if len(X) <= X.shape[1] else scaled.T @ scaled)


def ascended_sharpness_of(
    X: Float64[np.ndarray, "sample dim"], tangent_weights: Float64[np.ndarray, " dim"], rho: float
) -> float:
    """λ_max of Ê[(1 + ρ‖a_k‖²)a_k a_kᵀ], a_k the gradient of the k-th prediction; the sharpness at ρ = 0."""
    weights = 1 + rho * (np.square(X) @ tangent_weights)
    return interpolator_sharpness_of(X * np.sqrt(weights)[:, None], tangent_weights).value


def top_hessian_eigenpair(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
    *,
    expected: float | None = None,
) -> Eigenpair:
    """λ_max of the full Hessian at one state of any network, anywhere, with its vector in θ (part by part).

    As `top_hessian_eigenpairs` says.
    """
    values = None if expected is None else np.array([expected])
    return top_hessian_eigenpairs(X, y, theta[:, None], network, expected=values)[0]


def top_hessian_eigenpairs(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part run dim"],
    network: Network,
    *,
    expected: Float64[np.ndarray, " run"] | None = None,
) -> list[Eigenpair]:
    """The same at many states of one network; no bit of one depends on the others.

    Equal to `interpolator_sharpness_of` where Xβ = y. Where N or d is at most 128, by its secular equation
    (`core.stability.secular_equation`), with a proof that nothing is missed. Where that does not settle, the whole
    spectrum up to a size parts·d of 256, and beyond it `core.stability.davidson`, whose residual is the proof that the
    value is an eigenvalue, though none that it is the largest. 20 µs a state where N and d are a few; .4 ms at N = 50,
    d = 100, .25 ms where its value is `expected`, which need not be right.
    """
    pairs = list[Eigenpair]()
    with np.errstate(all="ignore"):  # what overflows is NaN
        every = hessians(X, y, theta, network)
        for first in range(0, theta.shape[1], STATES_TOGETHER):
            some = slice(first, first + STATES_TOGETHER)
            matrices = every.of(some)
            found = _by_secular_equation(matrices, None if expected is None else expected[some])
            for place, pair in enumerate(found):
                state, matrix = np.ascontiguousarray(theta[:, first + place]), matrices.of(slice(place, place + 1))
                pairs.append(pair or _by_all_means(matrix, X, y, state, network))
    return pairs


def _by_secular_equation(matrices: Hessians, expected: Float64[np.ndarray, " run"] | None) -> list[Eigenpair | None]:
    """What it finds, where that is an eigenpair."""
    order, states = min(matrices.X.shape), range(len(matrices.slopes))
    if order > MOST_SECULAR:
        return [None for _ in states]
    if order <= SMALL:
        found = largest_by_secular_equations(matrices)
    else:
        scaled = [None] * len(states) if expected is None else np.ldexp(expected, -2 * matrices.exponent).tolist()
        found = [largest_by_secular_equation(matrices.of(slice(state, state + 1)), scaled[state]) for state in states]
    values = np.array([np.nan if pair is None else pair[0] for pair in found])
    nothing = np.zeros(matrices.diagonal.shape[1])
    vectors = np.array([nothing if pair is None else pair[1] for pair in found])
    off = matrices.product(vectors) - values[:, None] * vectors
    errors, restored = np.sqrt(np.vecdot(off, off)), matrices.restored(vectors)
    is_settled = errors <= SECULAR_TOLERANCE * np.abs(values)
    values, errors = np.ldexp(values, 2 * matrices.exponent), np.ldexp(errors, 2 * matrices.exponent)
    return [
        _eigenpair(float(values[run]), restored[run], float(errors[run])) if is_settled[run] else None for run in states
    ]


def _by_all_means(
    matrix: Hessians,
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
) -> Eigenpair:
    """By its whole spectrum, or by iteration."""
    if theta.size <= MOST_DENSE:
        return top_eigenpair(hessian(X, y, theta, network))
    pairs = top_eigenpairs(matrix, matrix.start(), tolerance=FINE_TOLERANCE)
    return _restored(matrix, pairs.value[0], pairs.vector, pairs.residual[0])


def _restored(
    matrices: Hessians, value: float, vector: Float64[np.ndarray, "run parameter"], error: float
) -> Eigenpair:
    """In the units and the parameters of the network."""
    value, error = np.ldexp([value, error], 2 * matrices.exponent[0])
    return _eigenpair(float(value), matrices.restored(vector)[0], float(error))


def trajectory_sharpness(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part run dim"],
    network: Network,
) -> Float64[np.ndarray, " run"]:
    """λ_max of the full Hessian at the present state of every run, NaN where a run has overflowed.

    The reference of `core.descent.native.sharpness`, and what records where nothing is compiled. Never above the true
    value, and below it by 10⁻⁶·‖H‖ at most and 10⁻¹²·‖H‖ as a rule; but a coordinate of vanishing slope is an
    eigenvector by itself, and where its eigenvalue is nearly the largest, the search may take it for the largest. The
    bits of a run's value depend on its own state alone.
    At N = 50, d = 100: 50 to 200 µs a run among 64, 1 to 2 ms alone.
    """
    values = np.empty(theta.shape[1])
    with np.errstate(all="ignore"):
        every = hessians(X, y, theta, network)
        for first in range(0, len(values), STATES_TOGETHER):
            matrices = every.of(slice(first, first + STATES_TOGETHER))
            pairs = top_eigenpairs(matrices, matrices.start(), tolerance=TOLERANCE)
            values[first : first + STATES_TOGETHER] = np.ldexp(pairs.value, 2 * matrices.exponent)
    return values


def _eigenpair(value: float, vector: Float64[np.ndarray, " order"], error: float) -> Eigenpair:
    return Eigenpair(value=value, vector=vector, residual=error / (abs(value) or 1.0))


def stable_step_at(sharpness: Eigenpair) -> float | None:
    """2/λ_max, up to which gradient descent is stable at a point; None where λ_max ≤ 0 or is not known to 1e-6."""
    if not sharpness.residual <= TOLERANCE:  # nor where it is NaN
        return None
    step = max_stable_step(sharpness.value)
    return step if 0 < step < np.inf else None
