"""Data sets and the risks of predictors."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import regression
from core.data.features import FeatureLaw
from core.data.regression import Dataset, HeldOut, Population, excess_risk, sparse_regression, train_loss
from core.errors import InvalidData
from tests.core.problems import paper_problem, small_problem
from tests.reference.monte_carlo import risk_with_error

GOLDEN_DIGEST = "8ca068623116570f9ab987b8d54667bc90607d0c1ffbc2c51f9043e73659b1d0"


def test_the_default_data_set_keeps_its_bits() -> None:
    """The digest is pinned: another NumPy that draws other numbers must be noticed, not discovered in a figure."""
    assert paper_problem().digest == GOLDEN_DIGEST


def test_the_draw_is_the_documented_one() -> None:
    """X first, then the noise, from the plain generator of the seed; y is X times the true predictor, plus noise."""
    data = paper_problem(seed=3)
    rng = np.random.default_rng(3)
    X = 5 + math.sqrt(5) * rng.standard_normal((50, 100))
    noise = math.sqrt(0.01) * rng.standard_normal(50)
    true_predictor = np.where(np.arange(100) < 5, 5**-0.5, 0)
    assert np.array_equal(data.X, X)
    assert data.true_predictor is not None
    assert np.array_equal(data.true_predictor, true_predictor)
    np.testing.assert_allclose(data.y, X @ true_predictor + noise, rtol=1e-13)


@pytest.mark.parametrize("law", [FeatureLaw.UNIFORM, FeatureLaw.RADEMACHER])
def test_bounded_features_have_the_moments_that_are_asked_for(law: FeatureLaw) -> None:
    """Mean μ and variance σ² of every column, no entry beyond the law, and the risk in closed form holds of them."""
    data = drawn_with(law, samples=40_000, dimension=6)
    standard = (data.X - 5) / math.sqrt(5)
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(standard.T @ standard / 40_000, np.eye(6), atol=0.025)
    beyond = {FeatureLaw.UNIFORM: 3**0.5, FeatureLaw.RADEMACHER: 1.0}[law]
    assert np.abs(standard).max() == pytest.approx(beyond, rel=1e-3)
    if law is FeatureLaw.RADEMACHER:
        np.testing.assert_allclose(np.abs(standard), 1)
    predictor = np.array([0.3, 0.9, -0.2, 0.1, 0.0, 0.4])
    loss = float(train_loss(predictor, data.X, data.y))
    assert regression.test_loss(predictor, data) == pytest.approx(loss, rel=0.02)


def test_every_law_and_seed_draws_other_numbers() -> None:
    """The noise as well; the same ones again, and the Gaussian ones as ever."""
    digests = {drawn_with(law, seed=seed).digest for law in FeatureLaw for seed in (0, 1)}
    assert len(digests) == 6
    assert drawn_with(FeatureLaw.UNIFORM).digest == drawn_with(FeatureLaw.UNIFORM).digest
    plain = sparse_regression(samples=5, dimension=6, sparsity=2, mean=5.0, variance=5.0, noise_variance=0.01, seed=0)
    assert drawn_with(FeatureLaw.GAUSSIAN).digest == plain.digest


def drawn_with(law: FeatureLaw, *, samples: int = 5, dimension: int = 6, seed: int = 0) -> Dataset:
    """A small data set of this law."""
    numbers = {"sparsity": 2, "mean": 5.0, "variance": 5.0, "noise_variance": 0.01}
    return sparse_regression(samples=samples, dimension=dimension, seed=seed, features=law, **numbers)


def test_the_digest_names_numbers_and_shape() -> None:
    """One bit of y, or the same bytes in another shape, is another data set; what judges predictors is not."""
    X, y = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0])
    data = Dataset(X=X, y=y)
    assert Dataset(X=X, y=np.nextafter(y, 3)).digest != data.digest
    assert Dataset(X=np.arange(6.0).reshape(1, 6), y=np.array([1.0])).digest != data.digest
    assert Dataset(X=X, y=y, true_predictor=np.ones(3)).digest == data.digest
    assert Dataset(X=np.asfortranarray(X), y=y).digest == data.digest


def test_arrays_of_a_data_set_cannot_be_changed() -> None:
    """Neither through the data set nor through the array it was made from."""
    source = np.ones((1, 2))
    data = Dataset(X=source, y=np.ones(1))
    source[0, 0] = 7
    assert data.X[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 2


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((2, 3)), np.ones(3)),
        (np.ones(3), np.ones(3)),
        (np.ones((0, 3)), np.ones(0)),
        (np.full((1, 1), np.nan), np.ones(1)),
        (np.ones((1, 1)), np.array([np.inf])),
    ],
)
def test_arrays_that_are_no_regression_problem_are_refused(X: np.ndarray, y: np.ndarray) -> None:
    """Shapes that disagree, emptiness and numbers that are not finite, for training and held-out samples alike."""
    with pytest.raises(InvalidData):
        Dataset(X=X, y=y)
    with pytest.raises(InvalidData):
        HeldOut(X=X, y=y)


def test_truth_and_held_out_samples_must_have_the_dimension_of_the_data() -> None:
    """What judges a predictor has as many coordinates as it."""
    X, y = np.ones((2, 3)), np.ones(2)
    with pytest.raises(InvalidData, match="true predictor"):
        Dataset(X=X, y=y, true_predictor=np.ones(2))
    with pytest.raises(InvalidData, match="held-out"):
        Dataset(X=X, y=y, held_out=HeldOut(X=np.ones((2, 2)), y=y))


@pytest.mark.parametrize("sparsity", [0, 4])
def test_sparsity_must_fit_the_dimension(sparsity: int) -> None:
    """At least one coordinate, at most all."""
    with pytest.raises(InvalidData, match="sparsity"):
        sparse_regression(samples=2, dimension=3, sparsity=sparsity, mean=0.0, variance=1.0, noise_variance=0.0, seed=0)


def test_population_risk_equals_monte_carlo() -> None:
    """The closed form lies within five standard errors of 200,000 fresh samples; a fixed draw, so it cannot flicker."""
    rng = np.random.default_rng(11)
    truth, predictor = rng.standard_normal((2, 6))
    population = Population(mean=1.5, variance=2.0, noise_variance=0.3)
    data = Dataset(X=np.ones((1, 6)), y=np.ones(1), true_predictor=truth, population=population)
    measured, error = risk_with_error(
        predictor, truth, mean=1.5, variance=2.0, noise_variance=0.3, rng=rng, draws=200_000
    )
    assert abs(float(regression.test_loss(predictor, data)) - measured) < 5 * error
    assert error < 0.01 * measured


def test_the_truth_has_no_excess_risk() -> None:
    """And its test loss is half the noise variance."""
    data = paper_problem()
    assert data.true_predictor is not None
    assert excess_risk(data.true_predictor, data) == 0
    assert regression.test_loss(data.true_predictor, data) == 0.005


def test_unknown_risks_are_nan() -> None:
    """Without truth or held-out samples there is no test loss; with held-out samples there is, but no excess."""
    data = small_problem(0)
    predictors = np.ones((2, 7))
    assert np.isnan(excess_risk(predictors, data)).tolist() == [True, True]
    assert np.isnan(regression.test_loss(predictors, data)).tolist() == [True, True]
    held_out = HeldOut(X=np.eye(7), y=np.zeros(7))
    judged = Dataset(X=data.X, y=data.y, held_out=held_out)
    assert regression.test_loss(predictors, judged).tolist() == [0.5, 0.5]
    assert np.isnan(excess_risk(predictors[0], judged))


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), runs=st.integers(1, 5))
def test_risks_of_a_run_do_not_depend_on_its_company(seed: int, runs: int) -> None:
    """Every run alone gives the bits it has in a batch, for all three losses."""
    data = paper_problem(seed=seed % 3)
    predictors = np.random.default_rng(seed).standard_normal((runs, 100))
    for risk in (excess_risk, regression.test_loss, lambda p, d: train_loss(p, d.X, d.y)):
        together = risk(predictors, data)
        assert together.tolist() == [float(risk(predictor, data)) for predictor in predictors]


def test_train_loss_is_half_the_mean_square() -> None:
    """By hand: residuals 1 and −3."""
    assert train_loss(np.array([1.0, 1.0]), np.eye(2), np.array([0.0, 4.0])) == 2.5


def test_what_follows_from_a_data_set_is_computed_once_and_goes_with_its_arrays() -> None:
    """Another y has other interpolators, and of more samples than dimensions there are none, but least squares."""
    data = small_problem(0)
    space = data.interpolators
    assert space is not None
    assert data.interpolators is space
    assert data.row_space is space.basis
    assert data.least_loss == 0.0
    doubled = replace(data, y=2 * data.y).interpolators
    assert doubled is not None
    np.testing.assert_allclose(doubled.nearest_to_zero, 2 * space.nearest_to_zero, rtol=1e-12)
    tall = small_problem(0, samples=9, dimension=4)
    assert tall.interpolators is None
    fitted = tall.X @ np.linalg.solve(tall.X.T @ tall.X, tall.X.T @ tall.y)
    assert tall.least_loss == pytest.approx(np.square(tall.y - fitted).mean() / 2, rel=1e-10)
    assert tall.row_space.shape == (4, 4)
