"""Aggregated curves."""

import json
import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidChoice
from core.results.curves import COUNTS, Inclusion, curves, default_quantity
from tests.core.specs import SCALES, SEEDS, STEP_SIZES, analyses_of, fan, grid_of, risk, summaries_of

GRID = fan()
INDEX = {tuple(GRID.coordinates(index).values()): index for index in range(len(GRID))}
QUESTION: dict[str, Any] = {"x": "init_scale", "y": "excess_risk", "series": "step_size"}


def _risks(scale: float, step: float, seeds: list[int]) -> list[float]:
    return [risk({"init_scale": scale, "step_size": step, "seed": seed}) for seed in seeds]


def test_curves_are_medians_and_quartiles_over_the_seeds() -> None:
    """One curve for each step size, one point for each scale, as the textbook's inclusive quartiles."""
    family = curves(GRID, summaries_of(GRID), **QUESTION)
    assert family.x_values == tuple(SCALES)
    assert [curve.series for curve in family.curves] == STEP_SIZES
    for curve, step in zip(family.curves, STEP_SIZES, strict=True):
        for point, scale in enumerate(SCALES):
            quartiles = statistics.quantiles(_risks(scale, step, SEEDS), n=4, method="inclusive")
            drawn = [curve.lower_quartile[point], curve.median[point], curve.upper_quartile[point]]
            assert drawn == pytest.approx(quartiles, rel=1e-14)
        assert curve.runs == (4,) * 3
        assert {getattr(curve, count) for count in COUNTS if count != "runs"} == {(0,) * 3}


def test_runs_that_rounding_decided_are_counted_and_left_out_where_certain_ones_are_asked_for() -> None:
    """They enter otherwise; one that did not converge is told apart by that."""
    summaries = summaries_of(GRID)
    twins = [{"twin_outcome": "diverged"}, {"twin_outcome": "diverged", "outcome": "oscillating"}]
    for seed, twin in enumerate(twins):
        index = INDEX[seed, SCALES[1], STEP_SIZES[0]]
        summaries[index] = (summaries[index] or {}) | twin
    shown = curves(GRID, summaries, **QUESTION).curves[0]
    certain = curves(GRID, summaries, **QUESTION, include=Inclusion.CERTAIN).curves[0]
    assert (shown.runs, shown.decided_by_rounding, shown.not_converged) == ((4, 3, 4), (0, 1, 0), (0, 1, 0))
    assert (certain.runs, certain.decided_by_rounding, certain.not_converged) == ((4, 2, 4), (0, 1, 0), (0, 1, 0))
    assert certain.median[1] == pytest.approx(statistics.median(_risks(SCALES[1], STEP_SIZES[0], SEEDS[2:])))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["converged", "diverged", "missing", "null"]), min_size=4, max_size=4))
def test_only_converged_runs_enter_and_the_others_are_counted(fates: list[str]) -> None:
    """Whichever runs of a point are not there, did not converge or have no number."""
    summaries = summaries_of(GRID)
    for seed, fate in enumerate(fates):
        index = INDEX[seed, SCALES[1], STEP_SIZES[0]]
        changes: dict[str, dict[str, Any]] = {"diverged": {"outcome": "diverged"}, "null": {"excess_risk": None}}
        summaries[index] = None if fate == "missing" else (summaries[index] or {}) | changes.get(fate, {})
    curve = curves(GRID, summaries, **QUESTION).curves[0]
    values = _risks(SCALES[1], STEP_SIZES[0], [seed for seed, fate in enumerate(fates) if fate == "converged"])
    assert curve.runs[1] == len(values)
    assert curve.missing[1] == fates.count("missing")
    assert curve.not_converged[1] == fates.count("diverged")
    assert curve.without_value[1] == fates.count("null")
    drawn = (curve.lower_quartile[1], curve.median[1], curve.upper_quartile[1])
    if values:
        np.testing.assert_allclose(np.array(drawn, dtype=float), np.percentile(values, [25, 50, 75]), rtol=1e-14)
    else:
        assert drawn == (None, None, None)
    assert curve.runs[0] == 4


