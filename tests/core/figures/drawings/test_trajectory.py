"""The trajectory figure."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.lines import Line2D

from core.figures.draw import draw
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.trajectory import trajectory_layout
from core.figures.style import THRESHOLD, ordered_colours
from core.sweep.grid import Grid
from tests.core.drawn import lines_like, marks, names, points, words
from tests.core.made_up import made_up_arrays, made_up_summary, results_of
from tests.core.specs import grid_of

_figure = partial(draw, FIGURES["trajectory"])

STEPS = [0.001, 0.004, 0.007]
WARMUP = 1000


def _grid(**parts: Any) -> Grid:
    shared: dict[str, Any] = {
        "optimizer": {"step_size": {"values": STEPS}, "warmup_steps": WARMUP},
        "recording": {"points": 30},
    }
    return grid_of(**(shared | parts))


def test_loss_and_sharpness_of_each_run_are_drawn_against_the_step() -> None:
    """From the first step on: step 0 has no place on a logarithmic axis."""
    grid = _grid()
    figure = _figure(results_of(grid))
    upper, lower = figure.axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("training loss L", "sharpness λ$_{\\mathregular{max}}$")
    assert upper.get_xlim() == lower.get_xlim()
    for run, name in zip(grid.runs(), ["η = 0.001", "η = 0.004", "η = 0.007"], strict=True):
        arrays = made_up_arrays(run)
        (handle,) = (line for line in figure.legends[0].get_lines() if line.get_label() == name)
        for panel, quantity in ((upper, "train_loss"), (lower, "sharpness")):
            curve = next(line for line in lines_like(panel, color=handle.get_color()) if len(points(line)[0]) > 2)
            assert points(curve)[0] == arrays["record_step"][1:].tolist()
            assert points(curve)[1] == pytest.approx(arrays[quantity][1:])


def _dashes(line: Line2D) -> object:
    """The pattern in units of the line's width."""
    return line._unscaled_dash_pattern  # type: ignore[attr-defined]


def test_the_threshold_falls_with_the_warm_up_and_then_stays() -> None:
    """2/η_t with η_t = η·min(1, (t+1)/W); its corner is there whether a record falls on it or not."""
    _, lower = _figure(results_of(_grid())).axes
    lines = [line for line in lower.lines if _dashes(line) == _dashes(Line2D([], [], **THRESHOLD))]
    assert len(lines) == len(STEPS)
    assert [line.get_color() for line in lines] == ordered_colours(len(STEPS))
    for line, step_size in zip(lines, STEPS, strict=True):
        steps, threshold = (np.array(part) for part in points(line))
        assert WARMUP in steps
        assert threshold == pytest.approx(2 / (step_size * np.minimum(1, (steps + 1) / WARMUP)))
        assert line.get_linestyle() == lines[0].get_linestyle()


def test_a_triangle_of_its_colour_marks_where_the_threshold_of_a_run_ends() -> None:
    """Unless that is above the panel, which shows the sharpness and not the whole warm-up."""
    _, lower = _figure(results_of(_grid())).axes
    triangles = [points(line)[1][0] for line in lines_like(lower, marker="<")]
    assert triangles == pytest.approx([2 / step for step in STEPS if 2 / step < lower.get_ylim()[1]])
    highest = max(float(made_up_arrays(run)["sharpness"].max()) for run in _grid().runs())
    assert highest < lower.get_ylim()[1] < 4 * highest


def test_runs_end_in_a_dot_or_in_a_cross() -> None:
    """And the legend says what either means."""
    grid = _grid()
    summaries = [made_up_summary(run) for run in grid.runs()]
    summaries[2]["outcome"] = "oscillating"
    figure = _figure(results_of(grid, summaries))
    assert (marks(figure, "o"), marks(figure, "x")) == (4, 2)
    assert {"converged", "did not converge"} <= set(names(figure))


def test_runs_that_are_not_stored_are_missing_and_said_to_be() -> None:
    """So are those whose arrays are gone, or that took no step."""
    grid = _grid()
    summaries: list[Any] = [made_up_summary(run) for run in grid.runs()]
    summaries[0] = None

    def arrays(index: int) -> Mapping[str, np.ndarray] | None:
        return None if index == 1 else made_up_arrays(grid.run(index))

    figure = _figure(results_of(grid, summaries, arrays=arrays))
    assert any("1 of these 3 runs are stored" in text for text in words(figure))
    assert "η = 0.007" in names(figure)
    assert not {"η = 0.001", "η = 0.004"} & set(names(figure))


def test_a_loss_that_explodes_does_not_set_the_scale() -> None:
    """Nor does the sharpness that goes with it; what is not finite is a gap."""
    grid = _grid()

    def arrays(index: int) -> Mapping[str, np.ndarray]:
        curves = made_up_arrays(grid.run(index))
        if index == 2:
            for name in ("train_loss", "sharpness"):
                curves[name][10:] = np.geomspace(1e6, 1e30, len(curves[name]) - 10)
                curves[name][-1] = np.inf
        return curves

    upper, lower = _figure(results_of(grid, arrays=arrays)).axes
    assert upper.get_ylim()[1] < 1e5
    assert lower.get_ylim()[1] < 1e5


def test_each_depth_has_its_column() -> None:
    """With the same runs in each, at the middle scale, and the caption says where."""
    grid = _grid(
        model={"kind": "diagonal", "depth": {"values": [2, 3]}}, initialization={"scale": {"values": [0.1, 0.3, 1.0]}}
    )
    layout = trajectory_layout(grid)
    for depth, indices in layout.columns:
        at = [grid.coordinates(index) for index in indices]
        assert {(c["depth"], c["init_scale"]) for c in at} == {(depth, 0.3)}
        assert [c["step_size"] for c in at] == STEPS
    figure = _figure(results_of(grid))
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["D = 2", "D = 3", "", ""]
    assert any(text == "shown: runs at α = 0.3" for text in words(figure))


def test_of_many_step_sizes_six_are_followed() -> None:
    """The smallest and the largest among them; without several, the first swept axis, and otherwise the one run."""
    steps = np.geomspace(1e-4, 1e-2, 21).round(8).tolist()
    many = trajectory_layout(_grid(optimizer={"step_size": {"values": steps}}))
    assert len(many.values) == 6
    assert (many.values[0], many.values[-1]) == (steps[0], steps[-1])
    scales = trajectory_layout(
        grid_of(data={"seed": {"values": [5, 6]}}, initialization={"scale": {"values": [0.1, 1.0]}})
    )
    assert (scales.series, scales.fixed) == ("init_scale", {"seed": 5})
    alone = grid_of()
    assert trajectory_layout(alone).columns == ((None, (0,)),)
    assert "trained run" in names(_figure(results_of(alone)))


def test_fractions_without_an_analysis_are_not_followed() -> None:
    """Their step size is not known."""
    grid = _grid(optimizer={"step_size": {"fractions_of_max_stable": [0.5, 0.9]}})
    figure = _figure(results_of(grid, analyses={}))
    assert any("0 of these 2 runs are stored" in text for text in words(figure))
