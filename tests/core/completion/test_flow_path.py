"""The way of gradient flow to its limit: against the differential equation, and what completion makes of it."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core.completion.completion import Completer, Completion, NotCompletable
from core.completion.flow_path import sharpness_on_the_way
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.implicit_bias.conserved_form import ConservedForm
from core.networks.network import Diagonal
from core.stability.gram_spectrum import GramSpectrum
from tests.core.problems import small_problem


def nearly_equal_samples(seed: int) -> tuple[Dataset, np.ndarray]:
    """Three samples whose loss, from a state at which the first mode has settled, hardly sees the other two."""
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(4, 8))
    modes = np.linalg.qr(rng.standard_normal((dim, 3)))[0].T
    values = np.sqrt(3) * np.array([1, 3e-4 * rng.uniform(0.3, 1), 1e-4 * rng.uniform(0.3, 1)])
    X = np.linalg.qr(rng.standard_normal((3, 3)))[0] @ np.diag(values) @ modes
    predictor = rng.standard_normal(dim)
    start = np.tile(10 ** rng.uniform(-1.5, 0, dim), (2, 1))
    first = interpolator_set(modes[:1], modes[:1] @ predictor)
    return Dataset(X=X, y=X @ predictor), ConservedForm(theta=start, depth=2).flowed(first).state.theta


def sharpness_by_integration(data: Dataset, theta: np.ndarray, depth: int) -> float:
    """The largest sharpness of the Gram matrix along θ' = −∇L, by a stiff solver from one time to the next."""
    network = Diagonal(depth)

    def flow(_: float, flat: np.ndarray) -> np.ndarray:
        theta = flat.reshape(2, -1)
        gradient = (data.X @ network.predictor(theta) - data.y) @ data.X / len(data.y)
        return -(network.jacobian(theta) * gradient).ravel()

    found = solve_ivp(flow, (0, 1e11), theta.ravel(), method="LSODA", rtol=1e-8, atol=1e-12)
    assert found.success
    weights = [network.tangent_weights(flat.reshape(2, -1)) for flat in found.y.T]
    return max(float(np.linalg.eigvalsh(data.X * c @ data.X.T / len(data.y))[-1]) for c in weights)


def on_the_way(data: Dataset, theta: np.ndarray, depth: int) -> float:
    """The same as the product has it, the ends included."""
    space = interpolator_set(data.X, data.y)
    gram, state = GramSpectrum.of(space), ConservedForm(theta=theta, depth=depth)
    ends = [gram.largest(end.tangent_weights) for end in (state, state.flowed(space).state)]
    return max(*ends, sharpness_on_the_way(space, gram, state, enough=np.inf))


@pytest.mark.parametrize("seed", [133, 594, 632, 852])
def test_a_way_that_is_sharper_than_both_its_ends_is_seen(seed: int) -> None:
    """Twice as sharp as the ends, a million steps away; to a tenth, as the steps along the way are coarse."""
    data, theta = nearly_equal_samples(seed)
    assert on_the_way(data, theta, 2) == pytest.approx(sharpness_by_integration(data, theta, 2), rel=0.1)


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_way_is_that_of_the_differential_equation(depth: int, seed: int) -> None:
    """From a plain start as well, at every depth."""
    data, theta = small_problem(seed), np.full((2, 7), 0.4)
    assert on_the_way(data, theta, depth) == pytest.approx(sharpness_by_integration(data, theta, depth), rel=0.1)


@pytest.mark.parametrize("seed", [133, 594, 632, 852])
def test_a_run_that_will_be_unstable_on_the_way_is_not_completed(seed: int) -> None:
    """Though it is stable here and would be where flow ends: descent would leave the flow in between."""
    data, theta = nearly_equal_samples(seed)
    largest, completer = on_the_way(data, theta, 2), Completer(data, Diagonal(2))
    assert completer.complete(theta, step_size=2.2 / largest, tolerance=np.inf) is NotCompletable.UNSTABLE
    found = completer.complete(theta, step_size=1.5 / largest, tolerance=np.inf)
    assert isinstance(found, Completion)
    assert found.sharpness < 0.9 * largest


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize(("away", "is_straight"), [(0.0048, True), (0.0052, False)])
def test_a_way_that_is_straight_is_not_followed(depth: int, away: float, *, is_straight: bool) -> None:
    """One sample of equal entries: the first step is half the line to the limit, to a hundredth of a quarter or not."""
    data = Dataset(X=np.ones((1, 4)), y=np.ones(1))
    space = interpolator_set(data.X, data.y)
    limit = ConservedForm(theta=np.full((2, 4), 0.7), depth=depth).flowed(space).state
    start = limit.moved(np.full(4, away / limit.stretch.max()))
    met = sharpness_on_the_way(space, GramSpectrum.of(space), start, enough=np.inf)
    assert (met == 0) is is_straight