def test_runs_that_did_not_converge_enter_where_they_are_asked_for() -> None:
    """And always where the quantity does not belong to a limit, such as the steps taken."""
    summaries = [(summary or {}) | {"outcome": "oscillating"} for summary in summaries_of(GRID)]
    assert curves(GRID, summaries, **QUESTION).curves[0].runs == (0, 0, 0)
    assert curves(GRID, summaries, **QUESTION, include=Inclusion.ALL).curves[0].runs == (4, 4, 4)
    assert curves(GRID, summaries, **(QUESTION | {"y": "steps"})).curves[0].runs == (4, 4, 4)


@pytest.mark.parametrize(
    ("summaries", "quantity"),
    [
        ([{"excess_risk": None, "test_loss": None, "l1_norm": 1.0}], "l1_norm"),
        ([{"test_loss": None, "l1_norm": 1.0}, None, {"test_loss": 0.0, "l1_norm": 1.0}], "test_loss"),
        ([{"excess_risk": 0.1, "test_loss": 0.2, "l1_norm": 1.0}], "test_loss"),
        ([{"excess_risk": 0.1, "test_loss": None, "l1_norm": 1.0}], "excess_risk"),
        ([None], "test_loss"),
    ],
)
def test_the_default_quantity_is_the_best_that_any_run_has(summaries: Any, quantity: str) -> None:
    """Before any run is there, what such data can have."""
    assert default_quantity(GRID.spec.data, summaries) == quantity


def test_a_flow_limit_that_no_run_has_is_no_line() -> None:
    """A legend would name a line that is not there."""
    summaries = [(summary or {}) | {"flow_excess_risk": None} for summary in summaries_of(GRID)]
    assert curves(GRID, summaries, **QUESTION).flow_limits == ()


def test_the_limit_of_the_kernel_regime_is_a_line_of_its_own() -> None:
    """One for all step sizes, against the scale alone, of the quantity that is asked for."""
    summaries = [
        (summary or {}) | {"kernel_excess_risk": 2 * run.init_scale, "kernel_test_loss": None}
        for run, summary in zip(GRID.runs(), summaries_of(GRID), strict=True)
    ]
    (limit,) = curves(GRID, summaries, **QUESTION).kernel_limits
    assert limit.median == pytest.approx([2 * scale for scale in SCALES])
    assert limit.runs == (len(SEEDS),) * len(SCALES)
    for other in ({"y": "test_loss"}, {"y": "l1_norm"}, {"x": "step_size", "series": "init_scale"}):
        assert curves(GRID, summaries, **(QUESTION | other)).kernel_limits == ()


def test_an_axis_that_is_none_of_the_three_is_fixed_by_where() -> None:
    """The runs at the other values do not enter."""
    family = curves(GRID, summaries_of(GRID), x="init_scale", y="excess_risk", where={"step_size": 0.004})
    assert family.where == {"step_size": 0.004}
    assert len(family.curves) == 1
    assert family.curves[0].median[0] == pytest.approx(statistics.median(_risks(SCALES[0], 0.004, SEEDS)))


def test_an_axis_of_one_value_needs_no_fixing() -> None:
    """There is nothing to choose."""
    grid = grid_of(
        data={"seed": {"values": [0, 1]}, "mean": {"values": [5]}}, initialization={"scale": {"values": [1]}}
    )
    family = curves(grid, [None, None], x="init_scale", y="test_loss")
    assert family.where == {"data_mean": 5.0}
    assert family.curves[0].missing == (2,)


