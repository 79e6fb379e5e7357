"""The stability figure."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from core.figures.draw import draw
from core.figures.layouts import MAX_PANELS
from core.figures.layouts.catalogue import FIGURES
from core.figures.style import BLUE, GREEN, INK, LARGEST_STEP, PURPLE, THRESHOLD, VERMILION
from core.sweep.grid import Grid
from tests.core.drawn import lines_like, marks, names, points, words
from tests.core.made_up import LEAST_MEASURE, LEAST_SHARPNESS, made_up_analyses, made_up_summary, results_of
from tests.core.specs import grid_of

_figure = partial(draw, FIGURES["stability"])

LARGEST_STABLE = 2 / LEAST_SHARPNESS
STEPS = [0.001, 0.002, 0.004, 0.0079, 0.009]


def _sweep(**parts: Any) -> Grid:
    return grid_of(**({"optimizer": {"step_size": {"values": STEPS}}} | parts))


def _scales(count: int) -> dict[str, Any]:
    return {"scale": {"start": 0.01, "stop": 1.0, "num": count, "spacing": "log"}}


def _levels(panel: Axes, **look: object) -> list[float]:
    """The heights of the horizontal lines that look so."""
    lines = [line for line in lines_like(panel, **look) if np.asarray(line.get_xdata()).tolist() == [0, 1]]
    return [float(np.asarray(line.get_ydata())[0]) for line in lines]


def _uprights(panel: Axes) -> list[float]:
    lines = [line for line in panel.lines if np.asarray(line.get_ydata()).tolist() == [0, 1]]
    return [float(np.asarray(line.get_xdata())[0]) for line in lines]


def test_sharpness_bounds_and_norm_run_through_what_the_runs_report() -> None:
    """Each as one line against the step size; those that did not converge are gaps."""
    grid = _sweep()
    (panel,) = _figure(results_of(grid)).axes
    summaries = [made_up_summary(run) for run in grid.runs()]
    for colour, quantity in (
        (INK, "sharpness"),
        (BLUE, "sharpness_upper_bound"),
        (PURPLE, "sharpness_lower_bound"),
        (GREEN, "weighted_norm"),
    ):
        (line,) = (line for line in lines_like(panel, color=colour, linestyle="-", marker="o") if points(line)[0][1:])
        step_sizes, values = points(line)
        assert step_sizes == STEPS[:4]
        assert values == pytest.approx([summary[quantity] for summary in summaries[:4]])


def test_the_threshold_is_two_over_the_step_size_all_along() -> None:
    """Also between and beyond the step sizes."""
    (panel,) = _figure(results_of(_sweep())).axes
    (line,) = lines_like(panel, color=THRESHOLD["color"])
    step_sizes, threshold = points(line)
    assert threshold == pytest.approx([2 / step for step in step_sizes])
    assert step_sizes[0] < min(STEPS) < max(STEPS) < step_sizes[-1]


def test_the_threshold_of_fractions_is_that_of_the_largest_stable_step() -> None:
    """At the fraction f it is min λ_max/f, and η* stands at 1."""
    (panel,) = _figure(results_of(_sweep(optimizer={"step_size": {"fractions_of_max_stable": [0.2, 0.5, 0.99]}}))).axes
    (line,) = lines_like(panel, color=THRESHOLD["color"])
    fractions, threshold = points(line)
    assert threshold == pytest.approx([LEAST_SHARPNESS / fraction for fraction in fractions])
    assert _uprights(panel) == [1.0]


def test_momentum_lifts_the_threshold() -> None:
    """To (2 + 2m)/η, and η* with it."""
    optimizer = {"kind": "heavy_ball", "momentum": 0.5, "step_size": {"values": [*STEPS, 0.011]}}
    figure = _figure(results_of(grid_of(optimizer=optimizer)))
    (panel,) = figure.axes
    step_sizes, threshold = points(lines_like(panel, color=THRESHOLD["color"])[0])
    assert threshold == pytest.approx([3 / step for step in step_sizes])
    assert _uprights(panel) == pytest.approx([1.5 * LARGEST_STABLE])
    assert "stability threshold (2+2m)/η" in names(figure)


def test_the_least_values_of_interpolation_are_horizontal_lines() -> None:
    """Known before any training: of one run as of all."""
    grid = _sweep()
    (panel,) = _figure(results_of(grid, [made_up_summary(grid.run(0)), *[None] * (len(grid) - 1)])).axes
    assert _levels(panel, color=INK) == [LEAST_SHARPNESS]
    assert _levels(panel, color=PURPLE) == [LEAST_MEASURE]
    assert _uprights(panel) == pytest.approx([LARGEST_STABLE])
    assert panel.get_ylim()[0] < LEAST_MEASURE


def test_the_dot_is_at_the_last_step_size_that_converged_and_crosses_are_beyond() -> None:
    """The cross stands below, clear of the lines."""
    figure = _figure(results_of(_sweep()))
    (panel,) = figure.axes
    (dot,) = lines_like(panel, marker="o", markersize=6.5)
    assert points(dot)[0] == [0.0079]
    assert points(dot)[1] == pytest.approx([2 / 0.0079])
    (cross,) = lines_like(panel, marker="x")
    assert np.asarray(cross.get_xdata()).tolist() == [0.009]
    assert "in the strip: no run converged" in names(figure)


def test_at_odd_depth_both_largest_steps_are_drawn() -> None:
    """Of θ ≥ 0 and of θ of any sign; at even depth they are one."""
    figure = _figure(results_of(_sweep(model={"kind": "diagonal", "depth": {"values": [3, 4]}})))
    odd, even = figure.axes
    assert (odd.get_title(loc="left"), even.get_title(loc="left")) == ("D = 3", "D = 4")
    assert _uprights(odd) == pytest.approx([LARGEST_STABLE, LARGEST_STABLE / 0.8])
    assert _uprights(even) == pytest.approx([LARGEST_STABLE])
    assert {"η*, θ of any sign", "min λ$_{\\mathregular{max}}$, θ of any sign"} <= set(names(figure))


def test_a_largest_step_far_from_all_that_were_taken_is_neither_drawn_nor_named() -> None:
    """The legend explains what is to be seen; the least sharpness stands there all the same."""
    fractions = {"step_size": {"fractions_of_max_stable": [0.1, 0.8]}}
    figure = _figure(results_of(_sweep(model={"kind": "diagonal", "depth": 3}, optimizer=fractions)))
    assert _uprights(figure.axes[0]) == [1.0]
    assert "min λ$_{\\mathregular{max}}$, θ of any sign" in names(figure)
    assert "η*, θ of any sign" not in names(figure)
    small = _figure(results_of(_sweep(optimizer={"step_size": {"values": [1e-4, 1e-3]}})))
    assert _uprights(small.axes[0]) == []
    assert "largest stable step η*" not in names(small)


def test_of_many_scales_evenly_spaced_ones_have_panels_and_the_caption_says_which() -> None:
    """The smallest and the largest among them."""
    grid = _sweep(initialization=_scales(11))
    figure = _figure(results_of(grid))
    assert len(figure.axes) == MAX_PANELS
    assert [figure.axes[k].get_title(loc="left") for k in (0, -1)] == ["α = 0.01", "α = 1"]
    assert any(text.startswith("shown: 6 of the 11 scales α (0.01, ") for text in words(figure))
    few = _figure(results_of(_sweep(initialization=_scales(2))))
    assert not any("shown" in text for text in words(few))


def test_over_seeds_medians_have_bands_of_quartiles() -> None:
    """And so have the least values, which differ from one data set to the next."""
    grid = _sweep(data={"seed": {"values": [0, 1, 2]}})
    (panel,) = _figure(results_of(grid)).axes
    assert _levels(panel, color=INK) == pytest.approx([1.02 * LEAST_SHARPNESS])
    colours = [to_rgba(colour)[:3] for colour in (BLUE, INK, PURPLE, GREEN)]
    bands = {tuple(np.asarray(band.get_facecolor())[0, :3]) for band in panel.collections}
    assert bands == {tuple(np.array(colour)) for colour in colours}
    assert len(panel.patches) == 3  # the quartiles of min λ_max and of the least measure, and the rug


def test_what_an_analysis_or_a_summary_lacks_is_left_out() -> None:
    """No interpolator, no numbers: the lines of the runs stay."""
    grid = _sweep()
    key = grid.run(0).problem_key
    without = replace(made_up_analyses(grid)[key], interpolators={})
    for analysis in (replace(without, min_sharpness_upper=None, max_stable_step=None), without):
        summaries = [made_up_summary(run) | {"weighted_norm": None} for run in grid.runs()]
        figure = _figure(results_of(grid, summaries, {key: analysis}))
        (panel,) = figure.axes
        assert not any(points(line)[0] for line in lines_like(panel, color=GREEN))
        assert _levels(panel, color=PURPLE) == []
    assert marks(figure, "x") == 1
    assert LARGEST_STEP["color"] in {line.get_color() for line in panel.lines}


def test_minibatches_have_two_over_the_step_of_the_mean_square() -> None:
    """Of runs that converged; without any there is no such line."""
    grid = _sweep(optimizer={"kind": "sgd", "batch_size": 2, "step_size": {"values": STEPS}})
    results = results_of(grid)
    found = [
        dict(summary or {}) | {"mean_square_stable_step": 0.5 + run} for run, summary in enumerate(results.summaries)
    ]
    figure = _figure(replace(results, summaries=found))
    (line,) = lines_like(figure.axes[0], color=VERMILION, linestyle="-")
    assert points(line)[1] == pytest.approx([2 / (0.5 + run) for run in range(4)])
    assert any("of the mean square" in name for name in names(figure))
    assert not lines_like(_figure(results).axes[0], color=VERMILION, linestyle="-")
