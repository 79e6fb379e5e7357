"""The report of an experiment: each inequality can hold, fail, and not apply."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.problem import analyse_problem
from core.data.regression import excess_risk, sparse_regression
from core.experiment.dataset import dataset_of, no_uploads
from core.report import STATEMENTS, Report, page
from core.report import report as report_on
from core.report.endings import endings
from core.report.measurements import MEASURED
from core.report.page import _as_sentence
from core.report.verdict import Status, Verdict
from core.results.explanation import explanation
from core.sweep.grid import Grid
from tests.core.made_up import recorded
from tests.core.specs import grid_of

ETA = 0.008
GOOD: Mapping[str, Any] = {
    "outcome": "converged",
    "step_size": ETA,
    "stability_threshold": 2 / ETA,
    "sharpness": 200.0,
    "gauss_newton_sharpness": 200.0,
    "sharpness_residual": 1e-15,
    "sharpness_lower_bound": 100.0,
    "sharpness_upper_bound": 300.0,
    "weighted_norm": 90.0,
    "certificate_residual": 1e-13,
    "kernel_change": 0.5,
    "kernel_distance": 0.25,
    "smallest_parameter": 0.01,
    "excess_risk": 0.13,
    "limit_error": 1e-9,
    "risk_error": 1e-8,
    "perturbations": 0,
}
"""A run of which everything holds, each inequality with room of its own."""

UNKNOWN: Mapping[str, Any] = {"sharpness": None, "gauss_newton_sharpness": None}

ANALYSIS: Mapping[str, Any] = {
    "no_interpolator": None,
    "min_sharpness_lower": 150.0,
    "min_sharpness_upper": 150.003,
    "min_sharpness_gap": 2e-5,
    "min_sharpness_sign_free_lower": 60.0,
    "max_stable_step": 2 / 150.003,
    "never_stable_above": 2 / 150.0,
    "least_squared_mean": 24.0,
    "largest_second_moment": 31.0,
    "interpolators": {
        "min_l1": {"l1_norm": 2.0, "residual": 1e-14, "excess_risk": 1e-13},
        "min_l2": {"residual": 1e-15},
        "least_trace": {"objective": 160.0, "lower_bound": 160.0, "residual": 1e-14},
        "least_stability_measure": {"objective": 140.0, "lower_bound": 140.0, "residual": 1e-14},
        "flattest": {"l1_norm": 2.1, "residual": 1e-13, "excess_risk": 0.065},
    },
}
"""A problem with μ = σ² = 5 of which everything holds: ζ = 1.2, and κ = 31/24 = 1.2917 is below 1.1ζ = 1.32."""

GRID = grid_of(
    data={"seed": {"values": [3, 4]}},
    initialization={"scale": {"values": [0.1, 1.0]}},
    optimizer={"step_size": {"values": [0.004, ETA]}},
)
RUNS = 8


def _deep(depth: Any) -> dict[str, Any]:
    return {"kind": "diagonal", "depth": depth}


def _summaries(grid: Grid, **changes: Any) -> list[dict[str, Any] | None]:
    return [{**GOOD, **changes} for _ in range(len(grid))]


def report(grid: Grid, summaries: Any, analyses: Mapping[str, Mapping[str, Any]]) -> Report:
    """The report on these documents."""
    return report_on(grid, summaries, recorded(analyses))


def _analyses(grid: Grid, **changes: Any) -> dict[str, dict[str, Any]]:
    return {run.problem_key: {**ANALYSIS, **changes} for run in grid.runs()}


def _interpolators(name: str, **changes: float) -> dict[str, Any]:
    known = ANALYSIS["interpolators"]
    return {"interpolators": {**known, name: {**known[name], **changes}}}


def _broken(run: Mapping[str, Any] | None = None, problem: Mapping[str, Any] | None = None) -> Report:
    """The report of GRID where run 5 and problem 1 are changed."""
    summaries, analyses = _summaries(GRID), _analyses(GRID)
    summaries[5] = {**GOOD, **(run or {})}
    analyses[GRID.run(4).problem_key] |= problem or {}
    return report(GRID, summaries, analyses)


def _verdict(found: Report, key: str) -> Verdict:
    return next(verdict for verdict in found.verdicts if verdict.key == key)


def _reasons(found: Report, key: str) -> dict[str, int]:
    return {reason.sentence: reason.cases for reason in _verdict(found, key).reasons}


def test_everything_holds_where_everything_is_well() -> None:
    """The material of these tests, with nothing changed in it."""
    found = report(GRID, _summaries(GRID), _analyses(GRID))
    assert {verdict.key for verdict in found.verdicts} == {statement.key for statement in STATEMENTS}
    for verdict in found.verdicts:
        assert verdict.status is Status.HOLDS, verdict
        assert verdict.applicable == verdict.holds == {"run": RUNS, "problem": 2}[verdict.scope]
        assert verdict.not_applicable == 0


@pytest.mark.parametrize(
    ("key", "change", "slack"),
    [
        ("linear_stability", {"sharpness": 260.0}, (250 - 260) / 250),
        ("sharpness_above_lower_bound", {"sharpness_lower_bound": 220.0}, (200 - 220) / 200),
        ("sharpness_below_upper_bound", {"sharpness_upper_bound": 180.0}, (180 - 200) / 180),
        ("weighted_norm_below_measure", {"weighted_norm": 100.0001}, -1e-6),
        # With a sharpness between them the two bounds of Lemmas 2.3 and 4.1 imply it: it fails alone without one.
        (
            "measure_below_threshold",
            {"gauss_newton_sharpness": None, "sharpness_lower_bound": 275.0},
            (250 - 275) / 250,
        ),
        ("no_flatter_than_flattest", {"gauss_newton_sharpness": 140.0}, (140 - 150) / 140),
        (
            "no_larger_step",
            UNKNOWN | {"stability_threshold": 140.0},
            (140 - 150) / 140,
        ),
        ("certificate", {"certificate_residual": 3e-8}, -2.0),
        ("sharpness_residual", {"sharpness_residual": 2e-8}, -1.0),
    ],
)
def test_each_inequality_of_runs_can_fail_alone(key: str, change: dict[str, Any], slack: float) -> None:
    """Broken at one run by a known amount: found there, by that much, and nowhere else."""
    found = _broken(run=change)
    assert [verdict.key for verdict in found.verdicts if verdict.status is Status.VIOLATED] == [key]
    verdict = _verdict(found, key)
    assert (verdict.applicable, verdict.holds) == (RUNS, RUNS - 1)
    assert verdict.worst_slack == pytest.approx(slack, rel=1e-6)
    assert verdict.worst is not None
    assert verdict.worst.index == 5
    assert verdict.worst.coordinates == {"seed": 4, "init_scale": 0.1, "step_size": ETA}


@pytest.mark.parametrize(
    ("key", "change", "slack"),
    [
        ("measure_below_least_sharpness", _interpolators("least_stability_measure", lower_bound=165.0033), -0.1),
        ("least_sharpness_below_trace", _interpolators("least_trace", objective=120.0), -0.25),
        # Where κ ≤ 1.1ζ the statement with κ fails as well: this one fails alone where κ is not known.
        ("flattest_l1", {"least_squared_mean": None} | _interpolators("flattest", l1_norm=3.96), -0.5),
        # And the one with κ alone where κ = 5 exceeds 1.1ζ, so that the lemma promises nothing.
        (
            "flattest_l1_realised",
            {"least_squared_mean": 6.2} | _interpolators("flattest", l1_norm=5 * 2.0 * 1.00002 * 1.25),
            -0.25,
        ),
        ("interpolator_residual", _interpolators("min_l2", residual=1.1e-8), -0.1),
    ],
)
def test_each_inequality_of_problems_can_fail_alone(key: str, change: dict[str, Any], slack: float) -> None:
    """Broken at one problem by a known amount."""
    found = _broken(problem=change)
    assert [verdict.key for verdict in found.verdicts if verdict.status is Status.VIOLATED] == [key]
    verdict = _verdict(found, key)
    assert (verdict.applicable, verdict.holds) == (2, 1)
    assert verdict.worst_slack == pytest.approx(slack, rel=1e-6)
    assert verdict.worst is not None
    assert (verdict.worst.index, verdict.worst.coordinates) == (1, {"seed": 4})


def test_every_statement_is_broken_by_some_test() -> None:
    """No exceptions: what cannot be violated is no statement."""
    tests = (test_each_inequality_of_runs_can_fail_alone, test_each_inequality_of_problems_can_fail_alone)
    broken = {case[0] for test in tests for mark in test.pytestmark for case in mark.args[1]}
    assert broken == {statement.key for statement in STATEMENTS}


_MAYBE = st.none() | st.floats(0, 400) | st.sampled_from([math.nan, math.inf])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["converged", "oscillating", None]), _MAYBE, _MAYBE), min_size=8, max_size=8))
def test_a_verdict_is_what_a_loop_over_the_runs_finds(
    fates: list[tuple[str | None, float | None, float | None]],
) -> None:
    """Runs that are missing, did not converge or lack a number are left out; of the others the least slack counts."""
    summaries = [
        None if outcome is None else {**GOOD, "outcome": outcome, "sharpness": left, "stability_threshold": right}
        for outcome, left, right in fates
    ]
    verdict = _verdict(report(GRID, summaries, _analyses(GRID)), "linear_stability")
    slacks: dict[int, float] = {}
    for index, (outcome, left, right) in enumerate(fates):
        numbers = [number for number in (left, right) if number is not None and math.isfinite(number)]
        if outcome == "converged" and len(numbers) == 2:
            difference = numbers[1] - numbers[0]
            slacks[index] = difference / numbers[1] if numbers[1] else (0.0 if difference == 0 else -math.inf)
    assert verdict.applicable == len(slacks)
    assert verdict.not_applicable == sum(outcome == "converged" for outcome, *_ in fates) - len(slacks)
    assert verdict.holds == sum(slack >= -1e-9 for slack in slacks.values())
    if slacks:
        assert verdict.worst is not None
        assert slacks[verdict.worst.index] == min(slacks.values())
        assert verdict.worst_slack == (min(slacks.values()) if math.isfinite(min(slacks.values())) else None)
    else:
        assert (verdict.status, verdict.worst, verdict.worst_slack) == (Status.NOT_APPLICABLE, None, None)


def test_the_document_is_json_whatever_is_not_known() -> None:
    """NaN, infinities and absent numbers become null; nothing is left out."""
    summaries = _summaries(GRID, sharpness=math.nan, excess_risk=math.inf, kernel_change=None)
    summaries[0] = {"outcome": "converged"}
    summaries[1] = {"outcome": "diverged", "sharpness": math.inf}
    document = report(GRID, summaries, _analyses(GRID, min_sharpness_gap=math.nan)).to_document()
    again = json.loads(json.dumps(document, allow_nan=False))
    assert again == document
    rows = {row["key"]: row for row in again["inequalities"]}
    assert rows["linear_stability"]["status"] == "not_applicable"
    assert rows["linear_stability"]["reasons"] == [
        {"reason": "one of the numbers that it compares is not known.", "cases": 7}
    ]
    assert rows["measure_below_threshold"]["not_applicable"] == 1
    assert all(row["tolerance_reason"] for row in rows.values())
    assert again["problems"][0]["min_sharpness_gap"] is None
    assert len(again["problems"]) == 2


def test_a_report_says_how_much_it_rests_on() -> None:
    """Runs that are missing or did not converge, problems that are not analysed, perturbations."""
    summaries = _summaries(GRID)
    summaries[0] = None
    summaries[1] = {**GOOD, "outcome": "oscillating", "perturbations": 3, "path": "perturbed"}
    summaries[2] = {**GOOD, "perturbations": 2, "path": "perturbed", "twin_outcome": "converged", "sensitivity": 1e-9}
    summaries[3] = {**GOOD, "path": "smooth"}
    analyses = _analyses(GRID)
    del analyses[GRID.run(4).problem_key]
    found = report(GRID, summaries, analyses)
    assert found.to_document()["basis"] == {
        "runs": 8,
        "stored": 7,
        "missing": 1,
        "converged": 6,
        "outcomes": {"converged": 6, "oscillating": 1},
        "perturbed": 2,
        "perturbations": 5,
        "kicked": 2,
        "kicks": 5,
        "paths": {"perturbed": 2, "smooth": 1, "unknown": 4},
        "decided_by_rounding": 1,
        "problems": 2,
        "analysed": 1,
    }
    unanalysed = "the problem is not analysed yet."
    assert _reasons(found, "no_larger_step") == {unanalysed: 4}
    assert _reasons(found, "measure_below_least_sharpness") == {unanalysed: 1}
    assert _verdict(found, "linear_stability").applicable == 6


def test_nothing_applies_to_an_experiment_that_has_not_begun() -> None:
    """No row is empty: each says why."""
    found = report(GRID, [None] * RUNS, {})
    assert found.statuses == {Status.HOLDS: 0, Status.VIOLATED: 0, Status.NOT_APPLICABLE: len(STATEMENTS)}
    for verdict in found.verdicts:
        expected = "no run has ended at a limit." if verdict.scope == "run" else "the problem is not analysed yet."
        assert [reason.sentence for reason in verdict.reasons] == [expected]


def test_summaries_of_another_grid_are_refused() -> None:
    """One for each run, or None."""
    with pytest.raises(ValueError, match="7 summaries for 8 runs"):
        report(GRID, [None] * 7, {})


def test_data_that_nothing_interpolates_are_quoted() -> None:
    """The sentence of the analysis is the reason."""
    analyses = _analyses(GRID, no_interpolator="y is not consistent", interpolators={}, min_sharpness_lower=None)
    found = report(GRID, _summaries(GRID), analyses)
    reason = "there are no interpolators: y is not consistent."
    assert _reasons(found, "no_flatter_than_flattest") == {reason: RUNS}
    assert _reasons(found, "least_sharpness_below_trace") == {reason: 2}


@pytest.mark.parametrize(("smallest", "reason"), [(-0.1, "has become negative"), (None, "is not known")])
def test_at_odd_depth_the_weighted_norm_needs_positive_parameters(smallest: float | None, reason: str) -> None:
    """u₋ = −u₊ violates Theorem 6.2 there; at even depth it cannot, whatever the signs."""
    for depth, applies in ((3, False), (4, True)):
        grid = grid_of(model=_deep(depth))
        found = report(grid, _summaries(grid, smallest_parameter=smallest, weighted_norm=101.0), _analyses(grid))
        verdict = _verdict(found, "weighted_norm_below_measure")
        assert (verdict.status is Status.VIOLATED) == applies
        assert applies or reason in verdict.reasons[0].sentence
        positive = report(grid, _summaries(grid, weighted_norm=101.0), _analyses(grid))
        assert _verdict(positive, "weighted_norm_below_measure").status is Status.VIOLATED


@pytest.mark.parametrize(("smallest", "bound"), [(0.0, 150.0), (-0.1, 60.0), (None, 60.0)])
def test_at_odd_depth_a_run_that_crossed_zero_may_be_flatter(smallest: float | None, bound: float) -> None:
    """It is held to the sign-free minimum, and counted by it."""
    grid = grid_of(model=_deep(3))
    summaries = _summaries(grid, smallest_parameter=smallest, stability_threshold=120.0, gauss_newton_sharpness=100.0)
    found = report(grid, summaries, _analyses(grid))
    for key in ("no_flatter_than_flattest", "no_larger_step"):
        verdict = _verdict(found, key)
        assert verdict.worst is not None
        assert verdict.worst.left == bound
        assert (verdict.status is Status.VIOLATED) == (bound == 150.0)
    place = "above_never_stable" if bound == 150.0 else "between"
    assert found.ends_by_step_size[place] == {"converged": 1}


def test_an_unfinished_run_may_be_flatter_by_what_its_tolerance_leaves() -> None:
    """It interpolates a y that is √tolerance away: the comparison with min λ_max, and no other, allows for that."""
    for tolerance, status in ((1e-10, Status.HOLDS), (1e-14, Status.VIOLATED)):
        grid = grid_of(stopping={"loss_tolerance": tolerance})
        found = report(grid, _summaries(grid, gauss_newton_sharpness=150 * (1 - 1e-4)), _analyses(grid))
        assert _verdict(found, "no_flatter_than_flattest").status is status
        assert _verdict(found, "no_flatter_than_flattest").tolerance.value == pytest.approx(
            30 * math.sqrt(tolerance), rel=0.01
        )
        assert _verdict(found, "linear_stability").tolerance.value == 1e-9


@pytest.mark.parametrize(
    ("model", "sources"),
    [
        (_deep(2), ["Lemma 4.1", "Theorem 4.2", "Lemma D.2"]),
        (_deep(3), ["Lemma 6.1", "Theorem 6.2", "as Lemma D.2"]),
        ({"kind": "uv", "shape": 0.5}, ["Lemma C.1", "Theorem B.1", "as Lemma D.2"]),
        (
            _deep({"values": [2, 4]}),
            ["Lemma 4.1, Lemma 6.1", "Theorem 4.2, Theorem 6.2", "Lemma D.2, as Lemma D.2"],
        ),
    ],
)
def test_a_row_names_the_statement_for_the_network_at_hand(model: dict[str, Any], sources: list[str]) -> None:
    """Depth 2, deeper, UV, or several of them in one grid."""
    grid = grid_of(model=model)
    found = report(grid, _summaries(grid), _analyses(grid))
    keys = ("sharpness_above_lower_bound", "weighted_norm_below_measure", "measure_below_least_sharpness")
    assert [_verdict(found, key).source for key in keys] == sources


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"model": _deep(3)}, "at depth 3 and beyond"),
        ({"optimizer": {"kind": "heavy_ball", "momentum": 0.5}}, "heavy-ball momentum has no such"),
        ({}, "has vanished or overflowed"),
    ],
)
def test_a_certificate_that_cannot_be_is_explained(parts: dict[str, Any], reason: str) -> None:
    """Depth, momentum, or a coordinate that is lost."""
    grid = grid_of(**parts)
    (only,) = _verdict(report(grid, _summaries(grid, certificate_residual=None), {}), "certificate").reasons
    assert reason in only.sentence
    assert only.cases == 1


def test_uv_has_a_certificate_and_the_bound_of_the_l1_norm() -> None:
    """Its flattest interpolator is that of depth 2."""
    grid = grid_of(model={"kind": "uv", "shape": {"values": [0.0, 0.5]}})
    found = report(grid, _summaries(grid), _analyses(grid))
    for key, cases in (("certificate", 2), ("flattest_l1", 1), ("flattest_l1_realised", 1)):
        assert (_verdict(found, key).status, _verdict(found, key).holds) == (Status.HOLDS, cases)


def test_momentum_is_judged_by_its_own_threshold() -> None:
    """(2 + 2m)/η as the run reports it; step sizes are compared with η* after division by 1 + m."""
    grid = grid_of(optimizer={"kind": "heavy_ball", "momentum": 0.5, "step_size": 0.012})
    summaries = _summaries(
        grid, step_size=0.012, stability_threshold=3 / 0.012, sharpness=240.0, first_failing_step=0.03
    )
    found = report(grid, summaries, _analyses(grid))
    assert _verdict(found, "linear_stability").status is Status.HOLDS
    assert _verdict(found, "no_larger_step").status is Status.HOLDS
    (problem,) = found.problems
    assert problem.numbers["largest_converged_step"] == pytest.approx(0.008)
    assert problem.numbers["first_failing_step"] == pytest.approx(0.02)


def test_lemma_5_1_needs_a_mean_a_distribution_and_depth_2() -> None:
    """Otherwise it says what is missing; the ratio is measured all the same."""
    for parts, reason in (
        ({"data": {"mean": 0.0}}, "μ = 0"),
        ({"data": {"kind": "inline", "X": [[1.0, 0.5]], "y": [1.0]}}, "the data's own factor is up to 1.29"),
        ({"data": {"correlation": 0.5}}, "these data have another law"),
        ({"model": _deep(3)}, "depth 2"),
    ):
        grid = grid_of(**parts)
        found = report(grid, _summaries(grid), _analyses(grid))
        (only,) = _verdict(found, "flattest_l1").reasons
        assert reason in only.sentence
        ratio = next(measurement for measurement in found.measurements if measurement.key == "l1_ratio")
        assert ratio.median == pytest.approx(1.05)


def test_too_few_samples_excuse_the_lemma_and_never_its_certain_form() -> None:
    """Concentration has high probability for many samples only: beyond it the ℓ1 norm may be larger, up to κ."""
    unlucky = {"least_squared_mean": 12.4} | _interpolators("flattest", l1_norm=3.0)
    found = _broken(problem=unlucky)
    verdict = _verdict(found, "flattest_l1")
    assert (verdict.status, verdict.applicable, verdict.not_applicable) == (Status.HOLDS, 1, 1)
    (reason,) = verdict.reasons
    assert "N = 50 samples are too few" in reason.sentence
    assert "is 2.5, and at most 1.1·ζ = 1.32 is wanted" in reason.sentence
    certain = _verdict(found, "flattest_l1_realised")
    assert (certain.status, certain.holds) == (Status.HOLDS, 2)


def test_no_lack_of_concentration_excuses_what_the_certain_factor_rules_out() -> None:
    """Where κ is just 1.1ζ the two statements are one: what fails, fails in both."""
    certain = {"largest_second_moment": 1.1 * 1.2, "least_squared_mean": 1.0, "min_sharpness_upper": 150.0}
    found = _broken(problem=certain | _interpolators("flattest", l1_norm=3.0))
    for key in ("flattest_l1", "flattest_l1_realised"):
        assert _verdict(found, key).status is Status.VIOLATED


def test_the_sentence_is_about_the_data_furthest_off() -> None:
    """By the ratio of the two factors, not by the larger of either."""
    grid = grid_of(data={"mean": {"values": [1.0, 5.0]}})
    analyses, unlucky = _analyses(grid), _interpolators("flattest", l1_norm=30.0)
    centred, far = (grid.run(index).problem_key for index in range(2))
    analyses[centred] |= unlucky | {"largest_second_moment": 80.0, "least_squared_mean": 10.0}  # 8 for 6.6
    analyses[far] |= unlucky | {"largest_second_moment": 30.0, "least_squared_mean": 10.0}  # 3 for 1.32
    (reason,) = _reasons(report(grid, _summaries(grid), analyses), "flattest_l1")
    assert "is 3, and at most 1.1·ζ = 1.32 is wanted" in reason


@pytest.mark.parametrize("least", [0.5, 150.0])
def test_the_ratio_to_the_least_sharpness_is_taken_near_the_largest_step(least: float) -> None:
    """λ_max/min λ_max of the runs at η ≥ 0.9·η*, in any units; of no others, and of none where every step is stable."""
    grid, analyses = GRID, _analyses(GRID, min_sharpness_upper=least)
    summaries = [{**GOOD, "sharpness": 1.5 * least, "stability_threshold": least * 1.01 / 0.9} for _ in range(RUNS)]
    for index, share in ((2, 0.99), (5, 0.8)):
        summaries[index] |= {"stability_threshold": least * share / 0.9, "sharpness": (1 + share) * least}
    summaries[7] |= {"outcome": "oscillating", "stability_threshold": least, "sharpness": 9 * least}
    row = next(row for row in report(grid, summaries, analyses).measurements if row.key == "flatness_near_limit")
    assert (row.known, row.unknown) == (2, RUNS - 3)
    assert (row.least, row.median, row.greatest) == pytest.approx((1.8, 1.895, 1.99))
    boundless = report(grid, summaries, _analyses(GRID, min_sharpness_upper=0.0)).measurements
    assert next(row.known for row in boundless if row.key == "flatness_near_limit") == 0


def test_a_column_of_mean_zero_leaves_no_certain_factor() -> None:
    """κ is infinite: it bounds nothing."""
    found = _broken(problem={"least_squared_mean": 0.0})
    assert _verdict(found, "flattest_l1_realised").not_applicable == 1
    assert any("mean zero" in reason for reason in _reasons(found, "flattest_l1_realised"))


@settings(deadline=None, max_examples=15)
@given(
    mean=st.sampled_from([0.5, 2.0, 5.0]),
    seed=st.integers(0, 10**6),
    model=st.sampled_from([_deep(2), _deep(3), _deep(4), {"kind": "uv"}]),
)
def test_the_statements_about_problems_hold_for_data_as_they_come(
    mean: float, seed: int, model: dict[str, Any]
) -> None:
    """Small data sets, far from concentrating: what is proven of every data set holds for each of them."""
    grid = grid_of(data={"samples": 4, "dimension": 8, "sparsity": 2, "mean": mean, "seed": seed}, model=model)
    run = grid.run(0)
    analysed = analyse_problem(dataset_of(run.spec.data, no_uploads), run.network, run.data_key)
    found = report_on(grid, [None], {run.problem_key: analysed.analysis})
    for key in ("measure_below_least_sharpness", "least_sharpness_below_trace", "interpolator_residual"):
        assert _verdict(found, key).status is Status.HOLDS, _verdict(found, key)
    if run.network.degree == 2:
        assert _verdict(found, "flattest_l1_realised").status is Status.HOLDS
    assert found.statuses[Status.VIOLATED] == 0


def test_sample_complexity_and_risks_are_relative_to_doing_nothing() -> None:
    """ζ²k/N by hand; the risk of β = 0 as the data set itself has it, by its closed form."""
    grid = grid_of(data={"mean": 2.0, "variance": 3.0, "samples": 40, "sparsity": 4})
    numbers = report(grid, _summaries(grid), _analyses(grid)).problems[0].numbers
    assert numbers["zeta"] == pytest.approx(1.75)
    assert numbers["sample_complexity"] == pytest.approx(1.75**2 * 4 / 40)
    dataset = sparse_regression(
        samples=40, dimension=100, sparsity=4, mean=2.0, variance=3.0, noise_variance=0.01, seed=0
    )
    nothing = float(excess_risk(np.zeros(100), dataset))
    assert numbers["flattest_excess_ratio"] == pytest.approx(0.065 / nothing)
    assert numbers["descent_excess_ratio"] == pytest.approx(0.13 / nothing)
    assert numbers["mean_concentration"] == pytest.approx(24 / 4)
    assert numbers["moment_concentration"] == pytest.approx(31 / 7)


def test_a_ratio_is_known_wherever_what_it_is_taken_to_is_not_zero() -> None:
    """Moments, norms and risks below 1 as well as above; to a mean of zero there is none."""
    grid = grid_of(data={"mean": {"values": [0.5, 0.0]}, "variance": 0.2, "sparsity": 4})
    numbers, centred = (
        problem.numbers
        for problem in report(grid, _summaries(grid), _analyses(grid, **_interpolators("min_l1", l1_norm=0.5))).problems
    )
    assert numbers["mean_concentration"] == pytest.approx(24 / 0.25)
    assert numbers["moment_concentration"] == pytest.approx(31 / 0.45)
    assert numbers["l1_ratio"] == pytest.approx(2.1 / 0.5)
    assert numbers["flattest_excess_ratio"] == pytest.approx(0.065 / 0.6)
    assert numbers["sample_complexity"] == pytest.approx(1.8**2 * 4 / 50)
    assert centred["mean_concentration"] is None
    assert centred["sample_complexity"] is None
    assert centred["moment_concentration"] == pytest.approx(31 / 0.2)


def test_regimes_are_counts_of_converged_runs() -> None:
    """By the change of the kernel, and by how near the sharpness is to 2/η."""
    summaries = _summaries(GRID)
    for index, (change, sharpness) in enumerate([(0.05, 225.0), (0.1, 224.0), (1.5, 249.0), (None, None)]):
        summaries[index] = {**GOOD, "kernel_change": change, "sharpness": sharpness}
    summaries[7] = {**GOOD, "outcome": "oscillating", "kernel_change": 7.0, "sharpness": 249.0}
    found = report(GRID, summaries, {})
    assert found.kernel_regimes == {"kernel": 1, "between": 4, "rich": 1, "unknown": 1}
    assert found.edge_of_stability == {"riding": 2, "below": 4, "unknown": 1}


def test_ends_are_counted_on_both_sides_of_the_largest_stable_step() -> None:
    """Every stored run: below 2/upper, above 2/lower, between the two, or where they are not known."""
    thresholds = [160.0, 150.003, 150.001, 150.0, 149.0, None, 160.0, 160.0]
    summaries: list[Any] = [{**GOOD, "stability_threshold": threshold} for threshold in thresholds]
    summaries[4]["outcome"] = "oscillating"
    summaries[6]["outcome"] = "budget_exhausted"
    summaries[7] = None
    found = report(GRID, summaries, _analyses(GRID))
    assert found.ends_by_step_size == {
        "below_max_stable_step": {"converged": 1, "budget_exhausted": 1},
        "between": {"converged": 3},
        "above_never_stable": {"oscillating": 1},
        "unknown": {"converged": 1},
    }


_STEPS = st.sampled_from([0.001, 0.002, 0.003, 0.004])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(_STEPS, st.sampled_from(["converged", "diverged", None])), min_size=8, max_size=8))
def test_the_step_sizes_of_a_problem_are_bracketed(fates: list[tuple[float, str | None]]) -> None:
    """The largest that converged, and the smallest above it that did not, of each problem by itself."""
    summaries = [
        None if outcome is None else {**GOOD, "stability_threshold": 2 / step, "outcome": outcome, "excess_risk": step}
        for step, outcome in fates
    ]
    found = report(GRID, summaries, {})
    for problem, mine in zip(found.problems, (fates[:4], fates[4:]), strict=True):
        largest = max((step for step, outcome in mine if outcome == "converged"), default=None)
        failed = [step for step, outcome in mine if outcome == "diverged" and step > (largest or 0.0)]
        assert problem.numbers["largest_converged_step"] == pytest.approx(largest)
        assert problem.numbers["smallest_failed_step_above"] == pytest.approx(min(failed, default=None))
        # R(0) = ½(5 + 25·5) = 65 on the default data
        ratio = None if largest is None else largest / 65
        assert problem.numbers["descent_excess_ratio"] == pytest.approx(ratio)
        assert problem.converged == sum(outcome == "converged" for _, outcome in mine)


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_the_page_is_narrow_and_has_every_statement_once() -> None:
    """Those that hold with their number of cases; at most 80 columns."""
    text = page(report(GRID, _summaries(GRID), _analyses(GRID)), title="two data sets (succeeded)")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "REPORT  two data sets (succeeded)"
    assert "Based on 8 of 8 runs (none is missing)" in _flat(text)
    for statement in STATEMENTS:
        assert len([line for line in lines if line.startswith("holds ") and f"  {statement.formula}" in line]) >= 1
        assert _flat(statement.words) in _flat(text)
    assert "NOT APPLICABLE" not in text
    assert "VIOLATED" not in text


def test_the_page_shows_a_violation_with_its_place() -> None:
    """In capital letters, with the two sides, the tolerance, and the run."""
    text = page(_broken(run={"sharpness": 260.0}), title="x")
    assert any(line.startswith("VIOLATED 7/8 ") and line.endswith("Lemma 2.3") for line in text.splitlines())
    assert "Worst: 260 > 250, room -0.04, run 5 (seed 4, init_scale 0.1, step_size 0.008)." in _flat(text)
    assert "Tolerance 1e-09:" in text


def test_the_page_ends_with_what_was_not_applicable() -> None:
    """Grouped by reason, each with its statements and the number of cases."""
    grid = grid_of(model=_deep(3), initialization={"scale": {"values": [0.1, 1.0]}})
    text = page(report(grid, _summaries(grid, smallest_parameter=-1.0), {}), title="x")
    end = _flat(text[text.index("NOT APPLICABLE, AND WHY") :])
    assert "The problem is not analysed yet. min λ_max ≤ λ_max: 2 runs" in end
    assert "become negative. Σ c(β)_i(Êx_i)² ≤ Σ c_i(Êx_i)²: 2 runs" in end
    assert "ℓ1 norm of the flattest over the least: not without interpolators" in _flat(text)


def test_a_section_has_one_heading_and_what_belongs_to_a_line_is_four_columns_in() -> None:
    """Reasons are a blank line apart, their statements below each; words and the closest case below a statement."""
    grid = grid_of(model=_deep(3), initialization={"scale": {"values": [0.1, 1.0]}})
    text = page(report(grid, _summaries(grid, smallest_parameter=-1.0), {}), title="x")
    first, *others = text[text.index("NOT APPLICABLE") :].removesuffix("\n").split("\n\n")
    assert first.startswith("NOT APPLICABLE, AND WHY\nAt odd depth ")
    assert len(others) >= 2
    assert "NOT APPLICABLE" not in "".join(others)
    starts = [len(line) - len(line.lstrip()) for line in text.splitlines()]
    assert set(starts) == {0, 4}


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("a word.", "a word."),
        ("words.", "Words."),
        ("ζ is.", "ζ is."),
        ("ζs are.", "ζs are."),
        ("x = ζ.", "x = ζ."),
        ("N samples.", "N samples."),
    ],
)
def test_only_a_word_is_given_a_capital(reason: str, sentence: str) -> None:
    """A symbol, or a single letter, may be one of a formula."""
    assert _as_sentence(reason) == sentence


def test_a_reason_that_begins_with_a_symbol_keeps_it() -> None:
    """A capital Ζ is another letter."""
    grid = grid_of(data={"kind": "inline", "X": [[1.0, 0.5]], "y": [1.0]})
    text = page(report(grid, _summaries(grid), _analyses(grid)), title="x")
    assert "ζ of the distribution behind user data is not known; the data's own factor is up to 1.29." in _flat(text)


def test_the_page_of_a_large_grid_is_one_page() -> None:
    """Problems beyond the eighth are in the JSON alone."""
    grid = grid_of(data={"seed": {"values": list(range(40))}})
    text = page(report(grid, _summaries(grid), _analyses(grid)), title="x")
    assert "… and 32 more" in text
    assert len(text.splitlines()) < 150


def test_the_page_of_nothing_is_a_page() -> None:
    """Before the first run: no numbers, all reasons."""
    text = page(report(GRID, [None] * RUNS, {}), title="x")
    assert "Based on 0 of 8 runs (8 are not stored yet)" in _flat(text)
    assert "No run has ended at a limit." in text


def test_every_row_and_field_is_documented() -> None:
    """The page on reports has each key with its formula, and each field of the document."""
    text = (Path(__file__).parents[3] / "docs" / "how-to" / "report.md").read_text(encoding="utf-8")
    for known in (*STATEMENTS, *MEASURED):
        formula = known.formula.replace("|", r"\|")
        assert f"| `{known.key}` | {formula} | " in text, known.key
    names = {part for name in re.findall(r"`([^`\n]+)`", text) for part in name.split(".")}
    document = report(GRID, _summaries(GRID), _analyses(GRID)).to_document()
    rows = [document["basis"], document["inequalities"][0], document["problems"][0], document["regimes"]]
    fields = {*document, *(field for row in rows for field in row)}
    assert fields - names == {"key"}  # that stands over the first column of both tables


@pytest.mark.parametrize(("outcome", "fails"), [("stationary", False), ("stopped", False), ("oscillating", True)])
def test_a_run_at_its_least_squares_has_not_failed(outcome: str, *, fails: bool) -> None:
    """Nor one that took the steps that it was asked for: neither says anything against its step size."""
    grid = grid_of()
    (problem,) = report(grid, _summaries(grid, outcome=outcome), _analyses(grid)).problems
    assert (problem.numbers["smallest_failed_step_above"] is not None) is fails


def test_ends_are_explained_once_for_each_way_to_end() -> None:
    """By outcome and by the thresholds that the step size is above; the most frequent first."""
    steps = {"step_size": 0.01, "steps": 7}
    low, high = {"start_stable_step": 0.02}, {"start_stable_step": 0.005}
    summaries = [
        None,
        {"outcome": "diverged"} | steps | high,
        {"outcome": "converged"} | steps | low,
        {"outcome": "diverged"} | steps | high | {"step_size": 0.03},
        {"outcome": "diverged"} | steps | low,
    ]
    found = endings(GRID, summaries)
    assert [(ending.outcome, ending.above, ending.runs, ending.run) for ending in found] == [
        ("diverged", ("start_stable_step",), 2, 1),
        ("converged", (), 1, 2),
        ("diverged", (), 1, 4),
    ]
    assert found[0].explanation == explanation(summaries[1] or {})
    shown = page(report(GRID, _summaries(GRID), _analyses(GRID)), title="")
    assert "WHY RUNS ENDED AS THEY DID" in shown


def test_a_run_at_its_least_squares_is_judged_by_what_applies_to_it() -> None:
    """Its Hessian is the Gauss–Newton matrix: stability and bounds are checked, what needs interpolators is not."""
    grid = grid_of()
    nothing = {"no_interpolator": "Xβ = y has no solution", "interpolators": {}} | dict.fromkeys(
        ("min_sharpness_lower", "min_sharpness_upper", "min_sharpness_gap", "max_stable_step")
    )
    found = report(grid, _summaries(grid, outcome="stationary"), _analyses(grid, **nothing))
    assert _verdict(found, "linear_stability").status is Status.HOLDS
    assert _verdict(found, "measure_below_threshold").status is Status.HOLDS
    assert _verdict(found, "no_flatter_than_flattest").status is Status.NOT_APPLICABLE
    measured = {entry.key: entry.median for entry in found.measurements}
    assert (measured["sharpness"], measured["limit_error"], measured["risk_error"]) == (200.0, 1e-9, 1e-8)
    assert found.basis.converged == 0
    assert "0 have converged and 1 are at the least squares" in _flat(page(found, title="x"))
    unstable = report(grid, _summaries(grid, outcome="stationary", sharpness=260.0), _analyses(grid))
    assert _verdict(unstable, "linear_stability").status is Status.VIOLATED


def test_assumption_5_3_is_quoted_and_true_by_construction() -> None:
    """With the runs that would have contradicted it: perturbed off an unstable interpolator, or left there."""
    summaries = _summaries(GRID)
    summaries[2] = {**GOOD, "perturbations": 3}
    summaries[5] = {**GOOD, "outcome": "unstable_interpolator"}
    text = _flat(page(report(GRID, summaries, _analyses(GRID)), title="x"))
    assert "with probability zero descent converges to an interpolator that is not linearly stable" in text
    assert "1 runs that had come to one were perturbed until they left it, and 1 that stayed" in text


def test_frequencies_are_counted_over_the_seeds_of_one_distribution() -> None:
    """Depths apart; what has no meaning is null: recovery under noise, a mean of 0."""
    grid = grid_of(data={"noise_variance": 0.0, "seed": {"values": [3, 4, 5]}}, model=_deep({"values": [2, 3]}))
    analyses = _analyses(grid)
    problems = list(grid.each_problem())
    deep = [problem.key for problem in problems if problem.coordinates["depth"] == 3]
    analyses[deep[0]] |= {"least_squared_mean": 23.5} | _interpolators("min_l1", excess_risk=0.1)
    del analyses[deep[1]]
    squared, cubed = report(grid, _summaries(grid), analyses).to_document()["frequencies"]
    happened = {"means": 3, "moments": 3, "lemma_5_1": 3, "recovered_by_l1": 3, "recovered_by_flattest": 0}
    assert squared == {"coordinates": {"depth": 2.0}, "problems": 3, "happened": happened}
    assert cubed["coordinates"] == {"depth": 3.0}
    assert cubed["problems"] == 2
    assert cubed["happened"] == {
        **dict.fromkeys(happened, 2),
        "means": 1,
        "recovered_by_l1": 1,
        "recovered_by_flattest": 0,
    }
    noisy = grid_of(data={"mean": 0.0, "seed": {"values": [3, 4]}})
    (row,) = report(noisy, _summaries(noisy), _analyses(noisy)).frequencies
    known = {"means": None, "moments": 0, "lemma_5_1": None, "recovered_by_l1": None, "recovered_by_flattest": None}
    assert row.happened == known
    text = _flat(page(report(grid, _summaries(grid), analyses), title="x"))
    assert "HOW OFTEN OVER SEEDS" in text
    assert "D 3 2 1 2 2 1 0" in text
