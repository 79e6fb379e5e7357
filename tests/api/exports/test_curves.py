"""Curves of an experiment's results."""

from typing import Any

import pytest

from core.results.curves import COUNTS
from core.results.result import decode_summary, encode_summary
from tests.api.service import EXPERIMENTS, Service, assert_problem, spec

_GRID = {
    "data": spec()["data"] | {"seed": {"values": [0, 1, 2]}},
    "initialization": {"kind": "uniform", "scale": {"values": [0.1, 1.0]}},
}


def _trained(api: Service, **parts: Any) -> str:
    """An experiment over seeds, two scales and two step sizes, whose excess risk is the index of the run plus one."""
    identifier = api.submit(**_GRID, **parts)
    summaries = [
        decode_summary(encode_summary({"outcome": "converged", "excess_risk": float(index + 1), "steps": 10 * index}))
        for index in range(12)
    ]
    api.train(identifier, summaries)
    return f"{EXPERIMENTS}/{identifier}/curves"


def test_curves_are_medians_over_seeds_against_the_scale_one_for_each_step_size(api: Service) -> None:
    """The question a first look asks, without having to be asked."""
    url = _trained(api)
    document = api.get(url).json()
    assert (document["x"]["name"], document["y"]["name"]) == ("init_scale", "excess_risk")
    assert (document["series"]["name"], document["over"]) == ("step_size", "seed")
    # Runs 0 to 3 are of the first seed: both step sizes at the first scale, then both at the second.
    assert [curve["median"] for curve in document["curves"]] == [[5.0, 7.0], [6.0, 8.0]]
    asked = api.get(f"{url}?x=init_scale&y=excess_risk&series=step_size&over=seed&include=converged").json()
    assert asked == document


@pytest.mark.parametrize(
    ("held_out", "y"), [({}, "l1_norm"), ({"held_out_X": [[1.0, 1.0]], "held_out_y": [1.0]}, "test_loss")]
)
def test_user_data_are_drawn_by_what_is_known_of_them(api: Service, held_out: dict[str, Any], y: str) -> None:
    """There is no excess risk without a true predictor."""
    identifier = api.submit(data={"kind": "inline", "X": [[1.0, 0.5]], "y": [1.0], **held_out})
    assert api.get(f"{EXPERIMENTS}/{identifier}/curves").json()["y"]["name"] == y


def test_axes_that_are_left_are_fixed_by_where(api: Service) -> None:
    """One curve at one step size."""
    url = _trained(api)
    document = api.get(f"{url}?x=init_scale&where.step_size=0.002&y=steps").json()
    assert document["where"] == {"step_size": 0.002}
    assert [curve["median"] for curve in document["curves"]] == [[50.0, 70.0]]


def test_curves_of_what_is_not_computed_yet_are_gaps(api: Service) -> None:
    """Null, and counted as missing."""
    document = api.get(f"{EXPERIMENTS}/{api.submit(**_GRID)}/curves").json()
    assert document["counts"] == dict.fromkeys(COUNTS, 0) | {"missing": 12}
    assert document["curves"][0]["median"] == [None, None]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("x=sea_level", "x"),
        ("y=outcome", "y"),
        ("series=init_scale&x=init_scale", "series"),
        ("over=tide", "over"),
        ("include=some", "include"),
        ("where.step_size=0.5", "where.step_size"),
        ("where.step_size=tiny", "where.step_size"),
        ("where.step_size=nan", "where.step_size"),
        ("where.step_size=0.00_2", "where.step_size"),
        ("where.step_size=%200.002", "where.step_size"),
        ("where.step_size=\u0660.\u0660\u0660\u0662", "where.step_size"),
        ("where.tide=1", "where"),
        ("colour=red", "colour"),
        ("step_size=0.001", "step_size"),
    ],
)
def test_a_question_that_cannot_be_answered_names_the_parameter(api: Service, query: str, parameter: str) -> None:
    """And never repeats its value."""
    document = assert_problem(api.get(f"{_trained(api)}?{query}"), 422)
    assert [error["parameter"] for error in document["errors"]] == [parameter]
    assert not any(word in str(document["errors"]) for word in ("sea_level", "tiny", "red'"))


def test_a_single_run_has_no_curve(api: Service) -> None:
    """Nothing is swept, so there is no axis to draw against."""
    identifier = api.submit(optimizer={"kind": "gradient_descent", "step_size": 0.1})
    assert_problem(api.get(f"{EXPERIMENTS}/{identifier}/curves"), 422)
