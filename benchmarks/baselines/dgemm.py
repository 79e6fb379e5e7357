"""NumPy's product of two matrices, against which the rate of a step is held."""

from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.baselines.elapsed import Elapsed, elapsed

DGEMM_SIZE: Final = 1000


def dgemm() -> Callable[[], Elapsed]:
    """The time of a product of two matrices of `DGEMM_SIZE`²."""
    a = np.random.default_rng(0).standard_normal((DGEMM_SIZE, DGEMM_SIZE))
    product = np.empty_like(a)
    return lambda: elapsed(lambda: np.matmul(a, a, out=product))
