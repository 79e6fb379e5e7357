"""The figure of theorem 5.2."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from core.data.regression import excess_risk, sparse_regression
from core.figures.draw import draw
from core.figures.layouts.catalogue import FIGURES
from core.figures.style import ordered_colours
from core.spec.run_spec import PlainSparseRegression
from core.sweep.grid import Grid
from core.sweep.grid_run import Run
from tests.core.drawn import lines_like, names, points, words
from tests.core.made_up import made_up_analyses, made_up_summary, results_of, with_excess_risk
from tests.core.specs import grid_of

_figure = partial(draw, FIGURES["sample-complexity"])

SAMPLES = [10, 20, 40]


def _grid(optimizer: dict[str, Any] | None = None, **data: Any) -> Grid:
    fields = {"samples": {"values": SAMPLES}, "dimension": 60, "sparsity": {"values": [2, 8]}, "noise_variance": 0}
    return grid_of(data=fields | data, optimizer=optimizer or {"step_size": {"fractions_of_max_stable": [0.5, 0.9]}})


def _data(run: Run) -> PlainSparseRegression:
    assert isinstance(run.spec.data, PlainSparseRegression)
    return run.spec.data


def _zero_risk(run: Run) -> float:
    """The excess risk of β = 0, from the data set itself."""
    dataset = sparse_regression(**_data(run).model_dump(exclude={"kind"}))
    return float(excess_risk(np.zeros(dataset.X.shape[1]), dataset))


def _flattest(grid: Grid, run: Run) -> float:
    risk = made_up_analyses(grid)[run.problem_key].interpolators["flattest"].excess_risk
    assert risk is not None
    return risk


def test_a_line_for_each_sparsity_runs_through_the_risk_relative_to_that_of_zero() -> None:
    """Of the flattest interpolator, from the analyses alone: no run need be there."""
    grid = _grid()
    (panel,) = _figure(results_of(grid, [None] * len(grid))).axes
    for sparsity, colour in zip([2, 8], ordered_colours(2), strict=True):
        runs = [run for run in grid.runs() if _data(run).sparsity == sparsity][::2]
        (line,) = lines_like(panel, color=colour, marker="o")
        expected = [_flattest(grid, run) / _zero_risk(run) for run in runs]
        samples, risks = points(line)
        assert samples == SAMPLES
        assert risks == pytest.approx(expected)


def test_diamonds_are_the_runs_at_the_largest_step_size() -> None:
    """Of those that converged the median over seeds."""
    grid = _grid(sparsity=2, seed={"values": [0, 1, 2]})
    summaries = [made_up_summary(run) for run in grid.runs()]
    figure = _figure(results_of(grid, summaries))
    (panel,) = figure.axes
    (diamonds,) = lines_like(panel, marker="D")
    last = [run for run in grid.runs() if run.step_size_fraction == 0.9]
    expected = [
        np.median([summaries[run.index]["excess_risk"] / _zero_risk(run) for run in last if _samples(run) == count])
        for count in SAMPLES
    ]
    samples, risks = points(diamonds)
    assert samples == SAMPLES
    assert risks == pytest.approx(expected)
    assert "trained runs at 0.9 η*" in names(figure)


def _samples(run: Run) -> int:
    return _data(run).samples


def test_where_no_run_of_that_step_size_converged_a_cross_stands_below_all_lines() -> None:
    """Runs of smaller steps do not help, and one of several seeds is enough."""
    grid = _grid(sparsity=2, seed={"values": [0, 1]})
    summaries = [made_up_summary(run) for run in grid.runs()]
    for run in grid.runs():
        if run.step_size_fraction == 0.9 and (_samples(run) == 20 or _data(run).seed == 0):
            summaries[run.index]["outcome"] = "budget_exhausted"
    figure = _figure(results_of(grid, summaries))
    (panel,) = figure.axes
    (cross,) = lines_like(panel, marker="x")
    assert np.asarray(cross.get_xdata()).tolist() == [20]
    assert points(lines_like(panel, marker="D")[0])[0] == [10, 40]


def test_a_panel_for_each_data_mean_is_named_by_zeta() -> None:
    """ζ = 1 + σ²/μ², which centred data do not have."""
    grid = _grid(mean={"values": [0, 2, 5]})
    figure = _figure(results_of(grid))
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert titles == ["ζ = ∞ (μ = 0)", "ζ = 2.25 (μ = 2)", "ζ = 1.2 (μ = 5)"]
    assert "ζ = 1 + σ²/μ²" in words(figure)


def test_the_dashed_lines_fall_like_one_over_the_samples_and_rise_with_zeta_and_sparsity() -> None:
    """With one constant for the whole figure."""
    figure = _figure(results_of(_grid(mean={"values": [2, 5]})))
    constants = []
    for panel, zeta in zip(figure.axes, (2.25, 1.2), strict=True):
        for sparsity, colour in zip((2, 8), ordered_colours(2), strict=True):
            (line,) = lines_like(panel, color=colour, linestyle="--")
            samples, guide = (np.array(part) for part in points(line))
            constants += (guide * samples / (zeta**2 * sparsity)).tolist()
    assert constants == pytest.approx([constants[0]] * 12)


def test_without_several_sparsities_the_lines_are_the_means() -> None:
    """In one panel."""
    figure = _figure(results_of(_grid(sparsity=2, mean={"values": [2, 5]})))
    assert len(figure.axes) == 1
    assert {"ζ = 2.25 (μ = 2)", "ζ = 1.2 (μ = 5)"} <= set(names(figure))


def test_seeds_are_a_band_and_missing_analyses_are_gaps() -> None:
    """A number of samples none of whose analyses is there has no point."""
    grid = _grid(sparsity=2, seed={"values": [0, 1, 2]})
    analyses = made_up_analyses(grid)
    for run in grid.runs():
        if _samples(run) == 20:
            analyses.pop(run.problem_key, None)
        if _samples(run) == 40:
            analyses[run.problem_key] = with_excess_risk(analyses[run.problem_key], "flattest", None)
    first = grid.problem(0).key
    analyses[first] = replace(analyses[first], interpolators={}, no_interpolator="none")
    (panel,) = _figure(results_of(grid, [None] * len(grid), analyses)).axes
    (line,) = (line for line in lines_like(panel, marker="o"))
    known = {_flattest(grid, run) / _zero_risk(run) for run in grid.runs() if _samples(run) == 10}
    samples, risks = points(line)
    assert samples == [10]
    assert risks == pytest.approx([np.mean(sorted(known)[1:])])
    assert len(panel.collections) == 1
    assert not lines_like(panel, marker="x")


def test_where_the_flattest_interpolator_is_the_truth_a_triangle_stands_below_all_lines() -> None:
    """Without noise its risk is zero up to rounding, which would stretch the axis over thirty decades."""
    grid = _grid(sparsity=2, seed={"values": [0, 1, 2]})
    analyses = made_up_analyses(grid)
    for run in grid.runs():
        if _samples(run) == 40 or (_samples(run) == 20 and _data(run).seed == 0):
            analyses[run.problem_key] = with_excess_risk(analyses[run.problem_key], "flattest", 1e-31)
    figure = _figure(results_of(grid, analyses=analyses))
    (panel,) = figure.axes
    (triangle,) = lines_like(panel, marker="v")
    assert np.asarray(triangle.get_xdata()).tolist() == [40]
    assert points(lines_like(panel, marker="o")[0])[0] == [10, 20]
    assert panel.get_ylim()[0] > 1e-8
    assert "flattest is β* itself" in names(figure)


def test_where_least_l1_norm_is_the_truth_another_triangle_stands() -> None:
    """Exact recovery by the two, beside each other; under the flattest, which may need more samples."""
    grid = _grid(sparsity=2)
    analyses = made_up_analyses(grid)
    for run in grid.runs():
        if _samples(run) >= 20:
            analyses[run.problem_key] = with_excess_risk(analyses[run.problem_key], "min_l1", 1e-17)
    figure = _figure(results_of(grid, analyses=analyses))
    (marks,) = lines_like(figure.axes[0], marker="^")
    assert points(marks)[0] == [20, 40]
    assert "least ℓ1 norm is β* itself" in names(figure)


def test_runs_of_so_many_steps_as_were_asked_for_are_no_failures() -> None:
    """No crosses: they were not to converge."""
    grid = _grid()
    summaries = [made_up_summary(run) | {"outcome": "stopped"} for run in grid.runs()]
    assert lines_like(_figure(results_of(grid, summaries)).axes[0], marker="x") == []


def test_runs_at_the_largest_step_size_that_converges_are_named_so() -> None:
    """Where it was searched for: there is no one step size to name."""
    grid = _grid(optimizer={"step_size": {"largest_convergent": {}}}, sparsity=2)
    figure = _figure(results_of(grid, [made_up_summary(run) for run in grid.runs()]))
    assert "trained runs at the largest η that converges" in [name.replace("\n", " ") for name in names(figure)]
