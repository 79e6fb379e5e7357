"""The figure of effective initialisations."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.draw import draw
from core.figures.drawings.effective_init import START
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.effective_init import effective_init_layout
from core.figures.render import Format, render
from core.figures.style import GROUND, ordered_colours
from core.figures.style import LARGEST_STEP as LARGEST_STEP_LINE
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.drawn import lines_like, marks, names, points, words
from tests.core.made_up import LARGEST_STEP, made_up_analyses, made_up_summary, results_of
from tests.core.specs import document, grid_of

_figure = partial(draw, FIGURES["effective-init"])

SCALES = [0.1, 1.0, 3.0]
STEP_SIZES = [0.001, 0.004, 0.007, 0.009]
Parts = Mapping[str, Any]


def _fan(**parts: Parts) -> Grid:
    """Scales by step sizes, the last of which is above the largest stable one."""
    swept: dict[str, Parts] = {
        "initialization": {"scale": {"values": SCALES}},
        "optimizer": {"step_size": {"values": STEP_SIZES}},
    }
    return grid_of(**(swept | parts))


def _shrunk(scale: float, step: float, seed: int = 0) -> float:
    """A made-up effective initialisation: the smaller, the larger the step."""
    return scale * math.exp(-500 * step * scale) * (1 + 0.1 * seed)


def _summaries(grid: Grid) -> list[dict[str, Any] | None]:
    return [
        summary | {"effective_init": _shrunk(run.init_scale, summary["step_size"], getattr(run.spec.data, "seed", 0))}
        for run in grid.runs()
        for summary in [made_up_summary(run)]
    ]


def _draw(grid: Grid, summaries: Sequence[Mapping[str, Any] | None] | None = None) -> Figure:
    return _figure(results_of(grid, _summaries(grid) if summaries is None else summaries))


def _levels(panel: Axes) -> list[float]:
    """The heights of the dotted lines across the panel."""
    dotted = [line for line in panel.lines if line.get_linewidth() == START["linewidth"] and line.is_dashed()]
    return [float(np.asarray(line.get_ydata())[0]) for line in dotted]


def _upright(panel: Axes) -> list[float]:
    """Where the lines at η* stand."""
    lines = [line for line in panel.lines if line.get_linewidth() == LARGEST_STEP_LINE["linewidth"]]
    return [float(np.asarray(line.get_xdata())[0]) for line in lines]


def test_there_is_a_line_for_each_scale_and_a_level_where_it_starts() -> None:
    """Through the values at the end, against the step size; the level is α."""
    figure = _draw(_fan())
    (panel,) = figure.axes
    for scale, colour in zip(SCALES, ordered_colours(len(SCALES)), strict=True):
        line = lines_like(panel, color=colour, marker="None", linestyle="-")[0]
        x, y = points(line)
        assert x == STEP_SIZES[:3]
        assert y == pytest.approx([_shrunk(scale, step) for step in STEP_SIZES[:3]])
    assert _levels(panel) == pytest.approx(SCALES)
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("step size η", "effective initialisation, mean √A")
    assert names(figure)[:3] == ["α = 3", "α = 1", "α = 0.1"]


def test_scales_and_step_sizes_may_be_swept_in_any_order() -> None:
    """Lines run from left to right, colours and levels go by the scale."""
    shuffled = _fan(
        initialization={"scale": {"values": [1.0, 3.0, 0.1]}},
        optimizer={"step_size": {"values": [0.007, 0.001, 0.004]}},
    )
    (panel,) = _draw(shuffled).axes
    for scale, colour in zip(SCALES, ordered_colours(len(SCALES)), strict=True):
        line = lines_like(panel, color=colour, marker="None", linestyle="-")[0]
        assert points(line)[0] == STEP_SIZES[:3]
        assert points(line)[1] == pytest.approx([_shrunk(scale, step) for step in STEP_SIZES[:3]])
        (level,) = [line for line in lines_like(panel, color=colour) if line.is_dashed()]
        assert float(np.asarray(level.get_ydata())[0]) == pytest.approx(scale)


@pytest.mark.parametrize("shape", [0.0, 0.5, -0.8])
def test_the_level_of_uv_is_that_of_the_squared_model_it_trains_as(shape: float) -> None:
    """α√((1+s²)/(1−s²)) for the shape s."""
    (panel,) = _draw(_fan(model={"kind": "uv", "shape": shape})).axes
    stretch = math.sqrt((1 + shape**2) / (1 - shape**2))
    assert _levels(panel) == pytest.approx([scale * stretch for scale in SCALES])


def test_the_level_of_a_random_initialisation_is_the_mean_size_of_its_draw() -> None:
    """α·mean|z|, near α√(2/π), and larger in proportion to α."""
    normal = {"kind": "normal", "scale": {"values": SCALES}}
    levels = np.array(_levels(_draw(_fan(initialization=normal)).axes[0])) / np.array(SCALES)
    assert np.allclose(levels, levels[0])
    assert abs(levels[0] - math.sqrt(2 / math.pi)) < 0.2


def test_levels_of_user_data_need_their_dimension_where_the_start_is_random() -> None:
    """Known from the data themselves, or from the analysis of uploaded ones; till then there is no level."""
    body = document(optimizer={"step_size": {"values": STEP_SIZES}})
    body |= {"data": {"kind": "dataset", "id": "0" * 64}, "initialization": {"kind": "normal", "scale": 1.0}}
    grid = Grid(ExperimentSpec.model_validate(body))
    analyses = {key: replace(analysis, dimension=40) for key, analysis in made_up_analyses(grid).items()}
    assert not _levels(_figure(results_of(grid, _summaries(grid), {})).axes[0])
    assert len(_levels(_figure(results_of(grid, _summaries(grid), analyses)).axes[0])) == 1
    body["data"] = {"kind": "inline", "X": [[1.0, 2.0, 3.0]], "y": [1.0]}
    assert len(_levels(_draw(Grid(ExperimentSpec.model_validate(body))).axes[0])) == 1


def test_the_largest_stable_step_is_an_upright_line() -> None:
    """At η*, or at 1 where step sizes are its multiples; a step size far away from it leaves it out."""
    assert _upright(_draw(_fan()).axes[0]) == pytest.approx([LARGEST_STEP])
    fractions = _draw(_fan(optimizer={"step_size": {"fractions_of_max_stable": [0.1, 0.8]}}))
    assert _upright(fractions.axes[0]) == [1.0]
    assert fractions.axes[0].get_xlim()[1] > 1.0
    far = _draw(_fan(optimizer={"step_size": {"values": [0.0001, 0.001]}}))
    assert not _upright(far.axes[0])
    assert "largest stable step η*" not in names(far)


def test_runs_that_did_not_converge_are_crosses_and_gaps() -> None:
    """A point where only some seeds converged is hollow, with the median of these."""
    grid = _fan(data={"seed": {"values": [0, 1, 2]}})
    summaries = _summaries(grid)
    summaries[0] = (summaries[0] or {}) | {"outcome": "budget_exhausted"}
    figure = _draw(grid, summaries)
    (panel,) = figure.axes
    assert marks(figure, "x") == len(SCALES)
    assert {"in the strip: no run converged", "not all converged"} <= set(names(figure))
    hollow = [
        point for line in panel.lines if line.get_markerfacecolor() == GROUND for point in points(line)[1] if point
    ]
    assert hollow == pytest.approx([(_shrunk(0.1, 0.001, 1) + _shrunk(0.1, 0.001, 2)) / 2])


def test_many_lines_have_one_row_of_crosses_where_none_of_them_converged() -> None:
    """Above the largest stable step; else the rug would take half of the panel."""
    scales = np.geomspace(0.01, 3, 12).tolist()
    figure = _draw(_fan(initialization={"scale": {"values": scales}}))
    assert marks(figure, "x") == 1
    few = _draw(_fan())
    assert marks(few, "x") == len(SCALES)


def test_of_several_depths_depth_two_is_shown() -> None:
    """The caption says so."""
    grid = _fan(model={"kind": "diagonal", "depth": {"values": [2, 3]}})
    figure = _draw(grid)
    assert len(figure.axes) == 1
    assert "shown: depth 2, the one with an effective initialisation" in words(figure)
    assert [dict(where) for where in effective_init_layout(grid).panels] == [{"depth": 2}]


def test_another_axis_makes_panels_on_a_common_scale() -> None:
    """Each named by its value."""
    figure = _draw(_fan(data={"mean": {"values": [0.0, 5.0]}}))
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["μ = 0", "μ = 5"]
    assert len({panel.get_ylim() for panel in figure.axes}) == 1


def test_lines_and_levels_stand_clear_of_the_crosses() -> None:
    """The rug marks are below all of them, and inside the panel."""
    (panel,) = _draw(_fan()).axes
    crosses = max(float(np.asarray(line.get_ydata()).max()) for line in panel.lines if line.get_marker() == "x")
    lowest = min(_shrunk(scale, step) for scale in SCALES for step in STEP_SIZES[:3])
    to_panel = panel.transAxes.inverted()
    heights = [
        to_panel.transform(panel.transData.transform((STEP_SIZES[0], height)))[1] for height in (lowest, max(SCALES))
    ]
    assert 0 < crosses + 0.03 < heights[0] < heights[1] < 1


def test_a_partial_result_is_drawn_as_far_as_it_goes() -> None:
    """The levels at the start are known; a panel of nothing at all says so."""
    grid = _fan()
    summaries = _summaries(grid)
    summaries[5:] = [None] * 7
    assert any("partial result: 5 of 12 runs" in text for text in words(_draw(grid, summaries)))
    first = _figure(results_of(grid, [*_summaries(grid)[:1], *[None] * 11], {}))
    assert _levels(first.axes[0]) == pytest.approx(SCALES)
    nothing = _figure(results_of(grid, [None] * 12, {}))
    assert [text.get_text() for text in nothing.axes[0].texts] == ["no run is stored yet"]
    assert marks(nothing, "x") == 0
    assert render(nothing, "png").startswith(b"\x89PNG")


def test_without_a_swept_scale_there_is_one_line() -> None:
    """Of all runs."""
    figure = _draw(_fan(initialization={"scale": 0.5}))
    assert "trained runs" in names(figure)
    assert _levels(figure.axes[0]) == pytest.approx([0.5])


def test_the_figure_of_effective_initialisations_has_the_same_bytes_each_time() -> None:
    """As every figure."""
    assert render(_draw(_fan()), Format.SVG) == render(_draw(_fan()), Format.SVG)
