"""Ridge and lasso, against solvers of another kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.interpolators.penalised import LassoPath, lasso_path, ridge_path

FRACTIONS = (0.1, 0.5, 0.9)


def problem(seed: int, samples: int, dimension: int, mean: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian data with noise."""
    rng = np.random.default_rng(seed)
    X = mean + rng.standard_normal((samples, dimension))
    return X, X[:, 0] - 2 * X[:, -1] + rng.standard_normal(samples)


def by_coordinates(X: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """The lasso by descent along one coordinate after another, over and over."""
    samples, beta = len(y), np.zeros(X.shape[1])
    for _ in range(3000):
        for place, column in enumerate(X.T):
            rest = column @ (y - X @ beta + column * beta[place]) / samples
            beta[place] = np.sign(rest) * max(abs(rest) - penalty, 0.0) / (column @ column / samples)
    return beta


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_ridge_is_least_squares_with_rows_added(seed: int, dimension: int) -> None:
    """Of √(Nκ)·I, with zeros as targets; its norm is the one that was asked for."""
    X, y = problem(seed, dimension + 3, dimension)
    least = np.linalg.norm(np.linalg.lstsq(X, y)[0])
    for fraction, point in zip(FRACTIONS, ridge_path(X, y, FRACTIONS), strict=True):
        rows = np.sqrt(len(y) * point.penalty) * np.eye(dimension)
        expected = np.linalg.lstsq(np.vstack([X, rows]), np.append(y, np.zeros(dimension)))[0]
        np.testing.assert_allclose(point.predictor, expected, rtol=1e-8, atol=1e-10)
        assert np.linalg.norm(point.predictor) == pytest.approx(fraction * least, rel=1e-8)
        assert point.gap <= 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_lasso_is_what_coordinate_descent_finds(seed: int) -> None:
    """At the penalty that has the norm which was asked for."""
    X, y = problem(seed, 12, 5)
    least = np.abs(np.linalg.lstsq(X, y)[0]).sum()
    for fraction, point in zip(FRACTIONS, lasso_path(X, y, FRACTIONS), strict=True):
        np.testing.assert_allclose(point.predictor, by_coordinates(X, y, point.penalty), atol=1e-6)
        assert np.abs(point.predictor).sum() == pytest.approx(fraction * least, rel=1e-8)


@pytest.mark.parametrize(("samples", "dimension", "sizes"), [(40, 30, 1.0), (60, 20, 1e4)])
def test_every_point_of_a_lasso_path_is_proven(samples: int, dimension: int, sizes: float) -> None:
    """Also on columns of very different sizes; the gap is that of the definition."""
    X, y = problem(7, samples, dimension)
    X *= np.geomspace(1, sizes, dimension)
    for point in lasso_path(X, y, FRACTIONS):
        residual = y - X @ point.predictor
        primal = residual @ residual / (2 * samples) + point.penalty * np.abs(point.predictor).sum()
        slopes = X.T @ residual / samples
        assert np.abs(slopes).max() <= point.penalty * (1 + 1e-6)
        used = point.predictor != 0
        np.testing.assert_allclose(slopes[used], point.penalty * np.sign(point.predictor[used]), rtol=1e-6)
        assert 0 <= point.gap <= 1e-7 * max(1.0, float(primal))


def test_a_coordinate_may_leave_the_support_and_come_back_with_the_other_sign() -> None:
    """At once, where its column is long: the event is no repetition of the one before."""
    rng = np.random.default_rng(0)
    rng.standard_normal((200, 100)), rng.standard_normal(200)
    X = rng.standard_normal((60, 20)) * np.geomspace(1, 1e4, 20)
    y = X[:, :3].sum(axis=1) + rng.standard_normal(60)
    assert max(point.gap for point in lasso_path(X, y, (0.1, 0.25, 0.5, 0.75, 0.9))) <= 1e-7


def test_columns_that_depend_on_one_another_have_paths() -> None:
    """Whichever of equal columns is used."""
    X, y = problem(1, 30, 3)
    X = np.column_stack([X, X[:, 0] + X[:, 1], X[:, 0]])
    for path in (lasso_path(X, y, FRACTIONS), ridge_path(X, y, FRACTIONS)):
        assert len(path) == 3
        assert max(point.gap for point in path) <= 1e-9


@pytest.mark.parametrize("path", [lasso_path, ridge_path])
def test_nothing_is_compared_with_nothing(path: object) -> None:
    """Where y is orthogonal to every column, β = 0 is all that there is."""
    assert callable(path)
    assert path(np.array([[1.0], [1.0]]), np.array([1.0, -1.0]), FRACTIONS) == []


def tied(seed: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Tables of few values, where coordinates join and leave together."""
    rng = np.random.default_rng(seed)
    if kind == "signs":
        return rng.choice([-1.0, 1.0], (16, 4)), rng.integers(0, 3, 16).astype(float)
    X = rng.integers(0, 2, (30, 5)).astype(float)
    if kind == "copies":
        X = np.column_stack([X, X[:, :2], 1 - X[:, 2:3]])
    return X, rng.integers(0, 2, 30) + 2 * X[:, 0]


def objective(X: np.ndarray, y: np.ndarray, beta: np.ndarray, penalty: float) -> float:
    """What the lasso minimises."""
    return float(((y - X @ beta) ** 2).sum() / (2 * len(y)) + penalty * np.abs(beta).sum())


@pytest.mark.parametrize("kind", ["signs", "table", "copies"])
def test_ties_of_the_lasso_are_no_less_proven(kind: str) -> None:
    """Of a hundred random tables each; of some of them against coordinate descent."""
    for seed in range(100):
        X, y = tied(seed, kind)
        path = lasso_path(X, y, FRACTIONS)
        assert len(path) == 3
        assert max(point.gap for point in path) <= 1e-7
        if seed < 4:
            for point in path:
                least = objective(X, y, by_coordinates(X, y, point.penalty), point.penalty)
                assert objective(X, y, point.predictor, point.penalty) == pytest.approx(least, rel=1e-8)


def test_two_columns_that_join_at_once_grow_together() -> None:
    """By hand: each is fitted alone, to a mean of 2, and half of that is β = 1."""
    (point,) = lasso_path(np.vstack([np.eye(2)] * 2), np.array([1.0, 1.0, 3.0, 3.0]), (0.5,))
    np.testing.assert_allclose(point.predictor, [1.0, 1.0], atol=1e-8)
    assert point.penalty == pytest.approx(0.5)


@pytest.mark.parametrize(("samples", "dimension"), [(12, 5), (8, 15)])
def test_the_lasso_of_a_penalty_is_what_coordinate_descent_finds(samples: int, dimension: int) -> None:
    """Anywhere on the path, in wide and in tall data; 0 from the largest correlation on."""
    X, y = problem(3, samples, dimension)
    path, largest = LassoPath(X, y), np.abs(X.T @ y).max() / samples
    for part in (0.02, 0.3, 0.7, 0.999):
        found = path.at(part * largest)
        assert found.gap <= 1e-9
        assert found.penalty == part * largest
        np.testing.assert_allclose(found.predictor, by_coordinates(X, y, part * largest), atol=1e-6)
    for part in (1.0, 5.0):
        assert not path.at(part * largest).predictor.any()


def test_the_lasso_of_a_penalty_is_found_where_events_fall_together() -> None:
    """In a table of 0 and 1, by columns that differ from it in the ninth digit."""
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (20, 9)).astype(float)
    X[:, 4], y = X[:, 3], X[:, 0] + X[:, 3]
    path = LassoPath(X, y)
    for penalty in (0.01, 0.05, 0.2):
        assert path.at(penalty).gap <= 1e-6
    assert not LassoPath(X, np.zeros(20)).at(0.1).predictor.any()


def test_the_lasso_of_a_penalty_does_not_depend_on_those_that_were_asked_for_before() -> None:
    """Where the path is followed once more for some of them, and is the better one for others, too."""
    rng = np.random.default_rng(43)
    samples, dimension = rng.integers(4, 12), rng.integers(3, 8)
    X = rng.integers(0, 3, (samples, dimension)).astype(float)
    X[:, 1] = X[:, 0] * (1 + 1e-10 * rng.standard_normal())
    y = rng.integers(0, 3, samples).astype(float)
    penalties = np.geomspace(0.001, 0.5, 20).tolist()
    paths = LassoPath(X, y), LassoPath(X, y)
    rising = [paths[0].at(penalty) for penalty in penalties]
    falling = [paths[1].at(penalty) for penalty in reversed(penalties)][::-1]
    for one, other in zip(rising, falling, strict=True):
        assert (one.gap, one.predictor.tolist()) == (other.gap, other.predictor.tolist())
