"""Beyond which place of an axis medians over seeds stay below a level, and how well so many seeds tell."""

from typing import Final

import numpy as np
from jaxtyping import Float64

RESAMPLES: Final = 1000
LEVEL: Final = 0.95
"""The probability with which the interval covers the place, as far as the seeds stand for all."""


def boundaries(
    values: Float64[np.ndarray, "y x run"], places: Float64[np.ndarray, " x"], level: float
) -> Float64[np.ndarray, "3 y"]:
    """Beyond which of the ascending places the median over seeds stays below `level`, and both ends of its interval.

    Between the last place where it is not and the next it is interpolated linearly. −∞ says that it is below
    everywhere, ∞ that it is not at the last place, NaN that there is no value at all. A place without values (NaN for
    every seed) is passed over. The ends are percentiles over `RESAMPLES` draws of as many seeds with replacement, whole
    ones, as the places of a seed have their randomness in common (Efron and Tibshirani 1993, section 13.3).
    """
    seeds = values.shape[-1]
    middle = _last_changes(values - level, places)
    if seeds == 1:
        return np.stack([middle, np.full_like(middle, np.nan), np.full_like(middle, np.nan)])
    drawn = np.random.Generator(np.random.Philox(0)).integers(seeds, size=(RESAMPLES, seeds))
    changes = np.stack([_last_changes(values[..., chosen] - level, places) for chosen in drawn])
    tail = (1 - LEVEL) / 2
    # No interpolation: some of them may be infinite.
    ends = np.quantile(changes, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return np.concatenate([middle[None], ends])


def medians(values: Float64[np.ndarray, "*cell run"]) -> Float64[np.ndarray, "*cell"]:
    """The median of the finite values of each cell; NaN where there is none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=-1, keepdims=True)
    ordered = np.sort(np.where(finite, values, np.inf), axis=-1)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1), axis=-1)
    middle: Float64[np.ndarray, "*cell"] = np.where(count > 0, (low + high) / 2, np.nan)[..., 0]
    return middle


def _last_changes(
    values: Float64[np.ndarray, "y x run"], places: Float64[np.ndarray, " x"]
) -> Float64[np.ndarray, " y"]:
    return np.array([_last_change(line, places) for line in medians(values)])


def _last_change(line: Float64[np.ndarray, " x"], places: Float64[np.ndarray, " x"]) -> float:
    known = np.isfinite(line)
    line, places = line[known], places[known]
    if not line.size:
        return np.nan
    above = np.flatnonzero(line >= 0)
    if not above.size:
        return -np.inf
    last = int(above[-1])
    if last == len(line) - 1:
        return np.inf
    share = line[last] / (line[last] - line[last + 1])
    return float(places[last] + share * (places[last + 1] - places[last]))
