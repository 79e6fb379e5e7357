"""Data of the user: what is trained on after a transform, and what a predictor found there is worth."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from pydantic import ValidationError

from core.analysis.problem import analyse_problem
from core.data.regression import Dataset, excess_risk
from core.data.regression import test_loss as held_out_loss
from core.data.transforms import CONSTANT, user_dataset
from core.errors import InvalidData, NoInterpolator
from core.interpolators.least_norm import min_l2
from core.networks.network import Diagonal
from core.spec.experiment_spec import ExperimentSpec, Transform
from tests.reference.exact_mean import centred_exactly

AS_GIVEN = {"X": "none", "y": "none", "offset": 0.0}
CENTRED = {"X": "centre", "y": "centre", "offset": 0.0}
EPSILON = float(np.finfo(np.float64).eps)

STANDARDISED = {"X": "standardise", "y": "standardise", "offset": 0.0}

_TRANSFORMS = st.fixed_dictionaries(
    {
        "X": st.sampled_from(["none", "centre", "offset"]),
        "y": st.sampled_from(["none", "centre", "offset"]),
        "offset": st.sampled_from([-3.0, 0.25, 5.0]),
    }
)
_ENTRIES = st.floats(-1e6, 1e6, allow_subnormal=False)


@st.composite
def _samples(draw: st.DrawFn, *, mean: float = 3.0) -> dict[str, np.ndarray]:
    """Random training and held-out samples."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples, other, dim = (draw(st.integers(2, 6)) for _ in range(3))
    X, held_out_X = (mean + rng.standard_normal((rows, dim)) for rows in (samples, other))
    return {
        "X": X,
        "y": mean + rng.standard_normal(samples),
        "held_out_X": held_out_X,
        "held_out_y": mean + rng.standard_normal(other),
        "true_predictor": rng.standard_normal(dim),
    }


@given(_samples())
def test_without_a_transform_the_numbers_stay_as_they_are(given_arrays: dict[str, np.ndarray]) -> None:
    """To the bit: the digest is that of the arrays."""
    data = user_dataset(**given_arrays, transform=AS_GIVEN)
    assert data.digest == Dataset(X=given_arrays["X"], y=given_arrays["y"]).digest
    assert data.held_out is not None
    assert np.array_equal(data.held_out.X, given_arrays["held_out_X"])
    assert np.array_equal(data.held_out.y, given_arrays["held_out_y"])


def test_without_a_transform_a_zero_keeps_its_sign() -> None:
    """Bits are bits: the digest of an upload is that of what is trained on."""
    X, y = np.array([[-0.0, 1.0], [0.0, 2.0]]), np.array([-0.0, 1.0])
    data = user_dataset(X=X, y=y, transform=AS_GIVEN)
    assert (data.X.tobytes(), data.y.tobytes()) == (X.tobytes(), y.tobytes())


