"""Experiments that could only fail are refused where they are submitted, and where they are estimated."""

from typing import Any

import pytest

from tests.api.service import EXPERIMENTS, Service, assert_problem, pointers, spec

FRACTIONS = {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.5]}}
MULTIPLES = [
    {"kind": "gradient_descent", "step_size": {"multiples_of": unit, "values": [0.5]}}
    for unit in ("start_stable_step", "least_norm_stable_step", "flow_stable_step")
]
SEARCH = {"kind": "gradient_descent", "step_size": {"largest_convergent": {"lower": 0.5, "upper": 2.0}}}
DEEP = {"kind": "diagonal", "depth": 4}
NUMBER = {"kind": "gradient_descent", "step_size": 0.001}

ZERO = {"kind": "inline", "X": [[1.0, 2.0, 0.5], [0.5, 1.0, 3.0]], "y": [0.0, 0.0]}
CONTRADICTORY = {"kind": "inline", "X": [[1.0, 2.0], [1.0, 2.0]], "y": [1.0, 2.0]}
DEPENDENT = {"kind": "inline", "X": [[1.0, 2.0], [1.0, 2.0]], "y": [1.0, 1.0]}
OVERDETERMINED = {"kind": "sparse_regression", "samples": {"values": [3, 9]}, "dimension": 6, "sparsity": 1}


@pytest.mark.parametrize("optimizer", [FRACTIONS, SEARCH])
@pytest.mark.parametrize(
    ("data", "reason"),
    [(ZERO, "y is 0"), (CONTRADICTORY, "no predictor fits the 2 samples"), (OVERDETERMINED, "9 samples with noise")],
)
def test_multiples_of_a_step_that_there_is_not_are_refused(
    api: Service, optimizer: dict[str, Any], data: dict[str, Any], reason: str
) -> None:
    """With the reason at the step size, by both routes alike; nothing is recorded."""
    refusals = [
        assert_problem(api.post(spec(data=data, optimizer=optimizer), path), 422)
        for path in (EXPERIMENTS, f"{EXPERIMENTS}/estimate")
    ]
    assert refusals[0]["errors"] == refusals[1]["errors"]
    assert pointers(refusals[0]) == ["/optimizer/step_size"]
    assert reason in refusals[0]["errors"][0]["detail"]
    assert api.get(EXPERIMENTS).json()["experiments"] == []


@pytest.mark.parametrize("data", [ZERO, CONTRADICTORY, OVERDETERMINED])
def test_step_sizes_in_numbers_need_no_interpolator(api: Service, data: dict[str, Any]) -> None:
    """Such runs end in some way or other, and that is a result."""
    assert api.post(spec(data=data, optimizer=NUMBER)).status_code == 202


def test_rows_that_agree_may_depend_on_one_another(api: Service) -> None:
    """Something interpolates them; so it does drawn data without noise."""
    assert api.post(spec(data=DEPENDENT, optimizer=FRACTIONS)).status_code == 202
    quiet = OVERDETERMINED | {"noise_variance": 0.0}
    assert api.post(spec(data=quiet, optimizer=FRACTIONS)).status_code == 202


def test_samples_that_grow_with_the_dimension_meet_theirs_alone(api: Service) -> None:
    """Nine of them in six dimensions would be too many, and stand in the grid that is not linked."""
    growing = OVERDETERMINED | {"dimension": {"values": [6, 18]}}
    linked = spec(data=growing, optimizer=FRACTIONS, zip=[["samples", "dimension"]])
    assert api.post(linked).status_code == 202
    assert_problem(api.post(spec(data=growing, optimizer=FRACTIONS)), 422)


def test_uploads_are_looked_at_as_they_are_transformed(api: Service) -> None:
    """The same contradiction, in data that were uploaded before."""
    uploaded = api.post({key: CONTRADICTORY[key] for key in ("X", "y")}, "/v1/datasets").json()
    data = {"kind": "dataset", "id": uploaded["id"]}
    refusal = assert_problem(api.post(spec(data=data, optimizer=FRACTIONS)), 422)
    assert pointers(refusal) == ["/optimizer/step_size"]
    assert api.post(spec(data=data, optimizer=NUMBER)).status_code == 202


@pytest.mark.parametrize("optimizer", MULTIPLES)
@pytest.mark.parametrize("data", [CONTRADICTORY, OVERDETERMINED])
def test_the_other_units_are_those_of_the_least_squares_where_nothing_interpolates(
    api: Service, optimizer: dict[str, Any], data: dict[str, Any]
) -> None:
    """A run has a start, and an end that gradient flow has, too."""
    assert api.post(spec(data=data, optimizer=optimizer)).status_code == 202


@pytest.mark.parametrize(
    ("optimizer", "change", "reason"),
    [
        (MULTIPLES[0], {"data": ZERO | {"X": [[0.0] * 3] * 2}}, "curves upwards in no direction"),
        (MULTIPLES[1], {"data": ZERO}, "least ℓ2 norm, which is 0"),
        (MULTIPLES[2], {"initialization": {"kind": "vector", "scale": 1.0, "vector": [1.0, 0.0]}}, "starts at 0"),
        (
            MULTIPLES[2],
            {"initialization": {"kind": "uniform", "scale": {"values": [1.0, 1e-100]}}, "model": DEEP},
            "float64",
        ),
    ],
)
def test_units_that_a_start_does_not_have_are_refused(
    api: Service, optimizer: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    """The last start is looked at as well as the first."""
    refusal = assert_problem(api.post(spec(data=DEPENDENT, optimizer=optimizer) | change), 422)
    assert pointers(refusal) == ["/optimizer/step_size"]
    assert reason in refusal["errors"][0]["detail"]
