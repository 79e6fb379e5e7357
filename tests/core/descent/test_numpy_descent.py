"""The batched training step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.descent.batch_descent import BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import ResidualNoise
from core.descent.kernel import kernel_names, kernels
from core.descent.schedule import warmed_up
from core.networks.network import Diagonal, Network
from core.tiles import TILE, padded
from tests.core.network_kinds import NETWORKS, depth_by_hand
from tests.core.problems import paper_problem, small_problem
from tests.reference import network_by_hand
from tests.reference.descent_by_hand import Path, descend

IN_USE: list[str] = []


@pytest.fixture(scope="module", params=kernel_names(), autouse=True)
def kernel(request: pytest.FixtureRequest) -> None:
    """Everything here holds for every kernel that the machine has."""
    IN_USE[:] = [request.param]


def lanes_of(data: Dataset, network: Network, state: BatchState) -> BatchDescent:
    """A batch, advanced by the kernel in use."""
    return kernels()[IN_USE[0]](data.X, data.y, network, state)


def gradient_sums(batch: BatchDescent) -> np.ndarray:
    """Of all lanes."""
    return np.array([batch.gradient_sum(lane) for lane in range(batch.lanes)])


def start(data: Dataset, scales: list[float]) -> BatchDescent:
    """A batch of uniform starts."""
    u = np.broadcast_to(np.array(scales)[None, :, None], (2, len(scales), data.X.shape[1]))
    return lanes_of(data, Diagonal(2), BatchState.begin(u, len(data.y)))


def test_a_batch_walks_as_each_run_does_by_hand() -> None:
    """Every lane equals the plain loop over coordinates to 1e-12 along a whole smooth trajectory."""
    data = paper_problem()
    scales, step_sizes = [0.01, 0.3, 1.0], [2e-4, 5e-4, 1e-4]
    batch = start(data, scales)
    batch.advance(np.tile(step_sizes, (200, 1)))
    for lane, (scale, step_size) in enumerate(zip(scales, step_sizes, strict=True)):
        path = Path(u_plus=[scale] * 100, u_minus=[scale] * 100)
        descend(data.X.tolist(), data.y.tolist(), path, [step_size] * 200)
        np.testing.assert_allclose(batch.theta[0, lane], path.u_plus, rtol=1e-12)
        np.testing.assert_allclose(batch.theta[1, lane], path.u_minus, rtol=1e-12)
        np.testing.assert_allclose(batch.gradient_sum(lane), path.steps_sum, rtol=1e-12, atol=1e-15)


@given(seed=st.integers(0, 1000), samples=st.integers(1, 6), dimension=st.integers(1, 9), lanes=st.integers(1, 40))
def test_one_step_from_any_state_equals_the_plain_loop(seed: int, samples: int, dimension: int, lanes: int) -> None:
    """From random states of random shapes, u and the accumulator move as the formula says, to 1e-12."""
    data = small_problem(seed, samples=samples, dimension=dimension)
    rng = np.random.default_rng(seed)
    u, sums = rng.standard_normal((2, lanes, dimension)), rng.standard_normal((lanes, samples))
    step_sizes = rng.uniform(0, 0.1, lanes)
    batch = lanes_of(data, Diagonal(2), BatchState(theta=u, residual_sum=sums))
    batch.advance(step_sizes[None])
    for lane in range(lanes):
        path = Path(u_plus=u[0, lane].tolist(), u_minus=u[1, lane].tolist())
        descend(data.X.tolist(), data.y.tolist(), path, [float(step_sizes[lane])])
        np.testing.assert_allclose(batch.theta[0, lane], path.u_plus, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(batch.theta[1, lane], path.u_minus, rtol=1e-12, atol=1e-12)
        moved = batch.gradient_sum(lane) - sums[lane] @ data.X
        np.testing.assert_allclose(moved, path.steps_sum, rtol=1e-12, atol=1e-12)


SHAPES = [(1, 1), (2, 3), (3, 2), (7, 33), (10, 17), (50, 100), (51, 101), (30, 400)]


@pytest.mark.parametrize(("samples", "dimension"), SHAPES)
@pytest.mark.parametrize("place", [0, 1, 7, 15, 16, 33])
def test_neither_place_nor_company_changes_a_bit_of_a_run(samples: int, dimension: int, place: int) -> None:
    """The same run alone, and anywhere among other runs (one of them diverging), ends in the same bits.

    This is the fact about the kernel, and about this machine's BLAS where it is NumPy's, on which resuming, splitting
    and sharing of runs rest.
    """
    data = small_problem(1, samples=samples, dimension=dimension)
    rng = np.random.default_rng(place)
    alone, lanes = start(data, [0.3]), place + 3
    u = rng.standard_normal((2, lanes, dimension))
    u[:, place] = 0.3
    step_sizes = rng.uniform(0, 1e-2, lanes)
    step_sizes[place], step_sizes[place - 1] = 1e-2, 1e6
    company = lanes_of(data, Diagonal(2), BatchState.begin(u, samples))
    alone.advance(np.full((50, 1), 1e-2))
    company.advance(np.tile(step_sizes, (50, 1)))
    assert company.theta[:, place].tobytes() == alone.theta[:, 0].tobytes()
    assert company.gradient_sum(place).tobytes() == alone.gradient_sum(0).tobytes()
    assert company.losses()[place] == alone.losses()[0]
    assert not np.isfinite(company.theta[:, place - 1]).all()


def test_steps_taken_in_any_portions_are_the_same_steps() -> None:
    """A hundred steps at once, and one at a time, end in the same bits."""
    data = paper_problem()
    at_once, one_by_one = start(data, [0.1, 1.0]), start(data, [0.1, 1.0])
    schedule = warmed_up(np.array([1e-3, 2e-3]), np.array([50, 200]), 0, 100)
    at_once.advance(schedule)
    for row in schedule:
        one_by_one.advance(row[None])
    assert at_once.theta.tobytes() == one_by_one.theta.tobytes()


def test_a_step_of_size_zero_changes_no_bit() -> None:
    """Runs that are held or out of budget stay where they are."""
    data = paper_problem()
    batch = start(data, [0.1])
    batch.advance(np.full((10, 1), 1e-3))
    before = batch.theta.tobytes()
    batch.advance(np.zeros((10, 1)))
    assert batch.theta.tobytes() == before


def test_losses_are_half_the_mean_square_of_the_residual() -> None:
    """L = ‖Xβ − y‖²/(2N), by its definition, sample by sample."""
    data = small_problem(5, samples=4, dimension=6)
    batch = start(data, [0.5, 2.0])
    batch.advance(np.full((5, 2), 1e-2))
    for lane in range(2):
        beta = batch.theta[0, lane] ** 2 - batch.theta[1, lane] ** 2
        by_hand = sum(float(row @ beta - target) ** 2 for row, target in zip(data.X, data.y, strict=True)) / 8
        assert batch.losses()[lane] == pytest.approx(by_hand, rel=1e-12)


def test_a_kick_is_a_step_with_another_residual() -> None:
    """With the true residual it is a step; it moves its own lane only, and enters the accumulator."""
    data = small_problem(2)
    moved, stepped = start(data, [0.5, 0.7]), start(data, [0.5, 0.7])
    residual = -data.y
    moved.step_by(1, 1e-2, residual)
    stepped.advance(np.array([[0.0, 1e-2]]))
    np.testing.assert_allclose(moved.theta, stepped.theta, rtol=1e-14)
    np.testing.assert_allclose(gradient_sums(moved), gradient_sums(stepped), rtol=1e-12, atol=1e-16)
    assert moved.theta[:, 0].tobytes() == np.full((2, 7), 0.5).tobytes()


@pytest.mark.parametrize("lanes", [1, 15, 16, 17, 128])
def test_batches_are_padded_to_whole_tiles(lanes: int) -> None:
    """The padded width is the next multiple of a tile, and the views show the real lanes alone."""
    assert padded(lanes) % TILE == 0
    assert 0 <= padded(lanes) - lanes < TILE
    assert start(small_problem(0), [0.1] * lanes).theta.shape == (2, lanes, 7)


def test_the_step_size_grows_linearly_and_then_stays() -> None:
    """η_t = η·min(1, (t+1)/W); W = 0 and W = 1 both start at full size."""
    schedule = warmed_up(np.array([1.0, 1.0, 2.0]), np.array([0, 1, 4]), 0, 6)
    np.testing.assert_array_equal(schedule[:, 0], np.ones(6))
    np.testing.assert_array_equal(schedule[:, 1], np.ones(6))
    np.testing.assert_array_equal(schedule[:, 2], [0.5, 1.0, 1.5, 2.0, 2.0, 2.0])


@given(network=st.sampled_from(NETWORKS), seed=st.integers(0, 1000), lanes=st.integers(1, 20))
def test_every_network_and_optimizer_walks_as_the_plain_loop(network: Network, seed: int, lanes: int) -> None:
    """Momentum, minibatches and label noise at once, five steps from random states, parameter by parameter."""
    data, rng = small_problem(seed, samples=4, dimension=6), np.random.default_rng(seed)
    theta = rng.uniform(-0.7, 0.7, (len(network.parts), lanes, 6))
    step_sizes, momentum = rng.uniform(0, 0.03, lanes), rng.uniform(0, 0.9, lanes)
    chosen = rng.permuted(np.tile(np.arange(4), (5, lanes, 1)), axis=-1)[..., :2]
    weight = np.zeros((5, lanes, 4))
    np.put_along_axis(weight, chosen, 4 / 2, axis=-1)
    shift = rng.standard_normal((5, lanes, 4))
    batch = lanes_of(data, network, BatchState.begin(theta, 4, momentum=True))
    batch.advance(
        np.tile(step_sizes, (5, 1)),
        StepTerms(noise=ResidualNoise(weight=weight, shift=shift), momentum=np.tile(momentum, (5, 1))),
    )
    for lane in range(lanes):
        by_hand = network_by_hand.descend(
            data.X.tolist(),
            data.y.tolist(),
            theta[:, lane].tolist(),
            [float(step_sizes[lane])] * 5,
            depth=depth_by_hand(network),
            momentum=float(momentum[lane]),
            minibatches=chosen[:, lane].tolist(),
            label_noise=shift[:, lane].tolist(),
        )
        np.testing.assert_allclose(batch.theta[:, lane], by_hand, rtol=1e-11, atol=1e-12)


@given(network=st.sampled_from(NETWORKS), seed=st.integers(0, 1000), lanes=st.integers(1, 20))
def test_every_network_walks_without_momentum_as_the_plain_loop(network: Network, seed: int, lanes: int) -> None:
    """Gradient descent from random states; the accumulator is Σ rate·η·g, the same for all parts."""
    data, rng = small_problem(seed, samples=4, dimension=6), np.random.default_rng(seed)
    theta, step_sizes = rng.uniform(-0.9, 0.9, (len(network.parts), lanes, 6)), rng.uniform(0, 0.03, lanes)
    batch = lanes_of(data, network, BatchState.begin(theta, 4))
    sums = np.zeros((lanes, 6))
    rate = 1.0 if depth_by_hand(network) is None else float(network.degree)
    for _ in range(5):
        residual = network.predictor(batch.theta) @ data.X.T - data.y
        sums += rate * step_sizes[:, None] * (residual @ data.X) / 4
        batch.advance(step_sizes[None])
    for lane in range(lanes):
        rows = theta[:, lane].tolist()
        walked = [float(step_sizes[lane])] * 5
        by_hand = network_by_hand.descend(data.X.tolist(), data.y.tolist(), rows, walked, depth=depth_by_hand(network))
        np.testing.assert_allclose(batch.theta[:, lane], by_hand, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(gradient_sums(batch), sums, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("place", [0, 15, 16, 33])
def test_company_changes_no_bit_of_any_network(network: Network, place: int) -> None:
    """With noise and momentum: alone and among 40 others, the same bits."""
    data, rng = small_problem(3, samples=7, dimension=33), np.random.default_rng(place)
    theta = rng.uniform(0.1, 0.4, (len(network.parts), 40, 33))
    weight = rng.uniform(0, 2, (30, 40, 7))

    def walk(lanes: list[int]) -> BatchDescent:
        batch = lanes_of(data, network, BatchState.begin(theta[:, lanes], 7, momentum=True))
        batch.advance(
            np.full((30, len(lanes)), 0.01),
            StepTerms(noise=ResidualNoise(weight=weight[:, lanes]), momentum=np.full((30, len(lanes)), 0.5)),
        )
        return batch

    company, alone = walk(list(range(40))), walk([place])
    assert company.theta[:, place].tobytes() == alone.theta[:, 0].tobytes()
    assert company.losses()[place] == alone.losses()[0]