@given(_samples())
def test_standardised_columns_have_mean_zero_and_deviation_one(given_arrays: dict[str, np.ndarray]) -> None:
    """By sums over plain lists, with N and not N − 1 below; held-out samples by the numbers of the training ones."""
    data = user_dataset(**given_arrays, transform=STANDARDISED)
    assert data.held_out is not None
    for found, held_out, training, others in (
        *zip(data.X.T, data.held_out.X.T, given_arrays["X"].T, given_arrays["held_out_X"].T, strict=True),
        (data.y, data.held_out.y, given_arrays["y"], given_arrays["held_out_y"]),
    ):
        mean = math.fsum(training) / len(training)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in training) / len(training))
        np.testing.assert_allclose(found, [(value - mean) / deviation for value in training], rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(held_out, [(value - mean) / deviation for value in others], rtol=1e-9, atol=1e-11)


@given(_samples(), st.sampled_from(["none", "centre", "standardise"]))
def test_standardising_keeps_a_noiseless_truth_true(given_arrays: dict[str, np.ndarray], of_y: str) -> None:
    """Up to a constant, which is 0 where y is centred: the slope is scaled as the columns are."""
    truth = given_arrays["true_predictor"]
    assume((given_arrays["X"] @ truth).std() > 1e-6)
    data = user_dataset(**given_arrays | {"y": given_arrays["X"] @ truth}, transform=STANDARDISED | {"y": of_y})
    residual = data.X @ data.true_predictor - data.y
    np.testing.assert_allclose(residual, residual.mean(), atol=1e-9 * np.abs(data.y).max())
    assert of_y == "none" or abs(residual.mean()) <= 1e-9 * np.abs(data.y).max()


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_numbers_of_any_size_are_standardised(size: float) -> None:
    """Their squares vanish or overflow; their ratios do not."""
    X = size * np.array([[1.0, 3.0], [2.0, 3.0], [3.0, 3.0]])
    data = user_dataset(X=X, y=np.ones(3), transform=STANDARDISED)
    np.testing.assert_allclose(data.X, [[-math.sqrt(1.5), 0], [0, 0], [math.sqrt(1.5), 0]], rtol=1e-14)


def test_a_constant_column_keeps_its_scale_among_held_out_samples() -> None:
    """It is centred and divided by 1."""
    data = user_dataset(
        X=np.array([[4.0, 1.0], [4.0, 3.0]]),
        y=np.array([0.0, 1.0]),
        held_out_X=np.array([[7.0, 3.0]]),
        held_out_y=np.ones(1),
        transform=STANDARDISED,
    )
    assert data.held_out is not None
    assert data.held_out.X.tolist() == [[3.0, 1.0]]


@given(arrays_of.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=_ENTRIES))
def test_centring_is_exact_to_rounding(X: np.ndarray) -> None:
    """Each entry is within a few roundings of the largest of its column of what exact arithmetic gives."""
    y = X[:, 0]
    data = user_dataset(X=X, y=y, transform=CENTRED)
    rounding = np.maximum(4 * EPSILON, CONSTANT) * np.abs(X).max(axis=0)
    assert (np.abs(data.X - centred_exactly(X, X)) <= rounding).all()
    assert (np.abs(data.y - centred_exactly(X, X)[:, 0]) <= rounding[0]).all()


def test_columns_of_many_centred_samples_have_a_mean_of_rounding_size() -> None:
    """A sum of many numbers far from zero has rounded many times; what it lost is found again."""
    X = 1e6 + np.random.default_rng(0).standard_normal((30_001, 3))
    data = user_dataset(X=X, y=X[:, 1], transform=CENTRED)
    error = np.abs(data.X[::1000] - centred_exactly(X[::1000], X))
    assert error.max() <= 2 * EPSILON * 1e6


@given(_samples(), st.sampled_from([-7.0, 1e-3, 400.0]))
def test_centred_data_forget_any_shift(given_arrays: dict[str, np.ndarray], shift: float) -> None:
    """Centring after an offset is centring; so is centring again."""
    X, y = given_arrays["X"], given_arrays["y"]
    once = user_dataset(X=X, y=y, transform=CENTRED)
    for again in (
        user_dataset(X=X + shift, y=y - shift, transform=CENTRED),
        user_dataset(X=once.X, y=once.y, transform=CENTRED),
    ):
        np.testing.assert_allclose(again.X, once.X, atol=10 * EPSILON * 500)
        np.testing.assert_allclose(again.y, once.y, atol=10 * EPSILON * 500)


@given(_samples(), _TRANSFORMS)
def test_the_held_out_loss_is_that_of_an_affine_predictor_of_the_data_as_given(
    given_arrays: dict[str, np.ndarray], transform: dict[str, Any]
) -> None:
    """f(x) = ⟨β, x + a⟩ − b, with a and b from the training samples alone."""
    offset = float(transform["offset"])
    shifts = {
        kind: np.full(given_arrays["X"].shape[1] + 1, number)
        for kind, number in {"none": 0.0, "offset": offset}.items()
    }
    shifts["centre"] = -np.append(given_arrays["X"].mean(axis=0), given_arrays["y"].mean())
    a, b = shifts[transform["X"]][:-1], shifts[transform["y"]][-1]
    predictor = given_arrays["true_predictor"]
    values = [float(predictor @ (x + a) - b) for x in given_arrays["held_out_X"]]
    loss = sum((f - y) ** 2 for f, y in zip(values, given_arrays["held_out_y"], strict=True)) / (2 * len(values))
    data = user_dataset(**given_arrays, transform=transform)
    np.testing.assert_allclose(held_out_loss(predictor, data), loss, rtol=1e-10)


