"""The largest eigenvalue of a Hessian by its secular equation, against whole spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.networks.network import Network
from core.stability.extreme_eigenvalues import largest_eigenvalue, least_eigenvalue
from core.stability.hessian import hessian, hessians
from core.stability.secular_equation import _Schur, largest_by_secular_equation
from core.stability.sharpness import top_hessian_eigenpair
from tests.core.network_kinds import NETWORKS
from tests.core.problems import small_problem


@settings(max_examples=150, deadline=None)
@given(
    network=st.sampled_from(NETWORKS),
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    mean=st.sampled_from([0.0, 1.0, 5.0]),
    scale=st.sampled_from([1e-3, 0.1, 1.0]),
)
def test_it_is_the_largest_eigenvalue(
    network: Network, seed: int, shape: tuple[int, int], mean: float, scale: float
) -> None:
    """And its vector an eigenvector, where it is found; what is reported of a state is so in any case."""
    data = small_problem(seed, samples=shape[0], dimension=shape[1], mean=mean)
    theta = scale * np.random.default_rng(seed).uniform(-1.2, 1.2, (len(network.parts), shape[1]))
    matrix = hessian(data.X, data.y, theta, network)
    spectrum = np.linalg.eigvalsh(matrix)
    norm = np.abs(spectrum).max()
    held = hessians(data.X, data.y, theta[:, None], network)
    with np.errstate(all="ignore"):
        found = largest_by_secular_equation(held)
    if found is not None:
        value, vector = found
        assert np.ldexp(value, 2 * held.exponent[0]) == pytest.approx(spectrum[-1], abs=1e-12 * norm)
        scaled = np.ldexp(norm, -2 * held.exponent[0])
        assert np.linalg.norm(held.product(vector[None])[0] - value * vector) <= 1e-7 * scaled
    pair = top_hessian_eigenpair(data.X, data.y, theta, network)
    assert pair.value == pytest.approx(spectrum[-1], abs=1e-12 * norm)
    assert np.linalg.norm(matrix @ pair.vector - pair.value * pair.vector) <= 1e-7 * norm


@settings(max_examples=100, deadline=None)
@given(
    network=st.sampled_from(NETWORKS),
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    place=st.integers(1, 4),
    error=st.sampled_from([0.0, 1e-13, -1e-13, 1e-7, -1e-3, 0.5]),
    wrong=st.sampled_from([None, np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300]),
)
def test_what_is_expected_does_not_matter(  # noqa: PLR0917 - what an expectation is drawn from
    network: Network, seed: int, shape: tuple[int, int], place: int, error: float, wrong: float | None
) -> None:
    """Whether it is right, or another eigenvalue, or nonsense: what is found is the largest, or nothing."""
    data = small_problem(seed, samples=shape[0], dimension=shape[1])
    theta = np.random.default_rng(seed).uniform(-1.2, 1.2, (len(network.parts), 1, shape[1]))
    held = hessians(data.X, data.y, theta, network)
    spectrum = np.linalg.eigvalsh(hessian(data.X, data.y, theta[:, 0], network)) * 4.0 ** -held.exponent[0]
    expected = spectrum[-min(place, len(spectrum))] * (1 + error) if wrong is None else wrong
    with np.errstate(all="ignore"):
        found = largest_by_secular_equation(held, float(expected))
    if found is not None:
        assert found[0] == pytest.approx(spectrum[-1], abs=1e-12 * np.abs(spectrum).max())


def test_an_expectation_that_is_another_eigenvalue_is_found_out_by_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the largest is found nevertheless; where every proof fails, nothing is."""
    data = small_problem(3, samples=5, dimension=9)
    held = hessians(data.X, data.y, np.full((2, 1, 9), 0.4), NETWORKS[0])
    right = largest_by_secular_equation(held)
    assert right is not None
    spectrum = np.linalg.eigvalsh(hessian(data.X, data.y, np.full((2, 9), 0.4), NETWORKS[0]))
    second = float(spectrum[-2]) * 4.0 ** -held.exponent[0]
    proofs: list[bool] = []
    is_above_all = _Schur.is_above_all

    def noted(equation: _Schur, value: float) -> bool:
        proofs.append(is_above_all(equation, value))
        return proofs[-1]

    monkeypatch.setattr(_Schur, "is_above_all", noted)
    found = largest_by_secular_equation(held, second)
    assert found is not None
    assert found[0] == pytest.approx(right[0], rel=1e-13)
    assert proofs == [False, True]
    monkeypatch.setattr(_Schur, "is_above_all", lambda *_: False)
    assert largest_by_secular_equation(held, right[0]) is None
    pair = top_hessian_eigenpair(data.X, data.y, np.full((2, 9), 0.4), NETWORKS[0], expected=second)
    assert pair.value == pytest.approx(spectrum[-1], rel=1e-12)


