"""Weight decay in every kernel, beside a plain loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.batch_descent import BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import ResidualNoise
from core.descent.kernel import NUMPY, kernel_names, kernels
from core.descent.optimizers import HeavyBall, Nesterov
from core.descent.weight_decay import Decay, WeightDecay
from core.networks.network import Diagonal, Network
from tests.core.network_kinds import NETWORKS, depth_by_hand
from tests.core.problems import small_problem
from tests.reference.decay_by_hand import descend

STEPS = 40


def walked(
    kernel: str,
    network: Network,
    theta: np.ndarray,
    *,
    rates: np.ndarray,
    step_sizes: np.ndarray,
    momentum: np.ndarray | None = None,
    is_decoupled: bool = False,
    weight: np.ndarray | None = None,
    chunks: tuple[int, ...] = (STEPS,),
) -> BatchDescent:
    """Lanes with these λ after `STEPS` steps, in chunks."""
    data = small_problem(3, samples=5, dimension=theta.shape[-1])
    batch = kernels()[kernel](data.X, data.y, network, BatchState.begin(theta, 5, momentum=momentum is not None))
    lost, done = step_sizes * rates, 0
    is_pulled = momentum is not None and not is_decoupled
    decay = Decay(shrink=1 - lost * (not is_pulled), pull=lost * is_pulled)
    for chunk in chunks:
        piece = slice(done, done + chunk)
        batch.advance(
            step_sizes[piece],
            StepTerms(
                noise=ResidualNoise(weight=None if weight is None else weight[piece]),
                momentum=None if momentum is None else np.broadcast_to(momentum, step_sizes.shape)[piece],
                decay=decay.of(piece),
            ),
        )
        done += chunk
    return batch


@pytest.mark.parametrize("kernel", kernel_names())
@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize(("momentum", "is_decoupled"), [(None, False), (0.7, False), (0.7, True)])
def test_decaying_weights_walk_as_the_plain_loop(
    kernel: str, network: Network, momentum: float | None, *, is_decoupled: bool
) -> None:
    """Coupled and decoupled, with a step size of its own in every step; a lane without decay among them, too."""
    data, rng = small_problem(3, samples=5, dimension=11), np.random.default_rng(1)
    rates = np.array([0.0, 0.5, 3.0])
    theta = rng.uniform(0.1, 0.6, (len(network.parts), 3, 11))
    step_sizes = rng.uniform(0, 0.03, (STEPS, 3))
    kept = None if momentum is None else np.full(3, momentum)
    batch = walked(kernel, network, theta, rates=rates, step_sizes=step_sizes, momentum=kept, is_decoupled=is_decoupled)
    for lane, rate in enumerate(rates):
        by_hand = descend(
            data.X,
            data.y,
            theta[:, lane],
            step_sizes[:, lane].tolist(),
            depth=depth_by_hand(network),
            decay=rate,
            momentum=momentum or 0.0,
            is_decoupled=is_decoupled,
        )
        np.testing.assert_allclose(batch.theta[:, lane], by_hand, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("momentum", [None, 0.6])
def test_instruction_sets_company_and_chunks_change_no_bit(network: Network, momentum: float | None) -> None:
    """Every compiled kernel gives the same; a lane alone, among 40 others, and in chunks, in each kernel its own."""
    rng = np.random.default_rng(2)
    theta = rng.uniform(0.1, 0.5, (len(network.parts), 40, 33))
    rates, step_sizes = rng.uniform(0, 2, 40), rng.uniform(0, 0.01, (STEPS, 40))
    weight = rng.choice([0.0, 5.0], (STEPS, 40, 5), p=[0.8, 0.2])

    def of(kernel: str, lanes: list[int], chunks: tuple[int, ...]) -> tuple[bytes, ...]:
        batch = walked(
            kernel,
            network,
            theta[:, lanes],
            rates=rates[lanes],
            step_sizes=step_sizes[:, lanes],
            momentum=None if momentum is None else np.full(len(lanes), momentum),
            weight=weight[:, lanes],
            chunks=chunks,
        )
        place = lanes.index(17)
        return batch.theta[:, place].tobytes(), batch.gradient_sum(place).tobytes(), batch.losses()[[place]].tobytes()

    found = {name: of(name, list(range(40)), (STEPS,)) for name in kernel_names()}
    assert len({bits for name, bits in found.items() if name not in {NUMPY, "baseline"}}) <= 1
    for name, bits in found.items():
        assert of(name, [17], (STEPS,)) == of(name, [3, 17, 5], (7, 33)) == bits


@given(seed=st.integers(0, 1000), rate=st.floats(0, 5))
def test_decay_is_a_factor_that_all_parts_share(seed: int, rate: float) -> None:
    """At depth 2: |u₊u₋| and ln|u₊/u₋| + 2S are those that A = A(0)·Πs²·Π|1 − x'²| and the sum S of the x' say."""
    rng = np.random.default_rng(seed)
    theta, step_sizes = rng.uniform(0.2, 0.6, (2, 1, 7)), rng.uniform(0.0, 0.02, (STEPS, 1))
    data = small_problem(3, samples=5, dimension=7)
    batch = walked(kernel_names()[0], Diagonal(2), theta, rates=np.array([rate]), step_sizes=step_sizes)
    u, product, total = theta[:, 0].copy(), theta[0, 0] * theta[1, 0], np.zeros(7)
    for step_size in step_sizes[:, 0]:
        shrink = 1 - step_size * rate
        slope = data.X.T @ (data.X @ (u[0] ** 2 - u[1] ** 2) - data.y) / len(data.y)
        x = 2 * step_size * slope / shrink
        product, total = product * shrink**2 * (1 - x**2), total + x
        u = np.stack(
            [
                u[0] * (1 - 2 * step_size * slope - step_size * rate),
                u[1] * (1 + 2 * step_size * slope - step_size * rate),
            ]
        )
    np.testing.assert_allclose(batch.theta[0, 0] * batch.theta[1, 0], product, rtol=1e-11)
    np.testing.assert_allclose(batch.gradient_sum(0), total, rtol=1e-9, atol=1e-13)


@given(momentum=st.floats(0, 0.95), lost=st.floats(1e-3, 0.5), is_decoupled=st.booleans(), looks_ahead=st.booleans())
def test_what_decay_adds_to_the_sharpness_is_where_steps_cease_to_contract(
    momentum: float, lost: float, *, is_decoupled: bool, looks_ahead: bool
) -> None:
    """η(h + sharpening) = 2 + 2m, of Nesterov (2 + 2m)/(1 + 2m), is the edge: the radius crosses 1 there."""

    def radius(product: float) -> float:
        """Of one step on (θ, v) on the loss hθ²/2 at ηh = `product`."""
        pull, shrink = (0.0, 1 - lost) if is_decoupled else (lost, 1.0)
        change, velocity = np.array([-product - pull, 0.0]), np.array([-product - pull, momentum])
        added = momentum * velocity + change if looks_ahead else velocity
        return float(np.abs(np.linalg.eigvals(np.array([added + np.array([shrink, 0.0]), velocity]))).max())

    decay, kind = WeightDecay(rate=lost, is_decoupled=is_decoupled), Nesterov if looks_ahead else HeavyBall
    edge = kind(momentum=momentum).stability_limit - decay.sharpening(momentum, looks_ahead=looks_ahead)
    assert radius(edge + 1e-6) > 1
    assert radius(edge - 1e-6) < 1
    assert radius(0.0) < 1


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("is_decoupled", [False, True])
def test_steps_rest_where_the_penalty_that_is_said_is_stationary(momentum: float, *, is_decoupled: bool) -> None:
    """On ½h(θ − 1)² at h/(h + λ), λ the `penalty_rate`: decoupled momentum decays by less."""
    theta, velocity, curvature, rate, step_size = 0.3, 0.0, 2.0, 0.7, 0.05
    for _ in range(4000):
        pulled = 0.0 if is_decoupled else rate * theta
        velocity = momentum * velocity - step_size * (curvature * (theta - 1) + pulled)
        theta += velocity - (step_size * rate * theta if is_decoupled else 0.0)
    penalty = WeightDecay(rate=rate, is_decoupled=is_decoupled).penalty_rate(momentum)
    assert theta == pytest.approx(curvature / (curvature + penalty), rel=1e-12)
