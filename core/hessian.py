"""The Hessian of the loss ‖Xβ(θ) − y‖²/(2N) in the parameters θ of a diagonal network, anywhere on a trajectory.

With J the network's `jacobian` and g = Xᵀ(Xβ − y)/N it is H = (1/N)·ΦΦᵀ + [diag(bend_kl∘g)]_kl, Φ = [diag(J_k)]_k Xᵀ:
a positive semi-definite part, and one that vanishes at an interpolator.
"""

from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.descent import TILE, padded
from core.networks import Network
from core.randomness import stream

MOST_GRAM: Final = 256
"""Largest d for which XᵀX is made: beyond it, making it costs more than the products that it saves."""


def hessian(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
) -> Float64[np.ndarray, "parameter parameter"]:
    """The whole matrix at one state, parameter (part, coordinate) at place part·d + coordinate. Cost O((parts·d)²N)."""
    gradient = X.T @ (X @ network.predictor(theta) - y) / len(X)
    features = np.concatenate([X * slope for slope in network.jacobian(theta)], axis=1)
    bend = network.bend(theta) * gradient
    blocks = np.block([[np.diag(block) for block in row] for row in bend])
    matrix: Float64[np.ndarray, "parameter parameter"] = features.T @ features / len(X) + blocks
    return matrix


class Hessians:
    """The Hessians of one loss at many states, as products with vectors.

    One rotation R of the parts makes the bend of a network diagonal at every state and coordinate: the identity at
    u₊^D − u₋^D, (u ± v)/√2 for UV. In the rotated parameters H = (1/N)·AᵀXᵀXA + diag(b) with A = [diag(a_k)]_k, a = RᵀJ
    and b_k = (Rᵀ·bend·R)_kk∘g; eigenvalues stay, and `restored` takes vectors back.

    Each matrix is held as H/4^`exponent`, of entries about 1, so that no square overflows or vanishes where H itself
    does not. Products are made in tiles of 16 lanes: a lane's bits do not depend on its company.
    """

    def __init__(
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        theta: Float64[np.ndarray, "part lane dim"],
        network: Network,
    ) -> None:
        self._rotation = np.linalg.eigh(network.bend(np.ones((len(theta), 1)))[:, :, 0]).eigenvectors
        slopes = _combined(self._rotation, network.jacobian(theta))
        halves = [_combined(self._rotation, row) for row in network.bend(theta)]
        bends = np.stack([_combined(column[:, None], half[:, 0]) for column, half in ()]) if False else halves
        raise NotImplementedError
