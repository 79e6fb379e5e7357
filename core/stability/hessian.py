"""The Hessian of the loss ‖Xβ(θ) − y‖²/(2N) in the parameters θ of a diagonal network, anywhere on a trajectory.

With J the network's `jacobian` and g = Xᵀ(Xβ − y)/N it is H = (1/N)·ΦΦᵀ + [diag(∂²β_kl∘g)]_kl, Φ = [diag(J_k)]_k Xᵀ:
a positive semi-definite part, the Gauss–Newton matrix (Schraudolph 2002, Neural Computation 14), and one that vanishes
at an interpolator.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int32, Int64

from core.networks.network import Network
from core.randomness import stream
from core.tiles import TILE, padded

MOST_GRAM: Final = 256
"""Largest d for which XᵀX is made: beyond it, making it costs more than the products that it saves."""

Vectors = Float64[np.ndarray, "run parameter"]


def hessian(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
) -> Float64[np.ndarray, "parameter parameter"]:
    """The whole matrix at one state, parameter (part, coordinate) at place part·d + coordinate. Cost O((parts·d)²N)."""
    gradient = X.T @ (X @ network.predictor(theta) - y) / len(X)
    features = np.concatenate([X * slope for slope in network.jacobian(theta)], axis=1)
    (parts, dim), every = theta.shape, np.arange(theta.shape[1])
    blocks = np.zeros((parts, dim, parts, dim))
    blocks[:, every, :, every] = np.moveaxis(network.second_derivative(theta) * gradient, -1, 0)
    matrix: Float64[np.ndarray, "parameter parameter"] = features.T @ features / len(X)
    matrix += blocks.reshape(matrix.shape)
    return matrix


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hessians:
    """The Hessians of one loss at many states, as products with vectors.

    One `rotation` R of the parts makes ∂²β of a network diagonal at every state and coordinate: the identity for
    u₊^D − u₋^D, (u ± v)/√2 for UV. In rotated parameters H = (1/N)·AᵀXᵀXA + diag(b) with A = [diag(a_k)]_k, a = RᵀJ the
    `slopes`, and b_k = (Rᵀ·∂²β·R)_kk∘g. Eigenvalues stay, and `restored` takes eigenvectors back.

    Each matrix is held as H/4^e, e its `exponent`, with entries of about 1, so that no square overflows or vanishes
    where H itself does not. Matrix products are made in tiles of 16 runs (`core.descent`): the bits of a run depend
    on nothing else. Cost of a product: min(4·N, 2·d)·d flops a run for d up to 256, else 4·N·d.
    """

    X: Float64[np.ndarray, "sample dim"]
    gram: Float64[np.ndarray, "dim dim"] | None
    rotation: Float64[np.ndarray, "part part"]
    exponent: Int32[np.ndarray, " run"]
    slopes: Float64[np.ndarray, "run part dim"]
    diagonal: Float64[np.ndarray, "run parameter"]

    def of(self, runs: Int64[np.ndarray, " kept"] | slice) -> Self:
        """The Hessians of some runs."""
        kept = {"exponent": self.exponent[runs], "slopes": self.slopes[runs], "diagonal": self.diagonal[runs]}
        return replace(self, **kept)

    def product(self, vectors: Vectors) -> Vectors:
        """(H/4^e)·v of every run, in rotated parameters."""
        moved = _dot(self.slopes, vectors.reshape(self.slopes.shape))
        if self.gram is not None:
            gradient = _tilewise(moved, self.gram)
        else:
            gradient = _tilewise(_tilewise(moved, self.X.T), self.X) / len(self.X)
        image: Vectors = (self.slopes * gradient[:, None]).reshape(vectors.shape)
        image += self.diagonal * vectors
        return image

    def start(self) -> Vectors:
        """Where to look for the top eigenvector: half at the top of data far off centre, half in every direction.

        The first half is Φ·1. The second is the same for every run, with no entry near zero, so that no eigenvector is
        missed, whatever the symmetries of a state.
        """
        guess = (self.slopes * self.X.sum(axis=0)).reshape(self.diagonal.shape)
        length = np.sqrt(np.vecdot(guess, guess))[:, None]
        start: Vectors = np.divide(guess, length, out=np.zeros_like(guess), where=length > 0)
        start += every_direction(self.diagonal.shape[1])
        return start

    def restored(self, vectors: Vectors) -> Vectors:
        """The same vectors in the parameters θ."""
        by_part = np.moveaxis(vectors.reshape(self.slopes.shape), 1, 0)
        return _rotated(self.rotation.T, by_part).reshape(vectors.shape)


def hessians(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part run dim"],
    network: Network,
) -> Hessians:
    """The Hessians at the states of many runs; where one has overflowed, its numbers are not finite."""
    rotation = _rotation(network)
    gradient = _tilewise(_tilewise(network.predictor(theta), X.T) - y, X) / len(X)
    slopes = _rotated(rotation, network.jacobian(theta))
    second_derivatives = _rotated_diagonal(rotation, network.second_derivative(theta)) * gradient[:, None]
    unit = int(np.frexp(np.abs(X).max())[1])
    size = np.maximum(
        np.ldexp(np.abs(slopes).max(axis=(1, 2)), unit), np.sqrt(np.abs(second_derivatives).max(axis=(1, 2)))
    )
    exponent = np.frexp(size)[1]
    scaled = np.ldexp(X, -unit)
    return Hessians(
        X=scaled,
        gram=scaled.T @ scaled / len(X) if X.shape[1] <= min(MOST_GRAM, 2 * len(X)) else None,
        rotation=rotation,
        exponent=exponent,
        slopes=np.ldexp(slopes, (unit - exponent)[:, None, None]),
        diagonal=np.ldexp(second_derivatives, -2 * exponent[:, None, None]).reshape(len(second_derivatives), -1),
    )


@cache
def every_direction(size: int) -> Float64[np.ndarray, " parameter"]:
    """A unit vector with no entry near zero."""
    generator = stream(0, "start of an eigenvector")
    noise = generator.uniform(0.5, 1.5, size) * generator.choice([-1.0, 1.0], size)
    direction: Float64[np.ndarray, " parameter"] = noise / np.linalg.norm(noise)
    direction.flags.writeable = False
    return direction


@cache
def _rotation(network: Network) -> Float64[np.ndarray, "part part"]:
    """What makes the second derivative of a network diagonal at every state."""
    rotation: Float64[np.ndarray, "part part"] = np.linalg.eigh(
        network.second_derivative(np.ones((len(network.parts), 1)))[:, :, 0]
    ).eigenvectors
    rotation.flags.writeable = False
    return rotation


def _dot(
    left: Float64[np.ndarray, "run part dim"], right: Float64[np.ndarray, "run part dim"]
) -> Float64[np.ndarray, "run dim"]:
    """Σ_k left_k∘right_k, part by part: the sum over a middle axis of an array is several times slower."""
    total: Float64[np.ndarray, "run dim"] = left[:, 0] * right[:, 0]
    for part in range(1, left.shape[1]):
        total += left[:, part] * right[:, part]
    return total


def _rotated(
    rotation: Float64[np.ndarray, "part part"], rows: Float64[np.ndarray, "part run dim"]
) -> Float64[np.ndarray, "run part dim"]:
    """Σ_k R_kl·row_k for every l, as sums of multiples: a matrix product would tie the bits of a run to its place."""
    rotated = np.zeros((rows.shape[1], len(rows), rows.shape[2]))
    for old, new in zip(*np.nonzero(rotation), strict=True):
        rotated[:, new] += rotation[old, new] * rows[old]
    return rotated


def _rotated_diagonal(
    rotation: Float64[np.ndarray, "part part"], second_derivative: Float64[np.ndarray, "part part run dim"]
) -> Float64[np.ndarray, "run part dim"]:
    """(Rᵀ·∂²β·R)_ll for every l."""
    diagonal = np.zeros((second_derivative.shape[2], len(second_derivative), second_derivative.shape[3]))
    for new in range(len(second_derivative)):
        weights = np.outer(rotation[:, new], rotation[:, new])
        for row, column in zip(*np.nonzero(weights), strict=True):
            diagonal[:, new] += weights[row, column] * second_derivative[row, column]
    return diagonal


def _tilewise(
    rows: Float64[np.ndarray, "run inner"], matrix: Float64[np.ndarray, "inner outer"]
) -> Float64[np.ndarray, "run outer"]:
    """rows·matrix in products of one shape, the last of them filled up with zeros."""
    runs, inner = rows.shape
    wide = rows
    if runs % TILE:
        wide = np.zeros((padded(runs), inner))
        wide[:runs] = rows
    product: Float64[np.ndarray, "tile run outer"] = wide.reshape(-1, TILE, inner) @ matrix
    return product.reshape(len(wide), matrix.shape[1])[:runs]
