"""A primal–dual interior-point method for spectral programmes, with predictor and corrector.

Steps are in the HKM direction, which makes PZ = μI linear as (PZ + ZP)/2 in the frame where Z is the identity:
Helmberg, Rendl, Vanderbei & Wolkowicz 1996, SIAM J. Optim. 6; Kojima, Shindoh & Hara 1997, SIAM J. Optim. 7; Monteiro
1997, SIAM J. Optim. 7. Predictor and corrector are those of Mehrotra 1992, SIAM J. Optim. 2: an affine step tells how
far down the path to aim, a second one with the same factors corrects for its product ΔP·ΔZ.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.interpolators.coordinate_law import CoordinateLaw, Parts, coordinate_law
from core.interpolators.schur_complement import Frame, schur_complement
from core.interpolators.spectral_programme import SpectralProgramme, quadratic_forms, weighted_gram
from core.interpolators.triangular import solve_factored, solve_lower, upper_factor

TOLERANCE = 1e-8
"""Relative gap at which the iteration ends: what the factorisations resolve, and far below what anyone asks."""

MAX_ITERATIONS = 100
"""Most iterations. Ten to twenty-five do."""

PATIENCE = 30
"""Iterations within which the gap must halve."""

TO_BOUNDARY = 0.98
"""The part of the way to the boundary of the cone that a step goes."""

Square = Float64[np.ndarray, "order order"]
Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Optimum:
    """The best interpolator met with its λ_max, and the best dual matrix and multipliers with the bound they prove."""

    predictor: Vector
    upper: float
    dual_matrix: Square
    multipliers: Float64[np.ndarray, " rank"]
    lower: float
    iterations: int

    @property
    def gap(self) -> float:
        """(upper − lower)/upper."""
        return (self.upper - self.lower) / self.upper if self.upper > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Point:
    """A dual matrix P ≻ 0, a slack matrix Z ≻ 0 near tI − A diag(c) Aᵀ, multipliers κ, and the parts of the law."""

    dual_matrix: Square
    slack: Square
    level: float
    multipliers: Float64[np.ndarray, " rank"]
    parts: Parts


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Step:
    """Changes of a point; `framed` in the frame of the point it starts from."""

    framed_dual_matrix: Square
    framed_slack: Square
    level: float
    multipliers: Float64[np.ndarray, " rank"]
    weights: Vector
    subgradient: Vector
    tangent_weights: Vector
    parts: Parts
    part_slack: Parts


def optimum_of(programme: SpectralProgramme, tolerance: float = TOLERANCE) -> Optimum:
    """Follow the central path PZ = μI, tr P = 1, Z = tI − A diag(c) Aᵀ, basisᵀβ = target towards μ = 0.

    β and c follow from the dual weights a_iᵀPa_i and the subgradient basis·κ by the law of |β|^p
    (`core.interpolators.coordinate_law`). Whatever stops it, the best of both sides that was met is
    returned. Each iteration costs O(dim²·order + dim³) or, for dim beyond order²/2, O(dim·order⁴).

    Raises:
        numpy.linalg.LinAlgError: the numbers of the programme leave no point to start from.
    """
    law = coordinate_law(programme.power)
    point = _start(programme, law)
    best = _judged(programme, law, point, None)
    gaps = [best.gap]
    while gaps[-1] > tolerance and best.iterations < MAX_ITERATIONS:
        if len(gaps) > PATIENCE and gaps[-1] > gaps[-1 - PATIENCE] / 2:
            break
        try:
            point = _Newton(programme, law, point).advanced()
            best = _judged(programme, law, point, best)
        except np.linalg.LinAlgError:  # rounding has eaten a cone: the bounds stand as they are
            break
        gaps.append(best.gap)
    return best


def _start(programme: SpectralProgramme, law: CoordinateLaw) -> _Point:
    """P = I/order and twice the level that is needed."""
    order = len(programme.columns)
    dual_matrix = np.eye(order) / order
    weights = programme.dual_weights(dual_matrix)
    parts, multipliers = law.start(programme, weights)
    gram = programme.gram(law.values(parts, weights, programme.basis @ multipliers)[1])
    level = 2 * float(np.linalg.eigvalsh(gram)[-1])
    slack = level * np.eye(order) - gram
    return _Point(dual_matrix=dual_matrix, slack=slack, level=level, multipliers=multipliers, parts=parts)


def _judged(programme: SpectralProgramme, law: CoordinateLaw, point: _Point, best: Optimum | None) -> Optimum:
    """The better of what a point proves and of what was known."""
    weights = programme.dual_weights(point.dual_matrix)
    predictor = programme.repaired(law.values(point.parts, weights, programme.basis @ point.multipliers)[0])
    upper, dual_matrix, multipliers = programme.upper(predictor), point.dual_matrix, point.multipliers
    lower = programme.lower(weights / np.trace(dual_matrix), multipliers)
    if best is not None and not upper < best.upper:
        predictor, upper = best.predictor, best.upper
    if best is not None and not lower > best.lower:
        dual_matrix, multipliers, lower = best.dual_matrix, best.multipliers, best.lower
    return Optimum(
        predictor=predictor,
        upper=upper,
        dual_matrix=dual_matrix,
        multipliers=multipliers,
        lower=lower,
        iterations=0 if best is None else best.iterations + 1,
    )


class _Newton:
    """The linearised conditions at a point, factorised once for two right sides."""

    def __init__(self, programme: SpectralProgramme, law: CoordinateLaw, point: _Point) -> None:
        self._programme, self._law, self._point = programme, law, point
        factor = np.linalg.cholesky(point.slack)
        spectrum, turn = np.linalg.eigh(factor.T @ point.dual_matrix @ factor)
        if not spectrum[0] > 0:
            raise np.linalg.LinAlgError("the dual matrix is not positive definite")
        self._frame_map = solve_lower(factor, turn, transposed=True)
        self._frame = Frame(
            columns=self._frame_map.T @ programme.columns,
            metric=self._frame_map.T @ self._frame_map,
            spectrum=spectrum,
            basis=programme.basis,
        )
        self._weights = spectrum @ np.square(self._frame.columns)  # a_iᵀPa_i, since P is diagonal there
        self._subgradient = programme.basis @ point.multipliers
        predictor, tangent_weights = law.values(point.parts, self._weights, self._subgradient)
        self._part_slack = law.slack(self._weights, self._subgradient)
        self._missing = programme.target - programme.basis.T @ predictor
        self._excess = point.level * np.eye(len(spectrum)) - programme.gram(tangent_weights) - point.slack
        self._framed_excess = self._frame_map.T @ self._excess @ self._frame_map
        self._response = law.response(point.parts, self._weights, self._subgradient)
        self._schur = schur_complement(self._frame, self._response)
        direct = np.sqrt(self._response.direct)[:, None] * programme.basis
        A11 = direct.T @ direct + self._schur.A11
        # where the subgradient vanishes, so may what would hold κ in place
        A11[np.diag_indices_from(A11)] += np.finfo(np.float64).eps * np.trace(A11)
        self._factor = upper_factor(A11)
        self._per_level = solve_factored(self._factor, self._schur.A12)

    def advanced(self) -> _Point:
        """The point after the predictor has chosen how far to go down the path, and the corrector has gone there."""
        frame, parts, slack = self._frame, self._point.parts, self._part_slack
        diagonal = np.diag(frame.spectrum)
        affine = self._step(-diagonal, -parts)
        mean = self._mean_product(affine, 0.0)
        left = self._mean_product(affine, self._room(affine))
        centre = mean * min(1.0, max((max(left, 0.0) / mean) ** 3, 1e-6))
        correction = _symmetric(affine.framed_dual_matrix @ affine.framed_slack)
        rhs_matrix = centre * np.eye(len(diagonal)) - diagonal - correction
        step = self._step(rhs_matrix, (centre - affine.parts * affine.part_slack) / slack - parts)
        return self._moved(step, self._length(step, mean))

    def _step(self, rhs_matrix: Square, rhs_parts: Parts) -> _Step:
        """A step under which PZ changes by `rhs_matrix` in the frame, parts by `rhs_parts` − (parts/slack)·Δslack."""
        programme, schur, response = self._programme, self._schur, self._response
        offset = self._law.offset(self._point.parts, self._part_slack, rhs_parts)
        reduced = schur.reduced(rhs_matrix - self._frame.mean_spectrum * self._framed_excess, offset.rhs_coordinates)
        missing = self._missing - programme.basis.T @ offset.predictor - reduced.rhs_multipliers
        without_level = solve_factored(self._factor, missing)
        surplus = reduced.rhs_level - (1 - float(np.trace(self._point.dual_matrix))) - float(schur.A12 @ without_level)
        level = surplus / (schur.A22 + float(schur.A12 @ self._per_level))
        multipliers = without_level + level * self._per_level
        found = schur.unknowns(reduced, level, multipliers)
        weights, subgradient = quadratic_forms(found.dual_matrix, self._frame.columns), programme.basis @ multipliers
        tangent_weights = -response.root * found.coordinates
        predictor = response.direct * subgradient + response.coupling * found.coordinates + offset.predictor
        return _Step(
            framed_dual_matrix=found.dual_matrix,
            framed_slack=level * self._frame.metric + found.gram_decrease + self._framed_excess,
            level=level,
            multipliers=multipliers,
            weights=weights,
            subgradient=subgradient,
            tangent_weights=tangent_weights,
            parts=self._law.parts_of(predictor, tangent_weights),
            part_slack=self._law.slack(weights, subgradient),
        )

    def _room(self, step: _Step) -> float:
        """The length, at most 1, that keeps a fiftieth of the distance to the boundary of every cone."""
        root = np.sqrt(self._frame.spectrum)
        deepest = min(
            0.0,
            float(np.linalg.eigvalsh(step.framed_dual_matrix / root / root[:, None])[0]),
            float(np.linalg.eigvalsh(step.framed_slack)[0]),
            float((step.parts / self._point.parts).min(initial=0.0)),
            float((step.part_slack / self._part_slack).min(initial=0.0)),
        )
        return min(1.0, TO_BOUNDARY / -deepest) if deepest < 0 else 1.0

    def _mean_product(self, step: _Step, length: float) -> float:
        """μ after a step: the mean over the eigenvalues of PZ and all parts·slack."""
        spectrum = self._frame.spectrum
        dual_matrix = np.diag(spectrum) + length * step.framed_dual_matrix
        slack = np.eye(spectrum.size) + length * step.framed_slack
        parts = self._point.parts + length * step.parts
        products = parts * (self._part_slack + length * step.part_slack)
        return float((dual_matrix * slack).sum() + products.sum()) / (spectrum.size + products.size)

    def _length(self, step: _Step, mean: float) -> float:
        """A length after which the equations are violated less, or by no more than the relative gap there is.

        At p = 1 they are linear and the room alone decides; elsewhere β is a power of subgradient over weight.
        """
        length = self._room(step)
        if self._law.linear:
            return length
        before = float(np.hypot(np.linalg.norm(self._missing), np.linalg.norm(self._excess) / self._point.level))
        gap = mean * (self._frame.spectrum.size + self._point.parts.size) / self._point.level
        slack = self._slack_change(step)
        while length > 1e-6:
            if self._violation(step, slack, length) <= max((1 - 0.05 * length) * before, (1 - length) * gap):
                break
            length *= 0.6
        return length

    def _violation(self, step: _Step, slack: Square, length: float) -> float:
        """The norm of target − basisᵀβ (‖target‖ = 1) and of tI − A diag(c) Aᵀ − Z in units of the level."""
        programme, point = self._programme, self._point
        weights, subgradient = self._weights + length * step.weights, self._subgradient + length * step.subgradient
        predictor, tangent_weights = self._law.values(point.parts + length * step.parts, weights, subgradient)
        missing = programme.target - programme.basis.T @ predictor
        level = point.level + length * step.level
        excess = level * np.eye(len(point.slack)) - programme.gram(tangent_weights) - point.slack - length * slack
        return float(np.hypot(np.linalg.norm(missing), np.linalg.norm(excess) / point.level))

    def _slack_change(self, step: _Step) -> Square:
        """ΔZ = Δt·I − A diag(Δc) Aᵀ and what closes the excess."""
        change: Square = step.level * np.eye(len(self._excess)) + self._excess
        change -= weighted_gram(self._programme.columns, step.tangent_weights)
        return change

    def _moved(self, step: _Step, length: float) -> _Point:
        point = self._point
        dual_matrix = self._frame_map @ step.framed_dual_matrix @ self._frame_map.T
        return _Point(
            dual_matrix=_symmetric(point.dual_matrix + length * dual_matrix),
            slack=_symmetric(point.slack + length * self._slack_change(step)),
            level=point.level + length * step.level,
            multipliers=point.multipliers + length * step.multipliers,
            parts=point.parts + length * step.parts,
        )


def _symmetric(matrix: Square) -> Square:
    symmetric: Square = (matrix + matrix.T) / 2
    return symmetric
