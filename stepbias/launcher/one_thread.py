"""How many threads BLAS has: one, in every process that this package starts."""

from typing import Final

ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Batches run side by side, one core each: BLAS threads would compete for the same cores, and change bits."""
