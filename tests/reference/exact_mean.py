"""Centring in exact arithmetic, number by number."""

from fractions import Fraction

import numpy as np


def centred_exactly(values: np.ndarray, training: np.ndarray) -> np.ndarray:
    """`values` minus the mean of each column of `training`, rounded to float64 once, at the end."""
    means = [sum(map(Fraction, column), Fraction(0)) / len(column) for column in training.T.tolist()]
    return np.array(
        [[float(Fraction(value) - mean) for value, mean in zip(row, means, strict=True)] for row in values.tolist()]
    )
