"""From which starts the flow can be followed."""

import numpy as np
import pytest

from core.implicit_bias.flow_start import flow_can_be_followed
from core.networks.network import UV, Diagonal, Product


@pytest.mark.parametrize(
    ("scale", "degree", "can"),
    [(1.0, 2, True), (1e-149, 2, True), (1e-151, 2, False), (1e100, 4, False), (0.0, 2, False), (-0.5, 3, True)],
)
def test_no_parameter_starts_at_zero_nor_out_of_reach(scale: float, degree: int, *, can: bool) -> None:
    """One that does is enough."""
    theta = np.ones((2, 3))
    theta[1, 2] = scale
    assert flow_can_be_followed(theta, Diagonal(degree)) is can


@pytest.mark.parametrize("network", [UV(), Product()])
def test_what_leaves_zero_can_be_followed(network: UV) -> None:
    """In UV a parameter is moved by its partner, unless the two are equal in size: then the squared model's is 0."""
    theta = np.zeros((4, 3))
    theta[0] = 1.0
    assert flow_can_be_followed(theta, network)
    theta[2, 1] = -1.0
    assert not flow_can_be_followed(theta, network)
