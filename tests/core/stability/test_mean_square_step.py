"""The threshold of SGD in the mean square, against its operators in full and against second moments, iterated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.optimizers import Minibatch
from core.descent.sampling import Sampling
from core.stability.mean_square_step import mean_square_stable_step

WITH = Sampling.WITH_REPLACEMENT
WITHOUT = Sampling.WITHOUT_REPLACEMENT
SIZES = [(5, 8), (7, 4), (5, 3), (6, 6)]
"""N and d: more dimensions, fewer, as many."""


def drawn(seed: int, samples: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples that lie on one side of 0, and tangent weights."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((samples, dim)) + 1, rng.random(dim) + 0.01


def hessians(X: np.ndarray, tangent_weights: np.ndarray) -> np.ndarray:
    """That of every sample at an interpolator."""
    rows = X * np.sqrt(tangent_weights)
    return np.einsum("ki,kj->kij", rows, rows)


def batches(samples: int, size: int, sampling: Sampling) -> list[tuple[float, np.ndarray]]:
    """Every minibatch there is, as counts of its samples, with its probability: by going through all of them."""
    if sampling is WITHOUT:
        every = [np.array(bits) for bits in np.ndindex(*[2] * samples) if sum(bits) == size]
        return [(1 / len(every), counts) for counts in every]
    draws = [np.bincount(draw, minlength=samples) for draw in np.ndindex(*[samples] * size)]
    return [(1 / len(draws), counts) for counts in draws]


def second_moment_operator(single: np.ndarray, step_size: float, size: int, sampling: Sampling) -> np.ndarray:
    """E[(I − ηH_B)⊗(I − ηH_B)], by its definition."""
    identity = np.eye(single.shape[1])
    steps = [
        (weight, identity - step_size * np.tensordot(counts, single, 1) / size)
        for weight, counts in batches(len(single), size, sampling)
    ]
    return np.asarray(sum(weight * np.kron(step, step) for weight, step in steps))


def kronecker_threshold(single: np.ndarray, dispersion: float) -> float:
    """2/λ_max(C†D) with all of C and D."""
    samples, dim = single.shape[:2]
    hessian, identity = single.mean(axis=0), np.eye(dim)
    symmetric = (np.kron(hessian, identity) + np.kron(identity, hessian)) / 2
    squares = sum(np.kron(each, each) for each in single) / samples
    mixed = (1 - dispersion) * np.kron(hessian, hessian) + dispersion * squares
    values, vectors = np.linalg.eigh(symmetric)
    kept = values > 1e-10 * values[-1]
    root = vectors[:, kept] / np.sqrt(values[kept])
    return float(2 / np.linalg.eigvalsh(root.T @ mixed @ root)[-1])


@given(
    seed=st.integers(0, 1000),
    shape=st.sampled_from(SIZES),
    size=st.sampled_from([1, 2, 5]),
    sampling=st.sampled_from([WITH, WITHOUT]),
)
def test_it_is_that_of_the_whole_operators(seed: int, shape: tuple[int, int], size: int, sampling: Sampling) -> None:
    """C and D of (2d)² entries or so give the same; and what is proven is as narrow as promised."""
    X, tangent_weights = drawn(seed, *shape)
    dispersion = Minibatch(batch_size=size, sampling=sampling).dispersion(len(X))
    found = mean_square_stable_step(X, tangent_weights, dispersion)
    assert found.step_size == pytest.approx(kronecker_threshold(hessians(X, tangent_weights), dispersion), rel=1e-11)
    assert found.lower <= found.step_size <= found.upper <= found.lower * (1 + 1e-8)


def grows(single: np.ndarray, step_size: float, size: int, sampling: Sampling) -> bool:
    """Whether E‖e‖² of linearised SGD grows from step 2,000 to step 4,000, from a random start."""
    step, start = second_moment_operator(single, step_size, size, sampling), np.random.default_rng(0).standard_normal(3)
    moment, grown = np.outer(start, start).ravel(), 0.0
    for count in range(4000):
        moment = step @ moment
        trace = moment.reshape(3, 3).trace()
        moment, grown = moment / trace, grown + (np.log(trace) if count >= 2000 else 0.0)
    return bool(grown > 0)


@pytest.mark.parametrize("sampling", [WITH, WITHOUT])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_it_is_where_second_moments_begin_to_grow(size: int, sampling: Sampling) -> None:
    """They are averaged over every minibatch that there is, and found within a thousandth by halving."""
    X, tangent_weights = drawn(3, 4, 3)
    single = hessians(X, tangent_weights)
    dispersion = Minibatch(batch_size=size, sampling=sampling).dispersion(4)
    calm, wild = 0.0, 2.1 / float(np.linalg.eigvalsh(single.mean(axis=0))[-1])
    for _ in range(12):
        middle = (calm + wild) / 2
        calm, wild = (calm, middle) if grows(single, middle, size, sampling) else (middle, wild)
    assert mean_square_stable_step(X, tangent_weights, dispersion).step_size == pytest.approx(wild, rel=1e-3)


@pytest.mark.parametrize("shape", SIZES)
def test_minibatches_of_all_samples_have_the_threshold_of_descent(shape: tuple[int, int]) -> None:
    """2/λ_max without replacement; with it their noise takes from that."""
    X, tangent_weights = drawn(7, *shape)
    sharpness = np.linalg.eigvalsh(hessians(X, tangent_weights).mean(axis=0))[-1]
    whole = Minibatch(batch_size=len(X)).dispersion(len(X))
    noisy = Minibatch(batch_size=len(X), sampling=WITH).dispersion(len(X))
    assert whole == 0
    assert mean_square_stable_step(X, tangent_weights, whole).step_size == pytest.approx(2 / sharpness, rel=1e-12)
    assert mean_square_stable_step(X, tangent_weights, noisy).step_size < 2 / sharpness * (1 - 1e-6)


@pytest.mark.parametrize("factor", [1e-150, 1e150])
def test_it_scales_with_the_data(factor: float) -> None:
    """As η⁻¹ does with X², wherever in float64; of more samples than are taken all at once, too."""
    X, tangent_weights = drawn(1, 30, 40)
    plain = mean_square_stable_step(X, tangent_weights, 0.5).step_size
    scaled = mean_square_stable_step(factor * X, tangent_weights, 0.5).step_size
    assert scaled * factor * factor == pytest.approx(plain, rel=1e-9)
    assert plain == pytest.approx(_by_halving(X, tangent_weights, 0.5), rel=1e-9)


def _by_halving(X: np.ndarray, tangent_weights: np.ndarray, dispersion: float) -> float:
    """The η at which 2C − ηD ceases to be positive semidefinite, by products with symmetric matrices."""
    rows = X * np.sqrt(tangent_weights / len(X))
    left, values, _ = np.linalg.svd(rows, full_matrices=False)
    modes, total = left * values, np.add.outer(values**2, values**2)
    pairs = np.einsum("ki,kj->kij", modes, modes).reshape(len(X), -1)
    root = 1 / np.sqrt(total / 2).ravel()
    fed = pairs * root * np.sqrt(dispersion * len(X))
    mean = (1 - dispersion) * np.multiply.outer(values**2, values**2).ravel() * root**2
    largest = np.linalg.eigvalsh(np.diag(mean) + fed.T @ fed)[-1]
    return float(2 / largest)


def test_where_no_output_depends_on_theta_every_step_is_stable() -> None:
    """And where something is not finite nothing is known."""
    X = np.ones((3, 2))
    assert mean_square_stable_step(X, np.zeros(2), 0.5).step_size == np.inf
    assert np.isnan(mean_square_stable_step(X, np.array([1.0, np.inf]), 0.5).step_size)


def test_a_sample_of_nothing_and_samples_apart_take_part_as_they_are() -> None:
    """Two samples without a feature in common, and one of zeros: each is a problem of its own."""
    X = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    # of the second alone: 1 − 2ηλ + η²(1 − q)λ² + η²qNλ² = 1 with λ = 4/3, q = 1, N = 3
    found = mean_square_stable_step(X, np.ones(2), 1.0)
    assert found.step_size == pytest.approx(0.5, rel=1e-12)
    assert found.lower <= found.step_size <= found.upper <= found.lower * (1 + 1e-8)


@given(
    seed=st.integers(0, 1000),
    shape=st.sampled_from([(3, 1), (4, 2), (6, 3)]),
    momentum=st.sampled_from([0.0, 0.3, 0.9, 0.99]),
    dispersion=st.sampled_from([0.2, 0.5, 1.0]),
)
def test_with_momentum_it_is_where_the_map_of_second_moments_ceases_to_contract(
    seed: int, shape: tuple[int, int], momentum: float, dispersion: float
) -> None:
    """Of (θ(t), θ(t−1)): its spectral radius crosses 1 there, and for smaller η it is below; and that is proven."""
    X, tangent_weights = drawn(seed, *shape)
    single, dim = hessians(X, tangent_weights), shape[1]
    hessian, identity, nothing = single.mean(axis=0), np.eye(dim), np.zeros((dim, dim))

    def spectral_radius(step_size: float) -> float:
        step = np.block([[(1 + momentum) * identity - step_size * hessian, -momentum * identity], [identity, nothing]])
        moved = [np.block([[each, nothing], [nothing, nothing]]) for each in (hessian, *single)]
        mean, *squares = (step_size**2 * dispersion * np.kron(each, each) for each in moved)
        moments = np.kron(step, step) + sum(squares) / len(single) - mean
        return float(np.abs(np.linalg.eigvals(moments)).max())

    found = mean_square_stable_step(X, tangent_weights, dispersion, momentum)
    assert spectral_radius(found.step_size * (1 + 1e-4)) > 1
    assert all(spectral_radius(found.step_size * part) < 1 for part in (0.01, 0.3, 0.6, 0.9, 1 - 1e-4))
    assert found.lower <= found.step_size <= found.upper <= found.lower * (1 + 1e-8)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_of_many_samples_it_is_found_and_proven_as_of_few(momentum: float) -> None:
    """Copies of a problem on features of their own have its threshold, with the eigenvalue of each of them."""
    X, tangent_weights = drawn(2, 4, 6)
    alone = mean_square_stable_step(X, tangent_weights, 1.0, momentum)
    copies = mean_square_stable_step(np.kron(np.eye(9), X), np.tile(tangent_weights, 9), 1.0, momentum)
    # with b = 1, H is a ninth of what it is alone, a sample's own step as large and a ninth as frequent
    if not momentum:
        assert copies.step_size == pytest.approx(alone.step_size, rel=1e-9)
    assert copies.lower <= copies.step_size <= copies.upper <= copies.lower * (1 + 1e-8)


def test_of_many_samples_with_momentum_it_is_that_of_all_of_f() -> None:
    """More than are formed at once, by another way to the same eigenvalue."""
    X, tangent_weights = drawn(5, 40, 60)
    found = mean_square_stable_step(X, tangent_weights, 0.3, 0.8)
    rows = X * np.sqrt(tangent_weights / 40)
    left, values, _ = np.linalg.svd(rows, full_matrices=False)
    modes, squares, m = left * values, values**2, 0.8
    turned = np.array([[(a - m * b) * (b - m * a) / (1 - m * m) for a in squares] for b in squares])
    pairs = np.einsum("ki,kj->kij", modes, modes).reshape(40, -1)

    def largest(step_size: float) -> float:
        left = (1 - m) * np.add.outer(squares, squares) - step_size * (turned - 0.3 * np.outer(squares, squares))
        return float(np.linalg.eigvalsh((pairs * (step_size * 0.3 * 40 / left).ravel()) @ pairs.T)[-1])

    assert largest(found.step_size) == pytest.approx(1, rel=1e-9)
    assert found.lower <= found.step_size <= found.upper <= found.lower * (1 + 1e-8)