def test_the_seed_may_be_the_x_axis_or_fixed_instead() -> None:
    """It is aggregated over unless it is used otherwise."""
    by_seed = curves(GRID, summaries_of(GRID), x="seed", y="excess_risk", series="step_size", where={"init_scale": 0.1})
    assert (by_seed.x_values, by_seed.over) == (tuple(SEEDS), None)
    one = curves(GRID, summaries_of(GRID), **QUESTION, where={"seed": 2})
    assert one.curves[1].median[2] == risk({"init_scale": 1.0, "step_size": 0.004, "seed": 2})
    assert one.curves[1].runs == (1, 1, 1)


def test_any_axis_may_be_aggregated_over() -> None:
    """Here the step size, at each seed."""
    family = curves(GRID, summaries_of(GRID), x="init_scale", y="excess_risk", series="seed", over="step_size")
    values = [risk({"init_scale": 1.0, "step_size": step, "seed": 3}) for step in STEP_SIZES]
    assert family.curves[3].median[2] == pytest.approx(statistics.mean(values))


@pytest.mark.parametrize(
    ("question", "field", "choice"),
    [
        ({"x": "depth"}, "x", "init_scale"),
        ({"y": "outcome"}, "y", "excess_risk"),
        ({"y": "accuracy"}, "y", "excess_risk"),
        ({"series": "depth"}, "series", "step_size"),
        ({"over": "depth"}, "over", "seed"),
        ({"series": "init_scale"}, "series", "step_size"),
        ({"series": None}, "where.step_size", 0.004),
        ({"series": None, "where": {"step_size": 0.002}}, "where.step_size", 0.001),
        ({"series": None, "where": {"step_size": float("nan")}}, "where.step_size", 0.001),
        ({"series": None, "where": {"learning_rate": 0.1}}, "where", "step_size"),
    ],
)
def test_a_question_without_an_answer_names_the_field_and_the_choices(
    question: dict[str, Any], field: str, choice: str | float
) -> None:
    """Enough to put it right without looking anything up."""
    with pytest.raises(InvalidChoice) as refusal:
        curves(GRID, summaries_of(GRID), **(QUESTION | question))
    assert refusal.value.field == field
    assert choice in refusal.value.choices
    assert str(choice) in refusal.value.message


def test_a_refusal_does_not_repeat_what_was_given() -> None:
    """A message may be shown to others than who caused it."""
    with pytest.raises(InvalidChoice) as refusal:
        curves(GRID, summaries_of(GRID), **(QUESTION | {"x": "<script>"}))
    assert "script" not in refusal.value.message


def test_baselines_are_medians_over_the_data_sets() -> None:
    """The same for every step size; quantities that an interpolator does not have give no line."""
    family = curves(GRID, summaries_of(GRID), **QUESTION, analyses=analyses_of(GRID))
    lines = {line.name: line for line in family.baselines}
    assert set(lines) == {"min_l1", "min_l2"}
    assert (lines["min_l1"].problems, lines["min_l1"].series) == (4, None)
    assert lines["min_l1"].value == pytest.approx(1.51)
    assert lines["min_l2"].lower_quartile == 100.75
    assert curves(GRID, summaries_of(GRID), **QUESTION).baselines == ()


def test_baselines_follow_the_data_sets_that_are_drawn() -> None:
    """One for each seed where seeds are the series, that of a fixed seed, none where x changes the data."""
    documents = analyses_of(GRID)
    fixed = curves(GRID, summaries_of(GRID), **QUESTION, where={"seed": 3}, analyses=documents)
    assert [line.value for line in fixed.baselines] == [3.01, 103.0]
    question: dict[str, Any] = {"y": "excess_risk", "over": "step_size", "analyses": documents}
    by_seed = curves(GRID, summaries_of(GRID), x="init_scale", series="seed", **question)
    assert [line.series for line in by_seed.baselines if line.name == "min_l1"] == SEEDS
    assert not curves(GRID, summaries_of(GRID), x="seed", series="init_scale", **question).baselines