@pytest.mark.parametrize("shape", [(6, 6), (6, 9), (9, 6)])
def test_an_eigenvalue_that_is_several_times_there_is_the_largest_still(shape: tuple[int, int]) -> None:
    """Of orthogonal samples at an even state, with coordinates that no sample has."""
    X = np.linalg.qr(np.random.default_rng(1).standard_normal((9, 9)))[0][: shape[0], : shape[1]] * 2
    X[:, 1] = 0.0
    if shape == (6, 6):
        X = 2 * np.eye(6)
    y, theta = X @ np.full(shape[1], 0.1), np.full((2, shape[1]), 0.5)
    spectrum = np.linalg.eigvalsh(hessian(X, y, theta, NETWORKS[0]))
    for expected in (None, float(spectrum[-1])):
        pair = top_hessian_eigenpair(X, y, theta, NETWORKS[0], expected=expected)
        assert pair.value == pytest.approx(spectrum[-1], rel=1e-12)
        assert pair.residual <= 1e-10


def test_it_is_found_where_a_run_is_on_its_way() -> None:
    """Not left to the whole spectrum."""
    for seed in range(20):
        data = small_problem(seed, samples=5, dimension=9)
        theta = np.random.default_rng(seed).uniform(0.2, 1.0, (2, 1, 9))
        assert largest_by_secular_equation(hessians(data.X, data.y, theta, NETWORKS[0])) is not None


def test_a_coordinate_that_is_an_eigenvector_by_itself_is_left_to_the_spectrum() -> None:
    """Its slope has vanished and its second derivative is the largest eigenvalue: no root of the equation."""
    X, y = np.array([[1.0, 1e-3]]), np.array([-4.0])
    theta = np.array([[0.0, 0.1], [0.0, 0.1]])
    assert largest_by_secular_equation(hessians(X, y, theta[:, None], NETWORKS[0])) is None
    spectrum = np.linalg.eigvalsh(hessian(X, y, theta, NETWORKS[0]))
    assert top_hessian_eigenpair(X, y, theta, NETWORKS[0]).value == pytest.approx(spectrum[-1], rel=1e-12)
    assert spectrum[-1] == pytest.approx(8.0, rel=1e-6)


@given(seed=st.integers(0, 1000), size=st.integers(1, 9))
def test_the_ends_are_those_of_the_spectrum(seed: int, size: int) -> None:
    """Of indefinite matrices, too."""
    matrix = np.random.default_rng(seed).standard_normal((size, size))
    matrix = matrix + matrix.T
    spectrum = np.linalg.eigvalsh(matrix)
    assert largest_eigenvalue(matrix) == pytest.approx(spectrum[-1], abs=1e-12)
    assert least_eigenvalue(matrix) == pytest.approx(spectrum[0], abs=1e-12)


def test_what_is_not_finite_is_refused() -> None:
    """By either."""
    for ending in (largest_eigenvalue, least_eigenvalue):
        with pytest.raises(np.linalg.LinAlgError):
            ending(np.array([[1.0, np.nan], [np.nan, 1.0]]))
