"""What several additions to a step make of it together: decay under Nesterov's momentum, averages of whatever steps."""

import numpy as np
import pytest

from core.descent.ascent import Ascent, AscentAlong
from core.descent.batch_descent import BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import ResidualNoise
from core.descent.kernel import kernel_names, kernel_of
from core.descent.optimizers import FullBatch, Nesterov, Optimizer
from core.descent.weight_decay import Decay
from core.networks.network import Diagonal, Network
from tests.core.network_kinds import NETWORKS, depth_by_hand
from tests.core.problems import small_problem
from tests.reference.decay_by_hand import descend

STEPS, LANES, DIM = 30, 3, 11


def lanes_of(kernel: str, network: Network, theta: np.ndarray, optimizer: Optimizer, **kept: bool) -> BatchDescent:
    """Lanes at θ on a small problem."""
    data = small_problem(3, samples=5, dimension=DIM)
    return kernel_of(kernel, optimizer)(data.X, data.y, network, BatchState.begin(theta.copy(), 5, **kept))


@pytest.mark.parametrize("kernel", kernel_names())
@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("is_decoupled", [False, True])
def test_weights_decay_under_nesterov_momentum_as_in_the_plain_loop(
    kernel: str, network: Network, *, is_decoupled: bool
) -> None:
    """Coupled and decoupled, a lane without decay among them."""
    data, rng, momentum = small_problem(3, samples=5, dimension=DIM), np.random.default_rng(2), 0.7
    rates = np.array([0.0, 0.5, 3.0])
    theta = rng.uniform(0.1, 0.6, (len(network.parts), LANES, DIM))
    step_sizes = rng.uniform(0, 0.02, (STEPS, LANES))
    lost = step_sizes * rates
    batch = lanes_of(kernel, network, theta, Nesterov(momentum=momentum), momentum=True)
    decay = Decay(shrink=1 - lost * is_decoupled, pull=lost * (not is_decoupled))
    batch.advance(step_sizes, StepTerms(momentum=np.full(step_sizes.shape, momentum), decay=decay))
    for lane, rate in enumerate(rates):
        by_hand = descend(
            data.X,
            data.y,
            theta[:, lane],
            step_sizes[:, lane].tolist(),
            depth=depth_by_hand(network),
            decay=rate,
            momentum=momentum,
            is_decoupled=is_decoupled,
            looks_ahead=True,
        )
        np.testing.assert_allclose(batch.theta[:, lane], by_hand, rtol=1e-11, atol=1e-13)


def additions(network: Network) -> dict[str, StepTerms]:
    """What may be beside a step, over `STEPS` steps."""
    rng = np.random.default_rng(5)
    shrink = rng.uniform(0.9, 1, (STEPS, LANES))
    drawn = 0.05 * rng.standard_normal((STEPS, len(network.parts), LANES, DIM))
    rho = np.array([0.01, 0.002, 0.03])
    return {
        "nothing": StepTerms(),
        "decay": StepTerms(decay=Decay(shrink=shrink, pull=np.zeros_like(shrink))),
        "minibatches": StepTerms(noise=ResidualNoise(weight=rng.integers(0, 3, (STEPS, LANES, 5)).astype(np.float64))),
        "parameter noise": StepTerms(noise=ResidualNoise(parameters=drawn)),
        **{
            f"ascent along the {along}": StepTerms(ascent=Ascent(along=along, normalized=False, rho=rho))
            for along in AscentAlong
        },
    }


@pytest.mark.parametrize("kernel", kernel_names())
@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("name", additions(Diagonal(depth=2)))
def test_averages_are_of_the_predictors_before_the_steps(kernel: str, network: Network, name: str) -> None:
    """Weighted by step sizes, however steps are taken: beside steps that are taken one by one."""
    rng = np.random.default_rng(4)
    theta = rng.uniform(0.1, 0.6, (len(network.parts), LANES, DIM))
    step_sizes, beside = rng.uniform(0.001, 0.02, (STEPS, LANES)), additions(network)[name]
    whole = lanes_of(kernel, network, theta, FullBatch(), averages=True)
    whole.advance(step_sizes, beside)
    single, total = lanes_of(kernel, network, theta, FullBatch()), np.zeros((LANES, DIM))
    for step, sizes in enumerate(step_sizes):
        predictors = np.stack([network.predictor(single.theta[:, lane]) for lane in range(LANES)])
        total += sizes[:, None] * predictors
        piece = slice(step, step + 1)
        single.advance(
            step_sizes[piece],
            beside.of(piece),
        )
    np.testing.assert_array_equal(whole.theta, single.theta)
    sums, weights = whole.state.predictor_sum, whole.state.weight_sum
    assert sums is not None
    assert weights is not None
    np.testing.assert_allclose(sums / weights[:, None], total / step_sizes.sum(axis=0)[:, None], rtol=1e-12, atol=1e-15)