def test_a_data_set_without_analysis_or_interpolator_is_left_out_of_the_baseline() -> None:
    """It is counted out, not taken for zero."""
    analyses = analyses_of(GRID)
    first, second, *_ = analyses
    del analyses[first]
    analyses[second] = replace(analyses[second], interpolators={})
    family = curves(GRID, summaries_of(GRID), **QUESTION, analyses=analyses)
    assert {line.problems for line in family.baselines} == {2}


def test_the_flow_limit_is_one_curve_for_all_step_sizes() -> None:
    """It is there as soon as one run of a point is, whatever that run's outcome."""
    summaries = summaries_of(GRID)
    for index in range(len(GRID)):
        at = GRID.coordinates(index)
        if at["init_scale"] == SCALES[1] and at["step_size"] == STEP_SIZES[0]:
            summaries[index] = None
        elif at["init_scale"] == SCALES[2]:
            summaries[index] = (summaries[index] or {}) | {"outcome": "diverged"}
    (flow,) = curves(GRID, summaries, **QUESTION).flow_limits
    assert (flow.series, flow.median) == (None, tuple(SCALES))
    assert flow.runs == (4, 4, 4)


def test_flow_limits_differ_by_whatever_is_no_step_size() -> None:
    """A series of data seeds has one each; other quantities and other x axes have none."""
    summaries = summaries_of(GRID)
    question: dict[str, Any] = {"y": "excess_risk", "over": "step_size"}
    by_seed = curves(GRID, summaries, x="init_scale", series="seed", **question)
    assert [flow.series for flow in by_seed.flow_limits] == SEEDS
    assert curves(GRID, summaries, **(QUESTION | {"y": "steps"})).flow_limits == ()
    assert curves(GRID, summaries, x="step_size", y="excess_risk", series="init_scale").flow_limits == ()


def test_the_document_of_curves_is_plain_json() -> None:
    """Gaps are null, counts are totals, labels stand beside names."""
    summaries = summaries_of(GRID)
    summaries[INDEX[0, SCALES[0], STEP_SIZES[0]]] = None
    for seed in SEEDS:
        index = INDEX[seed, SCALES[2], STEP_SIZES[1]]
        summaries[index] = (summaries[index] or {}) | {"outcome": "diverged"}
    family = curves(GRID, summaries, **QUESTION, analyses=analyses_of(GRID))
    document = json.loads(json.dumps(family.to_document(), allow_nan=False))
    assert document["x"]["values"] == SCALES
    assert document["x"]["label"] == "initialisation scale α"
    assert document["series"]["name"] == "step_size"
    assert document["over"] == "seed"
    counts = {"runs": 19, "not_converged": 4, "without_value": 0, "missing": 1, "decided_by_rounding": 0}
    assert document["counts"] == counts
    assert document["curves"][1]["median"][2] is None
    assert document["curves"][1]["not_converged"] == [0, 0, 4]
    assert document["curves"][0]["missing"] == [1, 0, 0]
    assert document["baselines"][0]["label"] == "least ℓ1 norm"
    assert document["flow_limits"][0]["median"] == SCALES


def test_a_single_curve_has_no_series_in_its_document() -> None:
    """Null, not an empty record."""
    grid = grid_of(initialization={"scale": {"values": SCALES}})
    document = curves(grid, [None] * 3, x="init_scale", y="excess_risk").to_document()
    assert document["series"] is None
    assert document["curves"][0]["series"] is None


def test_fractions_of_the_largest_stable_step_are_an_axis_like_any_other() -> None:
    """Drawn by fraction, whatever they stand for on each data set."""
    grid = grid_of(optimizer={"step_size": {"fractions_of_max_stable": [0.5, 0.99]}})
    summaries: list[Any] = [{"outcome": "converged", "sharpness": 400.0}, {"outcome": "converged", "sharpness": 250.0}]
    family = curves(grid, summaries, x="step_size_fraction", y="sharpness")
    assert (family.x_values, family.curves[0].median) == ((0.5, 0.99), (400.0, 250.0))
