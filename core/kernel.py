"""Which implementation computed a number: runs are bit-identical within one kernel id, and only there."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController


@cache
def kernel_id() -> str:
    """Implementation, instruction set and BLAS build, such as "numpy-2.4.6/openblas-0.3.31/SkylakeX".

    Elementwise float64 arithmetic is the same everywhere; matrix products are as their BLAS kernel sums them.
    """
    blas = [
        info for info in ThreadpoolController().info() if info["user_api"] == "blas" and "numpy" in info["filepath"]
    ]
    library = blas[0] if blas else {}
    name = f"{library.get('internal_api', 'blas')}-{library.get('version') or 'unknown'}"
    return f"numpy-{np.__version__}/{name}/{library.get('architecture', 'unknown')}"


def one_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread: the sums do not depend on a split, and cores are not oversubscribed."""
    limiter: AbstractContextManager[Any] = ThreadpoolController().limit(limits=1, user_api="blas")
    return limiter
