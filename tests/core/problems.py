"""Regression problems for tests: the default one of the paper, and small random ones."""

import numpy as np
from hypothesis import strategies as st

from core.data.regression import Dataset, sparse_regression


def paper_problem(*, mean: float = 5.0, seed: int = 0) -> Dataset:
    """The data set of section 7 of Nacson et al. 2022 at its default numbers."""
    return sparse_regression(
        samples=50, dimension=100, sparsity=5, mean=mean, variance=5.0, noise_variance=0.01, seed=seed
    )


def small_problem(seed: int, *, samples: int = 3, dimension: int = 7, mean: float = 1.0) -> Dataset:
    """Gaussian X and y without structure, in general position: interpolated in every dimension above `samples`."""
    rng = np.random.default_rng(seed)
    return Dataset(X=mean + rng.standard_normal((samples, dimension)), y=rng.standard_normal(samples))


def rounding_of(data: Dataset, predictor: np.ndarray) -> float:
    """The relative residual that rounding alone may leave: a thousand epsilons of the terms of Xβ, over max|y|."""
    terms = np.abs(data.X) @ np.abs(predictor) + np.linalg.norm(data.X) * np.linalg.norm(predictor)
    return float(1000 * np.finfo(np.float64).eps * terms.max() / np.abs(data.y).max())


@st.composite
def small_problems(draw: st.DrawFn) -> Dataset:
    """Random problems with fewer samples than dimensions, centred and not."""
    samples = draw(st.integers(1, 4))
    return small_problem(
        draw(st.integers(0, 2**32 - 1)),
        samples=samples,
        dimension=samples + draw(st.integers(1, 5)),
        mean=draw(st.sampled_from([0.0, 1.0, 5.0])),
    )
