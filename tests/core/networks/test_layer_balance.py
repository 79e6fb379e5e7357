"""What gradient flow conserves."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core.networks.layer_balance import layer_balance
from core.networks.network import UV, Diagonal, Network, Product
from tests.core.trainings import TINY


@pytest.mark.parametrize(
    ("network", "parts"), [(Diagonal(2), 2), (Diagonal(3), 2), (Diagonal(4), 2), (UV(), 4), (Product(), 4)]
)
def test_gradient_flow_conserves_the_balance_of_every_coordinate(network: Network, parts: int) -> None:
    """By an ODE solver, over a time in which β moves."""
    start = np.linspace(0.4, 0.9, parts * 7).reshape(parts, 7)
    if isinstance(network, Product):
        start[1::2] = 0.0  # its u₋ and v₋
    if network.degree == 3:
        start[0, 0] *= -1  # an entry of the other sign

    def flow(_: float, flat: np.ndarray) -> np.ndarray:
        theta = flat.reshape(start.shape)
        gradient = TINY.X.T @ (TINY.X @ network.predictor(theta) - TINY.y) / len(TINY.y)
        return np.asarray(-network.jacobian(theta) * gradient).ravel()

    end = solve_ivp(flow, (0, 1.0), start.ravel(), rtol=1e-11, atol=1e-13).y[:, -1].reshape(start.shape)
    assert np.abs(network.predictor(end) - network.predictor(start)).max() > 1e-2
    np.testing.assert_allclose(layer_balance(network, end), layer_balance(network, start), rtol=1e-7, atol=1e-9)


def test_balances_of_the_same_layers_agree() -> None:
    """u∘v with u = u₊ + u₋ and v = u₊ − u₋ is the squared model, and u² − v² = 4u₊u₋."""
    plus, minus = np.array([0.5, 2.0, 1e-30]), np.array([0.25, -1.0, 1e-30])
    squared = layer_balance(Diagonal(2), np.stack([plus, minus]))
    product = layer_balance(Product(), np.stack([plus + minus, 0 * plus, plus - minus, 0 * plus]))
    np.testing.assert_allclose(product[0], 4 * squared[0], rtol=1e-15)
    assert (product[1] == 0).all()