@given(_samples(), _TRANSFORMS)
def test_an_offset_is_added_to_every_entry_of_what_it_names(
    given_arrays: dict[str, np.ndarray], transform: dict[str, Any]
) -> None:
    """And to nothing else."""
    data = user_dataset(**given_arrays, transform=transform)
    assert data.held_out is not None
    for name, found in (("X", data.X), ("y", data.y), ("held_out_X", data.held_out.X), ("held_out_y", data.held_out.y)):
        kind = transform[name[-1]]
        if kind != "centre":
            added = transform["offset"] if kind == "offset" else 0.0
            assert np.array_equal(found, given_arrays[name] + added)


@given(st.integers(0, 2**32 - 1))
def test_least_squares_on_centred_data_is_least_squares_with_an_intercept(seed: int) -> None:
    """The slopes are those of a regression with a column of ones, on the data as given."""
    rng = np.random.default_rng(seed)
    X, y = 5 + rng.standard_normal((9, 3)), rng.standard_normal(9) - 2
    with_ones = np.linalg.lstsq(np.column_stack([X, np.ones(9)]), y)[0]
    data = user_dataset(X=X, y=y, transform=CENTRED)
    slopes = np.linalg.lstsq(data.X, data.y)[0]
    np.testing.assert_allclose(slopes, with_ones[:3], rtol=1e-9, atol=1e-9)
    # And the intercept is what the shift makes of them: f(0) = ȳ − ⟨β, x̄⟩.
    np.testing.assert_allclose(y.mean() - slopes @ X.mean(axis=0), with_ones[3], rtol=1e-9, atol=1e-9)


@given(_samples())
def test_centring_the_features_alone_leaves_nothing_that_interpolates(given_arrays: dict[str, np.ndarray]) -> None:
    """The rows sum to zero and y does not; the loss of any predictor is at least ½ȳ²."""
    X, y = given_arrays["X"], given_arrays["y"]
    assume(abs(y.mean()) > 1e-3)
    data = user_dataset(X=X, y=y, transform=CENTRED | {"y": "none"})
    with pytest.raises(NoInterpolator):
        min_l2(data.X, data.y)
    best = np.linalg.lstsq(data.X, data.y, rcond=1e-10)[0]  # the rows sum to zero up to rounding
    assert np.square(data.X @ best - data.y).mean() / 2 >= (1 - 1e-9) * y.mean() ** 2 / 2


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_centred_data_of_more_columns_than_samples_are_interpolated(seed: int, samples: int) -> None:
    """Both centred, the missing row of rank is missing in y as well."""
    rng = np.random.default_rng(seed)
    X, y = 5 + rng.standard_normal((samples, samples + 3)), rng.standard_normal(samples)
    data = user_dataset(X=X, y=y, transform=CENTRED)
    assert min_l2(data.X, data.y).residual <= 1e-9


@pytest.mark.parametrize("noise", [0.0, 2e-16, -4e-16])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -1e8, 0.0])
def test_a_column_that_is_constant_to_rounding_becomes_zero(value: float, noise: float) -> None:
    """Exactly; what rounding left of it would be a feature that fits y at no cost."""
    rng = np.random.default_rng(0)
    X = 5 + rng.standard_normal((7, 12))
    X[:, 4] = value
    X[3, 4] *= 1 + noise
    data = user_dataset(X=X, y=rng.standard_normal(7), transform=CENTRED)
    assert not data.X[:, 4].any()
    assert data.X[:, [0, 11]].any(axis=0).all()
    flattest = analyse_problem(data, Diagonal(2), "key").analysis.interpolators["flattest"]
    assert flattest.l1_norm is not None
    assert flattest.objective is not None
    assert flattest.lower_bound is not None
    assert flattest.l1_norm < 1e3
    assert flattest.objective - flattest.lower_bound <= 1e-3 * flattest.objective


