"""The flattest interpolator of the squared model as a semidefinite programme, by CVXPY and Clarabel."""

from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np

from benchmarks.baselines.elapsed import elapsed


def least_sharpness(file: Path, gap: float) -> dict[str, Any]:
    """Minimise t over Xβ = y with (4/N)·X diag(z) Xᵀ ⪯ t·I and z ≥ |β|, to a relative gap.

    Seconds of everything a user waits for, and of Clarabel alone, without CVXPY's translation.
    """
    with np.load(file) as arrays:
        X, y = arrays["X"], arrays["y"]
    samples, dim = X.shape
    predictor, bound, top = cp.Variable(dim), cp.Variable(dim), cp.Variable()
    gram = (4 / samples) * (X @ cp.diag(bound) @ X.T)
    problem = cp.Problem(
        cp.Minimize(top),
        [top * np.eye(samples) - (gram + gram.T) / 2 >> 0, bound >= predictor, bound >= -predictor, X @ predictor == y],
    )
    taken = elapsed(lambda: problem.solve(solver=cp.CLARABEL, tol_gap_rel=gap, tol_gap_abs=0.0))
    scaled = X * np.sqrt(4 * np.abs(predictor.value) / samples)
    return {
        "status": problem.status,
        "seconds": taken.wall,
        "cpu_seconds": taken.cpu,
        "solver_seconds": problem.solver_stats.solve_time,
        "value": float(top.value),
        "sharpness": float(np.linalg.eigvalsh(scaled @ scaled.T)[-1]),
        "residual": float(np.abs(X @ predictor.value - y).max() / np.abs(y).max()),
    }
