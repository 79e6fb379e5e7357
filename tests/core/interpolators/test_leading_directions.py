"""The search among leading directions finds what the whole programme finds, or says that it does not."""

from collections.abc import Iterator

import numpy as np
import pytest

from core.data.row_space import interpolator_set
from core.descent.kernel import one_thread
from core.interpolators import leading_directions
from core.interpolators.interior_point import TOLERANCE, Optimum, optimum_of
from core.interpolators.leading_directions import MOST_ADDED, optimum_on_leading_directions
from core.interpolators.spectral_programme import SpectralProgramme
from core.interpolators.weighted_l1 import Vertex, least_weighted_l1
from tests.core.problems import small_problem


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in a worker: at these sizes threads only wait for one another."""
    with one_thread():
        yield


def programme(power: float, *, mean: float, samples: int = 80, dim: int = 260) -> SpectralProgramme:
    """With the columns of Gaussian data as its columns."""
    data = small_problem(0, samples=samples, dimension=dim, mean=mean)
    space = interpolator_set(data.X, data.y)
    target = space.coordinates / np.linalg.norm(space.coordinates)
    return SpectralProgramme(columns=data.X / np.sqrt(samples), basis=space.basis, target=target, power=power)


@pytest.mark.parametrize("power", [1.0, 4 / 3, 1.5])
def test_data_far_off_centre_need_few_directions(power: float) -> None:
    """Both bounds agree with those of the whole programme, and hold for what is returned with them."""
    whole = programme(power, mean=5.0)
    found, expected = optimum_on_leading_directions(whole), optimum_of(whole)
    assert found is not None
    assert 0 <= found.gap <= TOLERANCE
    assert found.lower <= expected.upper * (1 + 1e-12)
    assert expected.lower <= found.upper * (1 + 1e-12)
    assert whole.upper(found.predictor) == pytest.approx(found.upper, rel=1e-12)
    np.testing.assert_allclose(whole.basis.T @ found.predictor, whole.target, atol=1e-9)
    proven = whole.lower(whole.dual_weights(found.dual_matrix) / np.trace(found.dual_matrix), found.multipliers)
    assert proven == pytest.approx(found.lower, rel=1e-9)
    assert np.linalg.eigvalsh(found.dual_matrix)[0] >= -1e-12 * np.trace(found.dual_matrix)


def test_each_round_looks_at_a_few_directions_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than `MOST_ADDED`, and at the end at far fewer than there are."""
    solved: list[SpectralProgramme] = []

    def noted(part: SpectralProgramme, tolerance: float) -> Optimum:
        solved.append(part)
        return optimum_of(part, tolerance)

    monkeypatch.setattr(leading_directions, "optimum_of", noted)
    assert optimum_on_leading_directions(programme(1.5, mean=5.0)) is not None
    orders = [len(part.columns) for part in solved]
    assert orders[0] == MOST_ADDED
    assert max(orders) <= 2 * MOST_ADDED


def test_iterations_are_those_of_all_rounds_and_one_for_each_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    """At p = 1, where both are tried."""
    rounds, vertices = list[Optimum](), list[Vertex]()

    def noted(part: SpectralProgramme, tolerance: float) -> Optimum:
        rounds.append(optimum_of(part, tolerance))
        return rounds[-1]

    def tried(basis: np.ndarray, target: np.ndarray, weights: np.ndarray) -> Vertex:
        vertices.append(least_weighted_l1(basis, target, weights))
        return vertices[-1]

    monkeypatch.setattr(leading_directions, "optimum_of", noted)
    monkeypatch.setattr(leading_directions, "least_weighted_l1", tried)
    found = optimum_on_leading_directions(programme(1.0, mean=5.0))
    assert found is not None
    assert vertices
    assert found.iterations == sum(optimum.iterations for optimum in rounds) + len(vertices)


def test_the_search_is_the_same_every_time() -> None:
    """To the bit."""
    first, second = (optimum_on_leading_directions(programme(1.5, mean=5.0)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.predictor, second.predictor)
    assert first.lower == second.lower


@pytest.mark.parametrize("power", [1.0, 4 / 3])
def test_centred_data_are_left_to_the_whole_programme(power: float) -> None:
    """Tens of eigenvalues agree at the top."""
    assert optimum_on_leading_directions(programme(power, mean=0.0)) is None


def test_small_programmes_are_left_to_the_whole_programme() -> None:
    """They take milliseconds."""
    assert optimum_on_leading_directions(programme(1.0, mean=5.0, samples=3, dim=7)) is None
