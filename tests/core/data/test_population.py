"""Laws of drawn data: what they draw, and the risk in closed form."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.features import FeatureLaw
from core.data.population import Population
from core.data.regression import Dataset, excess_risk, risk_change, sparse_regression, train_loss
from core.data.true_predictor import SignLaw, SupportLaw, sparse_predictor
from core.errors import InvalidData
from tests.reference import population_by_hand

LAWS: Final[dict[str, dict[str, Any]]] = {
    "identity": {},
    "diagonal": {"variance_profile": [2.0, 0.5, 1.0, 0.0, 3.0]},
    "Toeplitz": {"correlation": 0.7},
    "Toeplitz of turning signs": {"correlation": -0.9},
    "power law": {"variance_decay": 1.5},
    "mean vector": {"mean_profile": [1.0, -2.0, 0.0, 0.5, 1.0]},
    "all together": {
        "variance_profile": [2.0, 0.5, 1.0, 0.1, 3.0],
        "variance_decay": 0.5,
        "correlation": 0.4,
        "mean_profile": [1.0, -2.0, 0.0, 0.5, 1.0],
    },
}

laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def drawn(law: dict[str, Any], *, samples: int = 4, mean: float = 1.5, **numbers: Any) -> Dataset:
    """Five features of this law."""
    usual: dict[str, Any] = {"sparsity": 2, "variance": 2.0, "noise_variance": 0.01, "seed": 3}
    return sparse_regression(samples=samples, dimension=5, mean=mean, **usual | numbers, **law)


@laws
@pytest.mark.parametrize("features", FeatureLaw)
def test_samples_have_the_moments_that_are_asked_for(law: dict[str, Any], features: FeatureLaw) -> None:
    """Within some standard errors of 200,000 samples, whatever the law of the innovations is; a fixed draw."""
    X = drawn(law, samples=200_000, features=features).X
    expected, covariance = population_by_hand.second_moments(5, mean=1.5, variance=2.0, **law)
    largest = float(covariance.max())
    np.testing.assert_allclose(X.mean(axis=0), expected, atol=5 * (largest / 200_000) ** 0.5)
    np.testing.assert_allclose(np.cov(X.T), covariance, atol=8 * largest / 200_000**0.5)


@laws
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), mean=st.sampled_from([0.0, 1.5, -3.0]))
def test_the_risk_is_that_of_the_second_moments_as_a_matrix(law: dict[str, Any], seed: int, mean: float) -> None:
    """½eᵀ(Σ + E[x]E[x]ᵀ)e, entry by entry; one predictor or many, with the same bits."""
    data = drawn(law, mean=mean)
    predictors = np.random.default_rng(seed).standard_normal((3, 5))
    expected = population_by_hand.second_moments(5, mean=mean, variance=2.0, **law)
    assert data.true_predictor is not None
    risks = excess_risk(predictors, data)
    for predictor, risk in zip(predictors, risks, strict=True):
        by_hand = population_by_hand.excess_risk(predictor - data.true_predictor, *expected)
        assert risk == pytest.approx(by_hand, rel=1e-12)
        assert risk == excess_risk(predictor, data)


@laws
def test_a_change_of_beta_changes_the_risk_by_no_more_than_is_said(law: dict[str, Any]) -> None:
    """In the direction of the gradient, which is found by differences, and for the largest curvature by `eigvalsh`."""
    data, mean = drawn(law), 1.5
    assert data.true_predictor is not None
    assert data.population is not None
    expected, covariance = population_by_hand.second_moments(5, mean=mean, variance=2.0, **law)
    second = covariance + np.outer(expected, expected)
    predictor = np.random.default_rng(1).standard_normal(5)
    np.testing.assert_allclose(
        data.population.risk_gradient(predictor - data.true_predictor),
        second @ (predictor - data.true_predictor),
        rtol=1e-12,
        atol=1e-12,
    )
    assert data.population.largest_curvature(5) >= np.linalg.eigvalsh(second)[-1] * (1 - 1e-12)
    for direction in np.random.default_rng(2).standard_normal((20, 5)):
        moved = predictor + 0.3 * direction / np.linalg.norm(direction)
        change = abs(float(excess_risk(moved, data)) - float(excess_risk(predictor, data)))
        assert change <= risk_change(predictor, 0.3, data)


@laws
def test_the_same_problem_backwards_has_the_same_risks(law: dict[str, Any]) -> None:
    """Profiles turn round with the features."""
    data, predictor = drawn(law), np.random.default_rng(5).standard_normal(5)
    backwards = float(excess_risk(predictor[::-1], data.backwards))
    assert backwards == pytest.approx(float(excess_risk(predictor, data)), rel=1e-12)


def test_a_law_of_ones_and_zeros_has_the_bits_of_the_plain_one() -> None:
    """Profiles of ones, no correlation and no decay are no other law, to the last bit of data and risk."""
    plain = drawn({})
    spelled = drawn({"mean_profile": [1.0] * 5, "variance_profile": [1.0] * 5, "correlation": 0.0})
    assert plain.digest == spelled.digest
    predictor = np.array([0.1, -0.7, 0.3, 2.0, 0.0])
    assert excess_risk(predictor, plain) == excess_risk(predictor, spelled)
    assert risk_change(predictor, 0.1, plain) == risk_change(predictor, 0.1, spelled)
    assert plain.true_predictor is not None
    error = predictor - plain.true_predictor
    assert excess_risk(predictor, plain) == (2.0 * np.square(error).sum() + np.square(1.5 * error.sum())) / 2


def test_the_training_loss_of_many_samples_is_the_population_risk() -> None:
    """Of the law with everything in it, and a predictor that is none of its own."""
    data = drawn(LAWS["all together"], samples=400_000)
    predictor = np.array([0.3, 0.9, -0.2, 0.1, 0.4])
    loss = float(train_loss(predictor, data.X, data.y))
    assert loss == pytest.approx(float(excess_risk(predictor, data)) + 0.005, rel=0.01)


@pytest.mark.parametrize(
    "law",
    [
        {"mean_profile": [1.0]},
        {"variance_profile": [1.0] * 6},
        {"variance_profile": [1.0, 1.0, -1.0, 1.0, 1.0]},
        {"mean_profile": [1.0, np.inf, 1.0, 1.0, 1.0]},
        {"correlation": 1.0},
    ],
)
def test_what_is_no_law_is_refused(law: dict[str, Any]) -> None:
    """Profiles of other lengths, negative variances, numbers that are not finite, features that are equal."""
    with pytest.raises(InvalidData):
        drawn(law)


def test_the_true_predictor_has_the_support_the_signs_and_the_norm_that_are_asked_for() -> None:
    """Nested in the sparsity; by default the first entries, positive, of norm 1."""
    settings_ = {"norm": 3.0, "support": SupportLaw.RANDOM, "signs": SignLaw.RANDOM, "seed": 7}
    few, many = (sparse_predictor(100, sparsity, **settings_) for sparsity in (4, 9))  # type: ignore[arg-type]
    assert np.count_nonzero(few) == 4
    assert np.linalg.norm(few) == pytest.approx(3)
    assert np.linalg.norm(many) == pytest.approx(3)
    assert set(np.flatnonzero(few)) < set(np.flatnonzero(many))
    kept = np.flatnonzero(few)
    assert np.sign(few[kept]).tolist() == np.sign(many[kept]).tolist()
    plain = sparse_predictor(6, 4, norm=1.0, support=SupportLaw.FIRST, signs=SignLaw.POSITIVE, seed=7)
    assert plain.tolist() == [0.5] * 4 + [0.0] * 2


def test_random_supports_and_signs_are_fair() -> None:
    """Every coordinate is in the support as often as any other, and has either sign as often; over 4,000 seeds."""
    found = np.array(
        [
            sparse_predictor(8, 2, norm=1.0, support=SupportLaw.RANDOM, signs=SignLaw.RANDOM, seed=seed)
            for seed in range(4000)
        ]
    )
    np.testing.assert_allclose((found != 0).mean(axis=0), 0.25, atol=5 * (0.25 * 0.75 / 4000) ** 0.5)
    np.testing.assert_allclose(np.sign(found).mean(axis=0), 0, atol=5 * (0.25 / 4000) ** 0.5)


def test_the_predictor_changes_no_feature() -> None:
    """Nor the noise: supports and signs have streams of their own."""
    plain, other = drawn({}), drawn({}, support=SupportLaw.RANDOM, signs=SignLaw.RANDOM, true_norm=2.0)
    assert np.array_equal(plain.X, other.X)
    assert plain.true_predictor is not None
    assert other.true_predictor is not None
    noise = [data.y - data.X @ data.true_predictor for data in (plain, other) if data.true_predictor is not None]
    np.testing.assert_allclose(*noise, atol=1e-14)


def test_a_population_alone_may_be_of_any_dimension() -> None:
    """Without profiles it says nothing of it."""
    population = Population(mean=1.0, variance=2.0, noise_variance=0.0)
    assert population.excess_risk(np.array([1.0, 0.0])) == (2 + 1) / 2
    assert population.excess_risk(np.array([1.0, 0.0, 1.0])) == (4 + 4) / 2
