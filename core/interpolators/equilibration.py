"""Equilibration: the interpolators in coordinates where every column of X has length 1."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from core.data.row_space import InterpolatorSet, interpolator_set, relative_residual


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Equilibrated:
    """Xβ = y as (X/lengths)(lengths∘β) = y, without the columns of zeros, whose β_i is 0 here.

    Columns in units of their own, as data from a table have them, are no harder then than columns of one unit.
    """

    X: Float64[np.ndarray, "sample dim"]
    y: Float64[np.ndarray, " sample"]
    columns: Int[np.ndarray, " kept"]
    lengths: Float64[np.ndarray, " kept"]
    space: InterpolatorSet

    def predictor(self, scaled: Float64[np.ndarray, " kept"]) -> Float64[np.ndarray, " dim"]:
        """The β whose products with the lengths are nearest to these among the interpolators (`polished`)."""
        predictor = np.zeros(self.X.shape[1])
        predictor[self.columns] = self.space.polished(scaled) / self.lengths
        return predictor

    def residual(self, predictor: Float64[np.ndarray, " dim"]) -> float:
        """max|Xβ − y| / max|y|; absolute where y = 0."""
        return relative_residual(self.X, self.y, predictor)


def equilibrated(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> Equilibrated:
    """The solutions of Xβ = y in coordinates of equal length.

    Raises:
        NoInterpolator: Xβ = y has no solution.
    """
    lengths = np.linalg.norm(X, axis=0)
    # where all columns vanish there is nothing to drop: y must be 0 too
    columns = np.flatnonzero(lengths) if lengths.any() else np.arange(lengths.size)
    lengths = np.where(lengths > 0, lengths, 1.0)[columns]
    space = interpolator_set(X[:, columns] / lengths, y)
    return Equilibrated(X=X, y=y, columns=columns, lengths=lengths, space=space)
