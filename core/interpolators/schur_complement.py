"""The KKT system of a Newton step in (P, Z), reduced to the steps Δκ of the multipliers and Δt of the level.

Everything is in the frame G where the slack matrix Z is the identity and the dual matrix P is diagonal, π. There, with
the columns ã = Gᵀa, P̄_jk = (π_j + π_k)/2, T = GᵀG, ω and r the coupling and root of the coordinates' response and b_i
the rows of the basis, the coordinates' unknown ŷ and the step Δ of the dual matrix satisfy

    Δ = E − Δt·P̄∘T − P̄∘Ã diag(r∘ŷ) Ãᵀ,    ŷ_i = r_i·ã_iᵀΔã_i + ω_i·b_iᵀΔκ − ρ_i

for given right-hand sides E (`rhs_matrix`) and ρ (`rhs_coordinates`). What is left of the system, in blocks, is

    A11·Δκ − A12·Δt = basisᵀ(ω∘ŷ) − rhs_multipliers,    A12ᵀΔκ + A22·Δt = rhs_level − ⟨T, Δ⟩.

Two Schur complements lead there. Eliminating Δ leaves I + diag(r) M diag(r), of size dim, M = (ÃᵀΠÃ)∘(ÃᵀÃ);
eliminating ŷ leaves I + VVᵀ, of size n(n+1)/2 for an n × n dual matrix. Neither has an eigenvalue below 1. The
elimination is derived here; for p = 1 it is that of linear constraints among semidefinite ones (Helmberg et al. 1996).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dpotrf

from core.interpolators.coordinate_law import Response
from core.interpolators.spectral_programme import quadratic_forms, weighted_gram
from core.interpolators.triangular import solve_lower

RIDGE = 1e-14
"""Relative weight added to a diagonal before it is factorised: what rounding may have taken from it."""

Square = Float64[np.ndarray, "order order"]
Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """Columns Ã, metric T, and the diagonal π of P where the slack matrix is the identity; and the basis."""

    columns: Float64[np.ndarray, "order dim"]
    metric: Square
    spectrum: Float64[np.ndarray, " order"]
    basis: Float64[np.ndarray, "dim rank"]

    @property
    def mean_spectrum(self) -> Square:
        """P̄."""
        mean: Square = (self.spectrum[:, None] + self.spectrum) / 2
        return mean


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReducedRhs:
    """The right-hand sides E and ρ, what they become for Δκ and Δt, and `forward`, L⁻¹ of what was eliminated."""

    rhs_matrix: Square
    rhs_coordinates: Vector
    forward: Float64[np.ndarray, " reduced"]
    rhs_multipliers: Float64[np.ndarray, " rank"]
    rhs_level: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Unknowns:
    """ŷ, Δ and the `gram_decrease` Ã diag(r∘ŷ) Ãᵀ."""

    coordinates: Vector
    dual_matrix: Square
    gram_decrease: Square


class SchurComplement(Protocol):
    """The blocks of the reduced system; nothing of them depends on a right-hand side."""

    A11: Square
    """Of Δκ; symmetric, positive semidefinite."""

    A12: Float64[np.ndarray, " rank"]
    """Between Δκ and Δt."""

    A22: float
    """Of Δt; not negative."""

    def reduced(self, rhs_matrix: Square, rhs_coordinates: Vector) -> ReducedRhs:
        """The right-hand sides of the reduced system for given E and ρ."""
        ...

    def unknowns(self, reduced: ReducedRhs, level: float, multipliers: Float64[np.ndarray, " rank"]) -> Unknowns:
        """ŷ and Δ for given E and ρ, Δt and Δκ."""
        ...


class CoordinateComplement:
    """Reduced to the coordinates; cost O(dim²·order + dim³)."""

    def __init__(self, frame: Frame, response: Response) -> None:
        self._frame, self._root = frame, response.root
        weighed = np.sqrt(frame.spectrum)[:, None] * frame.columns
        matrix = weighed.T @ weighed  # a product with its own transpose takes half the time of another
        matrix *= frame.columns.T @ frame.columns
        matrix *= response.root
        matrix *= response.root[:, None]
        self._factor = _factor_of_one_plus(matrix)
        self._level_column = frame.mean_spectrum * frame.metric
        self._forward_level = self._forward(response.root * quadratic_forms(self._level_column, frame.columns))
        self._forward_multipliers = self._forward(response.coupling[:, None] * frame.basis)
        self.A11: Square = self._forward_multipliers.T @ self._forward_multipliers
        self.A12: Float64[np.ndarray, " rank"] = self._forward_multipliers.T @ self._forward_level
        self.A22 = float((frame.metric * self._level_column).sum() - self._forward_level @ self._forward_level)

    def reduced(self, rhs_matrix: Square, rhs_coordinates: Vector) -> ReducedRhs:
        """One forward substitution."""
        forward = self._forward(self._root * quadratic_forms(rhs_matrix, self._frame.columns) - rhs_coordinates)
        rhs_level = float((self._frame.metric * rhs_matrix).sum() - self._forward_level @ forward)
        return ReducedRhs(
            rhs_matrix=rhs_matrix,
            rhs_coordinates=rhs_coordinates,
            forward=forward,
            rhs_multipliers=self._forward_multipliers.T @ forward,
            rhs_level=rhs_level,
        )

    def unknowns(self, reduced: ReducedRhs, level: float, multipliers: Float64[np.ndarray, " rank"]) -> Unknowns:
        """One back substitution."""
        forward = reduced.forward - level * self._forward_level + self._forward_multipliers @ multipliers
        coordinates = solve_lower(self._factor, forward, transposed=True)
        gram_decrease = weighted_gram(self._frame.columns, self._root * coordinates)
        dual_matrix = reduced.rhs_matrix - level * self._level_column - self._frame.mean_spectrum * gram_decrease
        return Unknowns(coordinates=coordinates, dual_matrix=dual_matrix, gram_decrease=gram_decrease)

    def _forward(self, right: Float64[np.ndarray, "dim ..."]) -> Float64[np.ndarray, "dim ..."]:
        return solve_lower(self._factor, right)


class MatrixComplement:
    """Reduced to the entries Δ_jk, j ≤ k, divided by √P̄_jk and for j < k multiplied by √2; cost O(dim·order⁴)."""

    def __init__(self, frame: Frame, response: Response) -> None:
        self._frame, self._root = frame, response.root
        self._row, self._column = np.triu_indices(len(frame.spectrum))
        weight = np.where(self._row == self._column, 1.0, np.sqrt(2.0))
        self._unit = weight / np.sqrt(frame.mean_spectrum[self._row, self._column])
        products = frame.columns[self._row] * frame.columns[self._column]
        # V, whose columns are the entries of r_i·ã_iã_iᵀ in these units
        self._products = products * (weight**2 / self._unit)[:, None] * response.root
        self._factor = _factor_of_one_plus(self._products @ self._products.T)
        self._coupled = response.coupling[:, None] * frame.basis
        self._forward_multipliers = solve_lower(self._factor, self._products @ self._coupled)
        self._forward_level = solve_lower(self._factor, self._entries(frame.mean_spectrum * frame.metric))
        self.A11: Square = self._coupled.T @ self._coupled - self._forward_multipliers.T @ self._forward_multipliers
        self.A12: Float64[np.ndarray, " rank"] = self._forward_multipliers.T @ self._forward_level
        self.A22 = float(self._forward_level @ self._forward_level)

    def reduced(self, rhs_matrix: Square, rhs_coordinates: Vector) -> ReducedRhs:
        """One forward substitution."""
        forward = solve_lower(self._factor, self._entries(rhs_matrix) + self._products @ rhs_coordinates)
        rhs_multipliers = self._forward_multipliers.T @ forward - self._coupled.T @ rhs_coordinates
        return ReducedRhs(
            rhs_matrix=rhs_matrix,
            rhs_coordinates=rhs_coordinates,
            forward=forward,
            rhs_multipliers=rhs_multipliers,
            rhs_level=float(self._forward_level @ forward),
        )

    def unknowns(self, reduced: ReducedRhs, level: float, multipliers: Float64[np.ndarray, " rank"]) -> Unknowns:
        """One back substitution."""
        forward = reduced.forward - level * self._forward_level - self._forward_multipliers @ multipliers
        entries = solve_lower(self._factor, forward, transposed=True)
        coordinates = self._products.T @ entries + self._coupled @ multipliers - reduced.rhs_coordinates
        upper = np.zeros_like(reduced.rhs_matrix)
        upper[self._row, self._column] = entries / self._unit
        return Unknowns(
            coordinates=coordinates,
            dual_matrix=upper + np.triu(upper, 1).T,
            gram_decrease=weighted_gram(self._frame.columns, self._root * coordinates),
        )

    def _entries(self, matrix: Square) -> Float64[np.ndarray, " reduced"]:
        entries: Float64[np.ndarray, " reduced"] = matrix[self._row, self._column] * self._unit
        return entries


def schur_complement(frame: Frame, response: Response) -> SchurComplement:
    """The blocks by the smaller of the two complements: O(dim²·order + dim³) or, for dim > order²/2, O(dim·order⁴).

    Raises:
        numpy.linalg.LinAlgError: it is not positive definite in floating point.
    """
    order, dim = frame.columns.shape
    return (MatrixComplement if 2 * dim > order * (order + 1) else CoordinateComplement)(frame, response)


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
