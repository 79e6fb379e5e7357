"""Second derivatives of the training loss by central differences."""

import numpy as np

from core.networks.network import Network
from tests.core.network_kinds import depth_by_hand
from tests.reference import network_by_hand


def loss(X: np.ndarray, y: np.ndarray, theta: np.ndarray, network: Network) -> float:
    """½Ê(⟨β, x⟩ − y)² at θ."""
    left = network_by_hand.residuals(X.tolist(), y.tolist(), theta.tolist(), depth_by_hand(network))
    return sum(value**2 for value in left) / (2 * len(y))


def hessian(X: np.ndarray, y: np.ndarray, theta: np.ndarray, network: Network, width: float) -> np.ndarray:
    """[L(θ+a+b) − L(θ+a−b) − L(θ−a+b) + L(θ−a−b)]/4·width² for every pair of axes; error O(width²)."""
    size = theta.size
    result = np.zeros((size, size))
    axes = width * np.eye(size).reshape(size, *theta.shape)
    for i in range(size):
        for j in range(size):
            a, b = axes[i], axes[j]
            rise = loss(X, y, theta + a + b, network) + loss(X, y, theta - a - b, network)
            fall = loss(X, y, theta + a - b, network) + loss(X, y, theta - a + b, network)
            result[i, j] = (rise - fall) / (4 * width * width)
    return result
