"""What is behind drawn data: the mean and the covariance of a sample, how it is drawn, and the risk in closed form."""

import math
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from jaxtyping import Float64

from core.errors import InvalidData


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Population:
    """x = μ·m + σ·p∘z with E[z] = 0 and Cov(z_i, z_j) = ρ^|i−j|; y = ⟨β*, x⟩ + noise of variance `noise_variance`.

    So E[x] = `mean`·`mean_profile` and Cov(x)_ij = `variance`·√(v_i·v_j)·ρ^|i−j| with v = `variance_profile` and ρ =
    `correlation`. A profile that is not given is 1 in every coordinate.

    Raises:
        InvalidData: a profile has a negative variance or numbers that are not finite, or |ρ| ≥ 1.
    """

    mean: float
    variance: float
    noise_variance: float
    mean_profile: Float64[np.ndarray, " dim"] | None = None
    variance_profile: Float64[np.ndarray, " dim"] | None = None
    correlation: float = 0.0
    _direction: Float64[np.ndarray, "..."] = field(init=False, repr=False)  # m, or 1
    _spread: Float64[np.ndarray, "..."] = field(init=False, repr=False)  # p = √v, or 1

    def __post_init__(self) -> None:
        if not -1 < self.correlation < 1:
            raise InvalidData(f"the correlation {self.correlation:g} is not between −1 and 1")
        direction = np.array(1.0 if self.mean_profile is None else self.mean_profile)
        variances = np.array(1.0 if self.variance_profile is None else self.variance_profile)
        if not (np.isfinite(direction).all() and np.isfinite(variances).all() and (variances >= 0).all()):
            raise InvalidData("the mean and the variance of every feature must be finite, and no variance negative")
        object.__setattr__(self, "_direction", direction)
        object.__setattr__(self, "_spread", np.sqrt(variances))

    @property
    def backwards(self) -> Self:
        """That of the same features from the last to the first."""
        mean, variance = self.mean_profile, self.variance_profile
        return replace(
            self,
            mean_profile=None if mean is None else mean[::-1],
            variance_profile=None if variance is None else variance[::-1],
        )

    def samples(self, innovations: Float64[np.ndarray, "sample dim"]) -> Float64[np.ndarray, "sample dim"]:
        """X of independent standardised numbers ε: z_1 = ε_1, z_i = ρz_{i−1} + √(1−ρ²)ε_i, which no other i changes."""
        drawn = _filtered(innovations, self.correlation, math.sqrt(self._rest))
        X: Float64[np.ndarray, "sample dim"] = self.mean * self._direction + math.sqrt(self.variance) * (
            drawn * self._spread
        )
        return X

    def excess_risk(self, error: Float64[np.ndarray, "*run dim"]) -> Float64[np.ndarray, "*run"] | np.float64:
        """R = ½(eᵀΣe + ⟨E[x], e⟩²) of e = β − β*, Σ = Cov(x): from E[xxᵀ] = Σ + E[x]E[x]ᵀ.

        With f = p∘e and g_i = f_i + ρg_{i+1} it is eᵀΣe = σ²(g_1² + (1−ρ²)Σ_{i>1} g_i²), a sum of squares. O(d) a run.
        """
        scaled = error if self.variance_profile is None else error * self._spread
        if self.correlation:
            squares = np.square(_filtered(scaled[..., ::-1], self.correlation)[..., ::-1])
            squares[..., 1:] *= self._rest
        else:
            squares = np.square(scaled)
        spread = self.variance * squares.sum(axis=-1)
        along = error if self.mean_profile is None else error * self._direction
        offset = np.square(self.mean * along.sum(axis=-1))
        risk: Float64[np.ndarray, "*run"] | np.float64 = (spread + offset) / 2
        return risk

    def risk_gradient(self, error: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, " dim"]:
        """∇R = (Σ + E[x]E[x]ᵀ)e."""
        scaled = error * self._spread
        both_ways = _filtered(scaled, self.correlation) + _filtered(scaled[::-1], self.correlation)[::-1] - scaled
        offset = self.mean**2 * (error * self._direction).sum()
        gradient: Float64[np.ndarray, " dim"] = self.variance * (both_ways * self._spread) + offset * self._direction
        return gradient

    def largest_curvature(self, dim: int) -> float:
        """At least the largest eigenvalue of Σ + E[x]E[x]ᵀ, and just that at ρ = 0 and v = 1.

        σ²·max v·(1+|ρ|)/(1−|ρ|) + ‖E[x]‖².
        """
        ratio = abs(self.correlation)
        largest = self.variance * float(np.square(self._spread).max()) * ((1 + ratio) / (1 - ratio))
        return largest + self.mean**2 * float(np.square(np.broadcast_to(self._direction, dim)).sum())

    @property
    def _rest(self) -> float:
        """1 − ρ²: the part of a feature's variance that the one before it does not explain."""
        return (1 - self.correlation) * (1 + self.correlation)


def _filtered(numbers: np.ndarray, memory: float, gain: float = 1.0) -> np.ndarray:
    """f_1 = n_1, f_i = memory·f_{i−1} + gain·n_i along the last axis; a copy.

    Column by column, so that the bits of a row depend on no other row.
    """
    filtered = numbers.copy()
    if memory:
        columns = np.ascontiguousarray(np.moveaxis(filtered, -1, 0))
        for i in range(1, len(columns)):
            columns[i] = memory * columns[i - 1] + gain * columns[i]
        filtered[...] = np.moveaxis(columns, 0, -1)
    return filtered
