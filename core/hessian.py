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

    One rotation R of the parts makes the bend of a network diagonal at every state and coordinate: the identity for
    u₊^D − u₋^D, (u ± v)/√2 for UV. In rotated parameters H = (1/N)·AᵀXᵀXA + diag(b) with A = [diag(a_k)]_k, a = RᵀJ and
    b_k = (Rᵀ·bend·R)_kk∘g. Eigenvalues stay, and `vectors_of` takes eigenvectors back.

    Each matrix is held as H/4^e, e its `exponent`, with entries of about 1, so that no square overflows or vanishes
    where H itself does not. Matrix products are made in tiles of 16 lanes (`core.descent`): the bits of a lane depend
    on nothing else. Cost of a product: min(4·N, 2·d)·d flops a lane for d up to 256, else 4·N·d.
    """

    def __init__(
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        theta: Float64[np.ndarray, "part lane dim"],
        network: Network,
    ) -> None:
        bend = network.bend(theta)
        self._rotation = np.linalg.eigh(network.bend(np.ones((len(theta), 1)))[:, :, 0]).eigenvectors
        slopes = _rotated(self._rotation, network.jacobian(theta))
        bends = _rotated_diagonal(self._rotation, bend) * _gradients(X, y, network.predictor(theta))[:, None]
        unit = int(np.frexp(np.abs(X).max())[1])
        largest = np.abs(slopes).max(axis=(1, 2)), np.sqrt(np.abs(bends).max(axis=(1, 2)))
        self.exponent = np.maximum(np.frexp(largest[0])[1] + unit, np.frexp(largest[1])[1])
        self._slopes = np.ldexp(slopes, (unit - self.exponent)[:, None, None])
        self.diagonal = np.ldexp(bends, -2 * self.exponent[:, None, None]).reshape(len(bends), -1)
        self._X = np.ldexp(X, -unit)
        self._gram = self._X.T @ self._X / len(X) if X.shape[1] <= min(MOST_GRAM, 2 * len(X)) else None

    def of(self, lanes: Int64[np.ndarray, " kept"] | slice) -> Self:
        """The Hessians of some lanes."""
        part = copy(self)
        part.exponent, part.diagonal = self.exponent[lanes], self.diagonal[lanes]
        part._slopes = self._slopes[lanes]
        return part

    def product(self, vectors: Float64[np.ndarray, "lane size"]) -> Float64[np.ndarray, "lane size"]:
        """(H/4^e)·v of every lane, in rotated parameters."""
        by_part = vectors.reshape(self._slopes.shape)
        moved = _combined(self._slopes, by_part)
        pulled = tilewise(moved, self._gram) if self._gram is not None else self._through_samples(moved)
        image = (self._slopes * pulled[:, None]).reshape(vectors.shape)
        image += self.diagonal * vectors
        return image

    def start(self) -> Float64[np.ndarray, "lane size"]:
        """Where to look for the top eigenvector: half at the top of data far off centre, half in every direction.

        The first half is ΦᵀΦ's image of the constant vector. The second is the same for every lane, with no entry near
        zero, so that no eigenvector is missed, whatever the symmetries of a state.
        """
        guess = (self._slopes * self._X.sum(axis=0)).reshape(self.diagonal.shape)
        length = np.sqrt(np.vecdot(guess, guess))[:, None]
        noise = stream(0, "start of an eigenvector").uniform(0.5, 1.5, self.diagonal.shape[1])
        noise[::2] *= -1
        return np.divide(guess, length, out=np.zeros_like(guess), where=length > 0) + noise / np.linalg.norm(noise)

    def vectors_of(self, rotated: Float64[np.ndarray, "lane size"]) -> Float64[np.ndarray, "lane size"]:
        """Vectors of the parameters θ themselves."""
        by_part = rotated.reshape(self._slopes.shape)
        return np.einsum("kl,nld->nkd", self._rotation, by_part).reshape(rotated.shape)

    def _through_samples(self, moved: Float64[np.ndarray, "lane dim"]) -> Float64[np.ndarray, "lane dim"]:
        return tilewise(tilewise(moved, self._X.T), self._X) / len(self._X)
