"""Gradient descent on β = u∘v as the literature on it is written: u, v, step γ, loss ‖X(u∘v) − y‖²/(2N)."""

import numpy as np


def gradient(X: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(∂L/∂u, ∂L/∂v)."""
    slope = X.T @ (X @ (u * v) - y) / len(y)
    return v * slope, u * slope


def descend(X: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray, steps: list[float]) -> np.ndarray:
    """(u, v) after a step of each of these sizes."""
    for step in steps:
        along_u, along_v = gradient(X, y, u, v)
        u, v = u - step * along_u, v - step * along_v
    return np.stack([u, v])


def sharpness(X: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
    """λ_max of the Hessian of L in (u, v), by central differences of the gradient."""
    dim, width = len(u), 1e-6
    rows = []
    for moved in width * np.eye(2 * dim):
        ahead = np.concatenate(gradient(X, y, u + moved[:dim], v + moved[dim:]))
        behind = np.concatenate(gradient(X, y, u - moved[:dim], v - moved[dim:]))
        rows.append((ahead - behind) / (2 * width))
    hessian = np.array(rows)
    return float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])
