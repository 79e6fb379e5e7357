"""The two Schur complements of a Newton step in (P, Z): reduced to coordinates, or to entries of the mixture.

Everything is in the frame G where the slack matrix Z is the identity and the mixture P is diagonal, π. There, with the
atoms ã = Gᵀa, P̄_jk = (π_j + π_k)/2, T = GᵀG, ω and r the coupling and root of the coordinates' response and b_i the
rows of the basis, the unknown load ŷ and mixture step Δ satisfy

    Δ = E − Δt·P̄∘T − P̄∘Ã diag(r∘ŷ) Ãᵀ,    ŷ_i = r_i·ã_iᵀΔã_i + ω_i·b_iᵀΔκ − ρ_i

for given E, ρ, and steps Δt of the level and Δκ of the multipliers. Eliminating Δ leaves I + diag(r) M diag(r), of size
dim, M = (ÃᵀΠÃ)∘(ÃᵀÃ); eliminating ŷ leaves I + VVᵀ, of size n(n+1)/2 for an n × n mixture. Neither has an eigenvalue
below 1.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float64
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpotrf

from core.interpolators.coordinate_law import Response
from core.interpolators.spectral_programme import quadratic_forms, weighted_gram

RIDGE = 1e-14
"""Relative weight added to a diagonal before it is factorised: what rounding may have taken from it."""

Square = Float64[np.ndarray, "order order"]
Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """Atoms Ã, T and the diagonal π of the mixture where the slack matrix is the identity, and the basis."""

    atoms: Float64[np.ndarray, "order dim"]
    metric: Square
    spectrum: Float64[np.ndarray, " order"]
    basis: Float64[np.ndarray, "dim rank"]

    @property
    def mean_spectrum(self) -> Square:
        """P̄."""
        mean: Square = (self.spectrum[:, None] + self.spectrum) / 2
        return mean


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Remainder:
    """What given E and ρ leave for Δκ and Δt, `inner` and `rest`, and half of the way to the unknowns."""

    forcing: Square
    load: Vector
    half: Float64[np.ndarray, " reduced"]
    inner: Float64[np.ndarray, " rank"]
    rest: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Unknowns:
    """ŷ, Δ and the `pressure` Ã diag(r∘ŷ) Ãᵀ."""

    loads: Vector
    mixture: Square
    pressure: Square


class SchurComplement(Protocol):
    """What remains for Δκ and Δt.

    basisᵀ(ω∘ŷ) = stiffness·Δκ − Δt·drag + inner and ⟨T, Δ⟩ = rest − Δt·inertia − dragᵀΔκ.
    """

    @property
    def stiffness(self) -> Float64[np.ndarray, "rank rank"]:
        """Symmetric, positive semidefinite."""
        ...

    @property
    def drag(self) -> Float64[np.ndarray, " rank"]:
        """The coupling of Δκ and Δt."""
        ...

    @property
    def inertia(self) -> float:
        """Not negative."""
        ...

    def remainder(self, forcing: Square, load: Vector) -> Remainder:
        """For given E and ρ."""
        ...

    def unknowns(self, remainder: Remainder, level: float, multipliers: Float64[np.ndarray, " rank"]) -> Unknowns:
        """For given E and ρ, Δt and Δκ."""
        ...


class CoordinateComplement:
    """Reduced to the coordinates; cost O(dim²·order + dim³)."""

    def __init__(self, frame: Frame, response: Response) -> None:
        self._frame, self._root = frame, response.root
        weighed = np.sqrt(frame.spectrum)[:, None] * frame.atoms
        matrix = weighed.T @ weighed  # a product with its own transpose takes half the time of another
        matrix *= frame.atoms.T @ frame.atoms
        matrix *= response.root
        matrix *= response.root[:, None]
        self._factor = _factor_of_one_plus(matrix)
        self._pressed = frame.mean_spectrum * frame.metric
        self._level = self._halved(response.root * quadratic_forms(self._pressed, frame.atoms))
        self._multipliers = self._halved(response.coupling[:, None] * frame.basis)
        self.stiffness: Float64[np.ndarray, "rank rank"] = self._multipliers.T @ self._multipliers
        self.drag: Float64[np.ndarray, " rank"] = self._multipliers.T @ self._level
        self.inertia = float((frame.metric * self._pressed).sum() - self._level @ self._level)

    def remainder(self, forcing: Square, load: Vector) -> Remainder:
        """For given E and ρ."""
        half = self._halved(self._root * quadratic_forms(forcing, self._frame.atoms) - load)
        rest = float((self._frame.metric * forcing).sum() - self._level @ half)
        return Remainder(forcing=forcing, load=load, half=half, inner=self._multipliers.T @ half, rest=rest)

    def unknowns(self, remainder: Remainder, level: float, multipliers: Float64[np.ndarray, " rank"]) -> Unknowns:
        """For given E and ρ, Δt and Δκ."""
        half = remainder.half - level * self._level + self._multipliers @ multipliers
        loads = solve_triangular(self._factor, half, lower=True, trans="T", check_finite=False)
        pressure = weighted_gram(self._frame.atoms, self._root * loads)
        mixture = remainder.forcing - level * self._pressed - self._frame.mean_spectrum * pressure
        return Unknowns(loads=loads, mixture=mixture, pressure=pressure)

    def _halved(self, right: Float64[np.ndarray, "dim ..."]) -> Float64[np.ndarray, "dim ..."]:
        return _halved(self._factor, right)


class MixtureComplement:
    """Reduced to the entries Δ_jk, j ≤ k, divided by √P̄_jk and for j < k multiplied by √2; cost O(dim·order⁴)."""

    def __init__(self, frame: Frame, response: Response) -> None:
        self._frame, self._root = frame, response.root
        self._rows, self._columns = np.triu_indices(len(frame.spectrum))
        weight = np.where(self._rows == self._columns, 1.0, np.sqrt(2.0))
        self._unit = weight / np.sqrt(frame.mean_spectrum[self._rows, self._columns])
        products = frame.atoms[self._rows] * frame.atoms[self._columns]
        # V, whose columns are the entries of r_i·ã_iã_iᵀ in these units
        self._products = products * (weight**2 / self._unit)[:, None] * response.root
        self._factor = _factor_of_one_plus(self._products @ self._products.T)
        self._coupled = response.coupling[:, None] * frame.basis
        self._multipliers = _halved(self._factor, self._products @ self._coupled)
        self._level = _halved(self._factor, self._entries(frame.mean_spectrum * frame.metric))
        self.stiffness: Float64[np.ndarray, "rank rank"] = self._coupled.T @ self._coupled
        self.stiffness -= self._multipliers.T @ self._multipliers
        self.drag: Float64[np.ndarray, " rank"] = self._multipliers.T @ self._level
        self.inertia = float(self._level @ self._level)

    def remainder(self, forcing: Square, load: Vector) -> Remainder:
        """For given E and ρ."""
        half = _halved(self._factor, self._entries(forcing) + self._products @ load)
        inner = self._multipliers.T @ half - self._coupled.T @ load
        return Remainder(forcing=forcing, load=load, half=half, inner=inner, rest=float(self._level @ half))

    def unknowns(self, remainder: Remainder, level: float, multipliers: Float64[np.ndarray, " rank"]) -> Unknowns:
        """For given E and ρ, Δt and Δκ."""
        half = remainder.half - level * self._level - self._multipliers @ multipliers
        entries = solve_triangular(self._factor, half, lower=True, trans="T", check_finite=False)
        loads = self._products.T @ entries + self._coupled @ multipliers - remainder.load
        upper = np.zeros_like(remainder.forcing)
        upper[self._rows, self._columns] = entries / self._unit
        return Unknowns(
            loads=loads,
            mixture=upper + np.triu(upper, 1).T,
            pressure=weighted_gram(self._frame.atoms, self._root * loads),
        )

    def _entries(self, matrix: Square) -> Float64[np.ndarray, " reduced"]:
        entries: Float64[np.ndarray, " reduced"] = matrix[self._rows, self._columns] * self._unit
        return entries


def schur_complement(frame: Frame, response: Response) -> SchurComplement:
    """The smaller of the two.

    Raises:
        numpy.linalg.LinAlgError: it is not positive definite in floating point.
    """
    order, dim = frame.atoms.shape
    return (MixtureComplement if 2 * dim > order * (order + 1) else CoordinateComplement)(frame, response)


def _factor_of_one_plus(matrix: Float64[np.ndarray, "order order"]) -> Float64[np.ndarray, "order order"]:
    """The L with LLᵀ = I + matrix in the lower triangle, in the memory of the matrix; above it is what was there."""
    diagonal = np.diag_indices_from(matrix)
    matrix[diagonal] = 1 + (1 + RIDGE) * matrix[diagonal]
    # the transpose of a symmetric matrix is the same matrix in the order of columns that LAPACK overwrites
    factor, failed = dpotrf(matrix.T, lower=True, clean=False, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError("a Schur complement is not positive definite")
    lower: Float64[np.ndarray, "order order"] = factor
    return lower


def _halved(
    factor: Float64[np.ndarray, "order order"], right: Float64[np.ndarray, "order ..."]
) -> Float64[np.ndarray, "order ..."]:
    """L⁻¹·right."""
    halved: Float64[np.ndarray, "order ..."] = solve_triangular(factor, right, lower=True, check_finite=False)
    return halved
