"""Sharpness λ_max of the training loss of the squared model β = u₊² − u₋² (depth 2), with eigenpairs that prove it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.networks import Network


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Eigenpair:
    """The largest eigenvalue of a symmetric matrix M, its unit vector v, and residual = ‖Mv − λv‖/|λ|.

    Some eigenvalue of M lies within residual·|λ| of `value`. Value and residual are NaN where M is not finite.
    """

    value: float
    vector: Float64[np.ndarray, " size"]
    residual: float


def top_eigenpair(matrix: Float64[np.ndarray, "size size"]) -> Eigenpair:
    """The eigenpair of the largest (algebraic, not absolute) eigenvalue of a symmetric matrix.

    The whole spectrum by `eigh`: where eigenvalues cluster, as they do at flat interpolators, Lanczos gains nothing.
    """
    if not np.isfinite(matrix).all():
        return Eigenpair(value=float("nan"), vector=np.full(len(matrix), np.nan), residual=float("nan"))
    values, vectors = np.linalg.eigh(matrix)
    value, vector = float(values[-1]), vectors[:, -1]
    error = float(np.linalg.norm(matrix @ vector - value * vector))
    return Eigenpair(value=value, vector=vector, residual=error / (abs(value) or 1.0))


def gram_matrix(
    X: Float64[np.ndarray, "sample dim"], z: Float64[np.ndarray, " dim"]
) -> Float64[np.ndarray, "sample sample"]:
    """(4/N)·X diag(z) Xᵀ for z ≥ 0, whose top eigenvalue is the sharpness of an interpolator with z = u₊² + u₋²."""
    scaled = X * np.sqrt(4 / len(X) * z)
    gram: Float64[np.ndarray, "sample sample"] = scaled @ scaled.T
    return gram


def interpolator_sharpness(
    X: Float64[np.ndarray, "sample dim"], u_plus: Float64[np.ndarray, " dim"], u_minus: Float64[np.ndarray, " dim"]
) -> Eigenpair:
    """λ_max of the Hessian where Xβ = y, of whose two terms only the Gram matrix is left there.

    With z = u₊² + u₋², (4/N)·X diag(z) Xᵀ and (4/N)·diag(√z) XᵀX diag(√z) share their nonzero spectrum; the smaller of
    the two is solved, so the vector has min(N, d) entries. Cost O(Nd·min(N, d)). Away from an interpolator this is the
    sharpness of the Gauss-Newton matrix, not of the loss.
    """
    z = np.square(u_plus) + np.square(u_minus)
    if len(X) <= X.shape[1]:
        return top_eigenpair(gram_matrix(X, z))
    scaled = X * np.sqrt(4 / len(X) * z)
    return top_eigenpair(scaled.T @ scaled)


def hessian(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    u_plus: Float64[np.ndarray, " dim"],
    u_minus: Float64[np.ndarray, " dim"],
) -> Float64[np.ndarray, "parameter parameter"]:
    """Hessian of ‖X(u₊² − u₋²) − y‖²/(2N) in θ = (u₊, u₋), a 2d × 2d matrix, anywhere on a trajectory.

    H = (1/N)·ΦΦᵀ + 2·diag(g, −g) with Φ = 2·[diag(u₊); −diag(u₋)]Xᵀ and g = Xᵀ(Xβ − y)/N.
    """
    residual = X @ (np.square(u_plus) - np.square(u_minus)) - y
    gradient = X.T @ residual / len(X)
    features = 2 * np.concatenate([X * u_plus, -X * u_minus], axis=1)
    bend = 2 * np.diag(np.concatenate([gradient, -gradient]))
    curvature: Float64[np.ndarray, "parameter parameter"] = features.T @ features / len(X) + bend
    return curvature


def hessian_sharpness(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    u_plus: Float64[np.ndarray, " dim"],
    u_minus: Float64[np.ndarray, " dim"],
) -> Eigenpair:
    """λ_max of the full Hessian, valid anywhere; equal to `interpolator_sharpness` where Xβ = y. Cost O(d³)."""
    return top_eigenpair(hessian(X, y, u_plus, u_minus))


def interpolator_sharpness_of(
    X: Float64[np.ndarray, "sample dim"], curvature: Float64[np.ndarray, " dim"]
) -> Eigenpair:
    """λ_max of the Hessian of any network where Xβ = y, from its `curvature` c: that of the Gram matrix.

    (1/N)·X diag(c) Xᵀ and (1/N)·diag(√c) XᵀX diag(√c) share their nonzero spectrum; the smaller of the two is solved.
    """
    scaled = X * np.sqrt(curvature / len(X))
    return top_eigenpair(scaled @ scaled.T if len(X) <= X.shape[1] else scaled.T @ scaled)


def hessian_of(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
) -> Float64[np.ndarray, "parameter parameter"]:
    """Hessian of ‖Xβ(θ) − y‖²/(2N) in θ, of size parts·d, anywhere on a trajectory.

    H = (1/N)·ΦΦᵀ + [diag(bend_kl∘g)]_kl with Φ = [diag(J_k)]_k Xᵀ and g = Xᵀ(Xβ − y)/N.
    """
    gradient = X.T @ (X @ network.predictor(theta) - y) / len(X)
    features = np.concatenate([X * slope for slope in network.jacobian(theta)], axis=1)
    bend = network.bend(theta) * gradient
    blocks = np.block([[np.diag(block) for block in row] for row in bend])
    curvature: Float64[np.ndarray, "parameter parameter"] = features.T @ features / len(X) + blocks
    return curvature


def hessian_sharpness_of(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
) -> Eigenpair:
    """λ_max of the full Hessian of any network, valid anywhere. Cost O((parts·d)³)."""
    return top_eigenpair(hessian_of(X, y, theta, network))


def top_hessian_eigenpair(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
) -> Eigenpair:
    """λ_max of the full Hessian of any network at one state."""
    return hessian_sharpness_of(X, y, theta, network)


def trajectory_sharpness(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part run dim"],
    network: Network,
) -> Float64[np.ndarray, " run"]:
    """λ_max of the full Hessian of every run; NaN where a run has overflowed."""
    with np.errstate(all="ignore"):
        values = [hessian_sharpness_of(X, y, theta[:, run], network).value for run in range(theta.shape[1])]
    return np.array(values, dtype=np.float64)
