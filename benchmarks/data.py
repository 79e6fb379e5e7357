"""The data that everything is measured on: the paper's defaults, in several sizes."""

from core.data.regression import Dataset, sparse_regression


def paper_data(*, samples: int, dim: int) -> Dataset:
    """Sparse regression with the default law, seed 0."""
    return sparse_regression(
        samples=samples, dimension=dim, sparsity=5, mean=5.0, variance=5.0, noise_variance=0.01, seed=0
    )
