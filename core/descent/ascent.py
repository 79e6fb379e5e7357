"""Sharpness-aware minimisation: the gradient of a step is taken where an ascent along a gradient leads.

With J the Jacobian ∂β/∂θ of a coordinate and z a multiple of a gradient in the predictor the ascent is θ̃ = θ + J∘z:
z = ρXᵀr/N for all samples (n-SAM), and z_k = ρ r_k x_k for the k-th one's own (1-SAM).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network


class AscentAlong(StrEnum):
    """Which gradient an ascent is along: of the mean loss (n-SAM), or for each sample of its own (1-SAM)."""

    FULL = "full"
    SAMPLE = "sample"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ascent:
    """The ascents of some runs, each by its `rho` times a gradient, or with `normalized` by that length along it."""

    along: AscentAlong
    normalized: bool
    rho: Float64[np.ndarray, " run"]

    @classmethod
    def joined(cls, ascents: Sequence[Self]) -> Self:
        """Those of runs that differ in ρ alone."""
        first = ascents[0]
        return cls(along=first.along, normalized=first.normalized, rho=np.concatenate([each.rho for each in ascents]))

    def of(self, run: int) -> Self:
        """That of one run."""
        return replace(self, rho=self.rho[run : run + 1])


def gradient_of_ascents(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    network: Network,
    theta: Float64[np.ndarray, "part dim"],
    ascent: Ascent,
) -> tuple[Float64[np.ndarray, " sample"], Float64[np.ndarray, "part dim"]]:
    """The residuals r̃_k of all samples where their own ascents lead, and Σ_k r̃_k J(θ̃_k)∘x_k; one run of 1-SAM.

    θ̃_k = θ + ρ r_k J∘x_k, normalised θ + ρ sgn(r_k) J∘x_k/‖J∘x_k‖₂. Cost O(parts·N·d).
    """
    rho = float(ascent.rho[0])
    jacobian, residual = network.jacobian(theta), X @ network.predictor(theta) - y
    pull = rho * residual
    if ascent.normalized:
        length = np.sqrt((np.square(X) * network.tangent_weights(theta)).sum(axis=-1))
        pull = np.divide(rho * np.sign(residual), length, out=np.zeros_like(length), where=length > 0)
    there = theta[:, None] + jacobian[:, None] * (pull[:, None] * X)
    left: Float64[np.ndarray, " sample"] = (network.predictor(there) * X).sum(axis=-1) - y
    return left, (network.jacobian(there) * (left[:, None] * X)).sum(axis=1)
