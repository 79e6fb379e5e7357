"""Where training starts."""

from typing import Any

import numpy as np
import pytest

from core.networks.initialization import vector_scales
from core.networks.network import UV
from core.sweep.initial_parameters import initial_parameters
from tests.core.specs import grid_of


def start(dim: int = 6, **parts: dict[str, Any]) -> np.ndarray:
    """θ(0) of the only run of a small spec."""
    run = grid_of(**parts).run(0)
    return initial_parameters(run, dim)


def normal(**fields: Any) -> dict[str, Any]:
    """A normal initialisation, the kind of the smallest spec replaced."""
    return {"kind": "normal"} | fields


def test_a_uniform_start_is_one_number() -> None:
    """u₊ = u₋ = α, at every depth."""
    np.testing.assert_array_equal(start(model={"kind": "diagonal", "depth": 3}), np.full((2, 6), 0.1))


def test_a_normal_start_is_one_draw_stretched() -> None:
    """The same z for both signs, for all scales; another seed is another z."""
    small, large = start(initialization=normal(scale=0.1)), start(initialization=normal(scale=1.0))
    np.testing.assert_allclose(10 * small, large, rtol=1e-15)
    np.testing.assert_array_equal(large[0], large[1])
    assert (large < 0).any()
    assert (start(initialization=normal(scale=1.0, seed=1)) != large).any()


def test_independent_draws_differ_and_share_the_first() -> None:
    """One z for each sign: β(0) is not zero then."""
    shared, apart = start(initialization=normal(scale=1.0)), start(initialization=normal(scale=1.0, independent=True))
    np.testing.assert_array_equal(shared[0], apart[0])
    assert (apart[0] != apart[1]).all()


def test_normal_starts_have_unit_variance() -> None:
    """Over many coordinates."""
    draw = start(20_000, initialization=normal(scale=2.0))[0]
    assert np.std(draw) == pytest.approx(2.0, rel=0.03)
    assert abs(np.mean(draw)) < 0.06


def test_a_vector_is_scaled_with_its_signs() -> None:
    """α·v for both."""
    vector = [1.0, -2.0, 0.5] + [1.0] * 97
    theta = start(100, initialization={"kind": "vector", "vector": vector, "scale": 0.2})
    np.testing.assert_allclose(theta, np.tile(0.2 * np.array(vector), (2, 1)))
    with pytest.raises(ValueError, match="3 entries"):
        vector_scales(1.0, [1, 2, 3], 4)


@pytest.mark.parametrize("shape", [-0.9, 0.0, 0.5])
def test_the_shape_of_a_uv_start_leaves_the_product_alone(shape: float) -> None:
    """u·v = α² for both signs, and (v − u)/(v + u) = s; so β(0) = 0."""
    theta = start(model={"kind": "uv", "shape": shape})
    np.testing.assert_allclose(theta[:2] * theta[2:], 0.01, rtol=1e-14)
    np.testing.assert_allclose((theta[2:] - theta[:2]) / (theta[2:] + theta[:2]), shape, atol=1e-14)
    assert not UV().predictor(theta).any()
