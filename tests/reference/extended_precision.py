"""Gradient descent on the squared model in the widest floating point that NumPy has, one run, straight from eq. 4."""

import numpy as np


def is_wider_than_float64() -> bool:
    """Whether this machine's long double resolves more than float64 does."""
    return bool(np.finfo(np.longdouble).eps < 1e-18)


def descend(
    X: np.ndarray, y: np.ndarray, *, init_scale: float, step_size: float, warmup_steps: int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """u₊ and u₋ after so many steps of u± ← u±(1 ∓ 2η_t·g), rounded to float64 at the very end."""
    wide_X, wide_y = X.astype(np.longdouble), y.astype(np.longdouble)
    transposed = np.ascontiguousarray(wide_X.T)
    u_plus = np.full(X.shape[1], init_scale, dtype=np.longdouble)
    u_minus = u_plus.copy()
    eta = np.longdouble(step_size)
    for t in range(steps):
        residual = wide_X @ (u_plus * u_plus - u_minus * u_minus) - wide_y
        rate = 2 * eta * min(np.longdouble(1), np.longdouble(t + 1) / warmup_steps) / len(y)
        x = rate * (transposed @ residual)
        u_plus *= 1 - x
        u_minus *= 1 + x
    return u_plus.astype(np.float64), u_minus.astype(np.float64)
