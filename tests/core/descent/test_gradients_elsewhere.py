"""Steps whose gradient is taken elsewhere than at θ, by every kernel, against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.descent.ascent import Ascent, AscentAlong
from core.descent.batch_descent import BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import ResidualNoise
from core.descent.kernel import NUMPY, kernel_names, kernel_of
from core.descent.optimizers import FullBatch, Nesterov, Optimizer
from core.networks.network import UV, Diagonal, Network, Product
from tests.core.network_kinds import NETWORKS, depth_by_hand
from tests.core.problems import paper_problem, small_problem
from tests.reference import gradients_elsewhere

KINDS = [(along, normalized) for along in AscentAlong for normalized in (False, True)]
every_kernel = pytest.mark.parametrize("kernel", kernel_names())
every_kind = pytest.mark.parametrize("kind", KINDS)
FUSING = [name for name in kernel_names() if name not in {NUMPY, "baseline"}]


def lanes_of(
    kernel: str, data: Dataset, network: Network, theta: np.ndarray, optimizer: Optimizer | None = None
) -> BatchDescent:
    """A batch at the start of its runs."""
    optimizer = optimizer or FullBatch()
    begun = BatchState.begin(theta, len(data.y), momentum=optimizer.has_velocity)
    return kernel_of(kernel, optimizer)(data.X, data.y, network, begun)


@every_kernel
@every_kind
@settings(max_examples=25)
@given(
    network=st.sampled_from(NETWORKS), seed=st.integers(0, 1000), shape=st.tuples(st.integers(1, 9), st.integers(1, 20))
)
def test_ascents_are_those_of_the_plain_loop(
    kernel: str, kind: tuple[AscentAlong, bool], network: Network, seed: int, shape: tuple[int, int]
) -> None:
    """Four steps from random states of both signs, every lane with its own η and ρ."""
    (along, normalized), (samples, lanes) = kind, shape
    data, rng = small_problem(seed, samples=samples, dimension=11), np.random.default_rng(seed)
    theta, step_sizes = rng.uniform(-0.6, 0.6, (len(network.parts), lanes, 11)), rng.uniform(0, 0.01, lanes)
    rho = rng.uniform(0, 0.1 if normalized else 0.01, lanes)
    batch = lanes_of(kernel, data, network, theta.copy())
    batch.advance(np.tile(step_sizes, (4, 1)), StepTerms(ascent=Ascent(along=along, normalized=normalized, rho=rho)))
    for lane in range(lanes):
        found = gradients_elsewhere.sharpness_aware(
            data.X,
            data.y,
            theta[:, lane],
            depth=depth_by_hand(network),
            step_size=float(step_sizes[lane]),
            rho=float(rho[lane]),
            each_sample=along is AscentAlong.SAMPLE,
            normalized=normalized,
            steps=4,
        )
        np.testing.assert_allclose(batch.theta[:, lane], found, rtol=1e-10, atol=1e-12)


@every_kernel
@settings(max_examples=25)
@given(network=st.sampled_from(NETWORKS), seed=st.integers(0, 1000), lanes=st.integers(1, 20))
def test_nesterov_momentum_is_that_of_its_two_sequences(kernel: str, network: Network, seed: int, lanes: int) -> None:
    """θ is the extrapolated point."""
    data, rng = small_problem(seed, samples=4, dimension=6), np.random.default_rng(seed)
    theta = rng.uniform(-0.7, 0.7, (len(network.parts), lanes, 6))
    step_sizes, momentum = rng.uniform(0, 0.03, lanes), rng.uniform(0, 0.95, lanes)
    batch = lanes_of(kernel, data, network, theta.copy(), Nesterov(momentum=0.5))
    batch.advance(np.tile(step_sizes, (7, 1)), StepTerms(momentum=np.tile(momentum, (7, 1))))
    for lane in range(lanes):
        found = gradients_elsewhere.nesterov(
            data.X,
            data.y,
            theta[:, lane],
            depth=depth_by_hand(network),
            step_size=float(step_sizes[lane]),
            momentum=float(momentum[lane]),
            steps=7,
        )
        np.testing.assert_allclose(batch.theta[:, lane], found, rtol=1e-10, atol=1e-12)


@every_kernel
@settings(max_examples=25)
@given(network=st.sampled_from(NETWORKS), seed=st.integers(0, 1000), lanes=st.integers(1, 20))
def test_parameter_noise_moves_where_the_gradient_is_taken(
    kernel: str, network: Network, seed: int, lanes: int
) -> None:
    """Not θ itself."""
    data, rng = small_problem(seed, samples=4, dimension=6), np.random.default_rng(seed)
    theta = rng.uniform(-0.7, 0.7, (len(network.parts), lanes, 6))
    noise = rng.normal(0, 0.1, (5, *theta.shape))
    step_sizes = rng.uniform(0, 0.03, lanes)
    batch = lanes_of(kernel, data, network, theta.copy())
    batch.advance(np.tile(step_sizes, (5, 1)), StepTerms(noise=ResidualNoise(parameters=noise)))
    for lane in range(lanes):
        found = gradients_elsewhere.with_noise(
            data.X,
            data.y,
            theta[:, lane],
            noise[:, :, lane],
            depth=depth_by_hand(network),
            step_size=float(step_sizes[lane]),
        )
        np.testing.assert_allclose(batch.theta[:, lane], found, rtol=1e-10, atol=1e-12)


def walk(kernel: str, network: Network, kind: tuple[AscentAlong, bool] | None, lanes: list[int], steps: int) -> bytes:
    """Some of forty lanes after so many steps; without a kind those of parameter noise."""
    data, rng = small_problem(3, samples=7, dimension=33), np.random.default_rng(5)
    theta, rho = rng.uniform(0.1, 0.4, (len(network.parts), 40, 33)), rng.uniform(0, 0.01, 40)
    sizes, noise = np.full((steps, 40), 0.01), rng.normal(0, 0.01, (30, *theta.shape))
    sizes[:, 39] = 1e6  # one that diverges
    batch = lanes_of(kernel, data, network, theta[:, lanes])
    ascent = kind and Ascent(along=kind[0], normalized=kind[1], rho=rho[lanes])
    drawn = ResidualNoise(parameters=None if kind else np.ascontiguousarray(noise[:steps][:, :, lanes]))
    batch.advance(sizes[:, lanes], StepTerms(ascent=ascent, noise=drawn))
    return batch.theta[:, 0].tobytes() + batch.gradient_sum(0).tobytes() + batch.losses()[:1].tobytes()


@every_kernel
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize("kind", [*KINDS, None])
def test_company_changes_no_bit(kernel: str, network: Network, kind: tuple[AscentAlong, bool] | None) -> None:
    """A lane alone, and first of forty, of which one diverges."""
    for lane in (0, 17):
        others = [lane, *(other for other in range(40) if other != lane)]
        assert walk(kernel, network, kind, [lane], 30) == walk(kernel, network, kind, others, 30)


@pytest.mark.skipif(len(FUSING) < 2, reason="there are no two to compare")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize("kind", [*KINDS, None])
def test_all_instruction_sets_that_fuse_give_the_same_bits(
    network: Network, kind: tuple[AscentAlong, bool] | None
) -> None:
    """Sums are made in eight parts, however wide the vectors are."""
    assert len({walk(name, network, kind, list(range(40)), 30) for name in FUSING}) == 1


@every_kernel
@every_kind
def test_a_step_of_size_zero_changes_no_bit_and_steps_may_be_taken_in_portions(
    kernel: str, kind: tuple[AscentAlong, bool]
) -> None:
    """As of gradient descent."""
    along, normalized = kind
    data = paper_problem()
    theta = np.full((2, 3, 100), 0.1)
    ascent = Ascent(along=along, normalized=normalized, rho=np.array([1e-3, 1e-2, 0.1]))
    whole, parts = lanes_of(kernel, data, Diagonal(2), theta.copy()), lanes_of(kernel, data, Diagonal(2), theta.copy())
    whole.advance(np.full((20, 3), 1e-4), StepTerms(ascent=ascent))
    for _ in range(20):
        parts.advance(np.full((1, 3), 1e-4), StepTerms(ascent=ascent))
        parts.advance(np.zeros((1, 3)), StepTerms(ascent=ascent))
    assert whole.theta.tobytes() == parts.theta.tobytes()
    assert not np.array_equal(whole.theta, theta)


@every_kernel
@every_kind
def test_what_is_zero_stays_zero(kernel: str, kind: tuple[AscentAlong, bool]) -> None:
    """u₋ and v₋ of u∘v; and at θ = 0 no ascent has a direction."""
    along, normalized = kind
    data, network = paper_problem(), Product()
    theta = np.zeros((4, 2, 100))
    theta[0, 1], theta[2, 1] = 0.1, 0.05
    batch = lanes_of(kernel, data, network, theta)
    batch.advance(
        np.full((20, 2), 1e-4), StepTerms(ascent=Ascent(along=along, normalized=normalized, rho=np.full(2, 0.01)))
    )
    assert np.isfinite(batch.theta).all()
    assert not batch.theta[:, 0].any()
    assert not batch.theta[[1, 3], 1].any()
    assert batch.theta[[0, 2], 1].all()


def end_on_a_large_matrix(
    kernel: str, network: Network, kind: tuple[AscentAlong, bool] | None, lanes: list[int]
) -> np.ndarray:
    """θ of some of three lanes on 70,000 entries after steps of descent and of this kind; one lane reads X in tiles."""
    data, rng = small_problem(1, samples=70, dimension=1000), np.random.default_rng(2)
    theta, rho = rng.uniform(0.02, 0.04, (len(network.parts), 3, 1000))[:, lanes], np.array([1e-3, 2e-3, 5e-4])[lanes]
    noise = rng.normal(0, 1e-3, (5, len(network.parts), 3, 1000))[:, :, lanes]
    batch, sizes = lanes_of(kernel, data, network, theta.copy()), np.full((5, len(lanes)), 1e-4)
    batch.advance(sizes)
    ascent = kind and Ascent(along=kind[0], normalized=kind[1], rho=rho)
    batch.advance(sizes, StepTerms(ascent=ascent, noise=ResidualNoise(parameters=None if kind else noise)))
    batch.losses()
    return batch.theta.copy()


@pytest.mark.skipif(len(FUSING) < 1, reason="none is compiled")
@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), Diagonal(4), UV()], ids=lambda network: network.key)
@pytest.mark.parametrize("kind", [*KINDS, None])
def test_a_large_matrix_is_passed_as_a_small_one(network: Network, kind: tuple[AscentAlong, bool] | None) -> None:
    """One lane reads it in tiles, three by products: the same bits by every instruction set; against NumPy's."""
    ends = {name: end_on_a_large_matrix(name, network, kind, [0]) for name in FUSING}
    together = end_on_a_large_matrix(FUSING[0], network, kind, [0, 1, 2])
    assert {end.tobytes() for end in ends.values()} == {np.ascontiguousarray(together[:, :1]).tobytes()}
    np.testing.assert_allclose(together, end_on_a_large_matrix(NUMPY, network, kind, [0, 1, 2]), rtol=1e-11)