def test_a_column_that_varies_only_among_held_out_samples_keeps_its_variation_there() -> None:
    """The shift is the same, whatever becomes of the training column."""
    X = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]])
    data = user_dataset(
        X=X, y=np.ones(3), held_out_X=np.array([[0.6, 1.0], [0.1, 1.0]]), held_out_y=np.ones(2), transform=CENTRED
    )
    assert data.held_out is not None
    np.testing.assert_allclose(data.held_out.X[:, 0], [0.5, 0.0], rtol=1e-15)
    assert not data.y.any()


@given(_samples(), _TRANSFORMS)
def test_a_true_predictor_is_the_slope_and_has_no_excess_risk(
    given_arrays: dict[str, np.ndarray], transform: dict[str, Any]
) -> None:
    """No shift changes a slope; the law of x, which a risk needs, is not known."""
    data = user_dataset(**given_arrays, transform=transform)
    assert data.true_predictor is not None
    assert np.array_equal(data.true_predictor, given_arrays["true_predictor"])
    assert np.isnan(excess_risk(data.true_predictor, data))


@given(_samples())
def test_centring_both_keeps_a_noiseless_truth_true(given_arrays: dict[str, np.ndarray]) -> None:
    """That y = Xβ* stays so; centring one of the two breaks it by a constant."""
    X, truth = given_arrays["X"], given_arrays["true_predictor"]
    assume(abs((X @ truth).mean()) > 1e-3)
    both, only_X, only_y = (
        user_dataset(X=X, y=X @ truth, transform=CENTRED | change) for change in ({}, {"y": "none"}, {"X": "none"})
    )
    residuals = [data.X @ truth - data.y for data in (both, only_X, only_y)]
    np.testing.assert_allclose(residuals[0], 0, atol=1e-12)
    for residual in residuals[1:]:
        np.testing.assert_allclose(residual, residual.mean(), atol=1e-12)
        assert abs(residual.mean()) > 1e-4


@pytest.mark.parametrize("X", [[[]], [[1.0], [2.0]], [[float("nan")]], [1.0]])
@pytest.mark.parametrize("transform", [AS_GIVEN, CENTRED])
def test_what_is_no_regression_problem_is_refused_whatever_is_done_to_it(X: Any, transform: dict[str, Any]) -> None:
    """Before anything is computed of it."""
    with pytest.raises(InvalidData):
        user_dataset(X=X, y=[1.0], transform=transform)


def _hash(transform: dict[str, Any]) -> str:
    body = {
        "data": {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0], "transform": transform},
        "initialization": {"kind": "uniform", "scale": 1.0},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.1},
    }
    return ExperimentSpec.model_validate(body).content_hash()


@pytest.mark.parametrize(
    ("transform", "sentence"),
    [
        ({"offset": 1.0}, "added to nothing"),
        ({"X": "centre", "y": "none", "offset": -1.0}, "added to nothing"),
        ({"X": "offset"}, "nothing is added"),
        ({"y": "offset", "offset": 0.0}, "nothing is added"),
        ({"X": "offset", "offset": -0.0}, "nothing is added"),
        ({"X": "offset", "offset": 1e101}, "less than or equal to"),
        ({"X": "center"}, "'centre'"),
    ],
)
def test_a_transform_that_does_not_do_what_it_says_is_refused(transform: dict[str, Any], sentence: str) -> None:
    """An offset is added to something, and something is added."""
    with pytest.raises(ValidationError, match=sentence):
        Transform.model_validate(transform)


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_no_transform_has_many_spellings_and_one_identity(zero: float) -> None:
    """What is not added may be zero of either sign."""
    assert _hash({"offset": zero}) == _hash({"X": "none"}) == _hash({})


def test_an_offset_is_a_number_of_twelve_digits() -> None:
    """As every other number of a spec: 0.1 + 0.2 and 0.3 are one."""
    assert _hash({"X": "offset", "offset": 0.1 + 0.2}) == _hash({"X": "offset", "offset": 0.3})
    assert _hash({"X": "offset", "offset": 0.3}) != _hash({"y": "offset", "offset": 0.3})