@every_kernel
@pytest.mark.parametrize("dim", [5, 8, 11])
def test_noise_is_read_wherever_it_is(kernel: str, dim: int) -> None:
    """A view whose axes are exchanged, and one whose entries are apart, move θ as copies do; padding stays 0."""
    data, rng = small_problem(4, samples=6, dimension=dim), np.random.default_rng(4)
    drawn = rng.normal(0, 0.1, (3, 7, 2, dim, 2))
    ends = []
    for noise in (drawn[..., 0].swapaxes(1, 2), np.ascontiguousarray(drawn[..., 0].swapaxes(1, 2))):
        batch = lanes_of(kernel, data, Diagonal(3), np.full((2, 7, dim), 0.3))
        batch.advance(np.full((3, 7), 0.01), StepTerms(noise=ResidualNoise(parameters=noise)))
        ends.append(batch.theta.copy())
    packed = np.ascontiguousarray(drawn[..., 0])
    batch = lanes_of(kernel, data, Diagonal(3), np.full((2, 7, dim), 0.3))
    batch.advance(np.full((3, 7), 0.01), StepTerms(noise=ResidualNoise(parameters=packed.swapaxes(1, 2))))
    assert ends[0].tobytes() == ends[1].tobytes() == batch.theta.tobytes()
    assert len(np.unique(ends[0])) == ends[0].size
