"""The phase diagram."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection, QuadMesh
from matplotlib.figure import Figure

from core.figures.draw import draw
from core.figures.drawings.phase import OUTCOME_COLOURS
from core.figures.heat_map import heat_map
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.cells import OUTCOMES
from core.figures.layouts.phase import phase_layout
from core.figures.render import Format, render
from core.figures.style import GROUND
from core.outcome import Outcome
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.drawn import words
from tests.core.made_up import LARGEST_STEP, made_up_analyses, made_up_summary, results_of
from tests.core.specs import document, grid_of

_figure = partial(draw, FIGURES["phase"])

SCALES = [0.01, 0.1, 1.0, 3.0]
FRACTIONS = [0.1, 0.5, 0.9, 1.1]
CONVERGED = OUTCOMES.index(Outcome.CONVERGED)
Parts = Mapping[str, Any]


def _plane(**parts: Parts) -> Grid:
    """Scales by step sizes as multiples of the largest stable one, the last of them too large."""
    swept: dict[str, Parts] = {
        "initialization": {"scale": {"values": SCALES}},
        "optimizer": {"step_size": {"fractions_of_max_stable": FRACTIONS}},
    }
    return grid_of(**(swept | parts))


def _summaries(grid: Grid) -> list[dict[str, Any] | None]:
    return [made_up_summary(run) | {"effective_init": run.init_scale / (run.index + 1)} for run in grid.runs()]


def _draw(grid: Grid, summaries: Sequence[Mapping[str, Any] | None] | None = None) -> Figure:
    return _figure(results_of(grid, _summaries(grid) if summaries is None else summaries))


def _mesh(panel: Axes) -> np.ma.MaskedArray[Any, Any]:
    (mesh,) = (found for found in panel.collections if isinstance(found, QuadMesh))
    values = mesh.get_array()
    assert values is not None
    return np.ma.asarray(values)


def _panels(figure: Figure) -> list[Axes]:
    """The panels, without their colour bars."""
    return [panel for panel in figure.axes if panel.get_title(loc="left")]


def _marked(panel: Axes, hatch: str | None) -> int:
    """How many cells have this hatch."""
    found = [patches for patches in panel.collections if isinstance(patches, PatchCollection)]
    return sum(len(patches.get_paths()) for patches in found if patches.get_hatch() == hatch)


def _legend(panel: Axes) -> list[str]:
    legend = panel.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def _heights(panel: Axes) -> list[float]:
    """Where the dark lines of a panel run, from left to right."""
    (line,) = (line for line in panel.lines if line.get_color() != GROUND)
    return [float(height) for height in np.asarray(line.get_ydata(), dtype=float)]


def test_a_zero_among_logarithmic_values_is_named_at_its_cell() -> None:
    """No warm-up stands at the left of all warm-ups, and is called 0."""
    grid = grid_of(
        initialization={"scale": {"values": SCALES}}, optimizer={"warmup_steps": {"values": [0, 100, 1000, 10_000]}}
    )
    (panel, *_) = _panels(_draw(grid))
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0", "100", "1000", "10000"]
    assert panel.get_xticks().tolist() == pytest.approx([10, 100, 1000, 10_000])


def test_any_two_axes_span_a_plane() -> None:
    """Samples against mean, with the longer one along x or upwards alike."""
    grid = grid_of(data={"samples": {"values": [20, 40, 80]}, "mean": {"values": [0.0, 5.0]}})
    layout = phase_layout(grid)
    assert {layout.x, layout.y} == {"samples", "data_mean"}
    assert _mesh(_panels(_draw(grid))[0]).size == 6


def test_outcome_risk_and_effective_initialisation_stand_side_by_side() -> None:
    """Each cell with its run's own, blank where the run did not converge."""
    grid = _plane()
    outcome, risk, effective = _panels(_draw(grid))
    rows = {fraction: k for k, fraction in enumerate(FRACTIONS)}
    for run in grid.runs():
        place = rows[run.step_size_fraction or 0], SCALES.index(run.init_scale)
        summary = made_up_summary(run)
        assert _mesh(outcome)[place] == OUTCOMES.index(summary["outcome"])
        if summary["outcome"] == "converged":
            assert _mesh(risk)[place] == pytest.approx(summary["excess_risk"])
            assert _mesh(effective)[place] == pytest.approx(run.init_scale / (run.index + 1))
        else:
            assert _mesh(risk)[place] is np.ma.masked
    assert [_marked(panel, "/////") for panel in (outcome, risk, effective)] == [0, 4, 4]
    assert _legend(outcome) == ["converged", "oscillating", "no converged run"]
    assert [bar.get_xlabel() for panel in (outcome, risk, effective) for bar in panel.child_axes] == [
        "excess risk R(β)",
        "effective initialisation √A",
    ]


def test_values_may_be_swept_in_any_order() -> None:
    """Cells stand by value, whatever the order of the axes, outcomes and medians alike."""
    shuffled = _plane(
        initialization={"scale": {"values": [1.0, 0.01, 3.0, 0.1]}},
        optimizer={"step_size": {"fractions_of_max_stable": [0.9, 0.1]}},
    )
    summaries = [
        made_up_summary(run)
        | {"effective_init": run.init_scale, "outcome": "diverged" if run.init_scale == 3 else "converged"}
        for run in shuffled.runs()
    ]
    outcome, risk, effective = _panels(_draw(shuffled, summaries))
    assert [_mesh(effective)[row].tolist() for row in (0, 1)] == [[*SCALES[:3], None]] * 2
    assert _mesh(outcome)[0].tolist() == [CONVERGED] * 3 + [OUTCOMES.index(Outcome.DIVERGED)]
    assert (_mesh(risk)[0, :3] > _mesh(risk)[1, :3]).all()


def test_numbers_along_cells_do_not_touch() -> None:
    """However unevenly the values are spaced, and however many they are."""
    for scales in ([0.1, 0.11, 0.12, 1.0, 10.0], np.geomspace(1e-4, 3, 25).tolist(), [0.001, 0.0464, 0.1, 0.17, 0.3]):
        grid = _plane(initialization={"scale": {"values": scales}})
        figure = _draw(grid)
        render(figure, "svg")
        for axis in (_panels(figure)[0].xaxis, _panels(figure)[0].yaxis):
            boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
            assert len(boxes) >= 2
            assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("fractions", [True, False])
def test_the_largest_stable_step_is_drawn_in_every_panel(*, fractions: bool) -> None:
    """At η*, or at 1 where step sizes are its multiples."""
    step_size = {"values": [0.002, 0.006, 0.009]}
    grid = _plane() if fractions else _plane(optimizer={"step_size": step_size})
    panels = _panels(_draw(grid))
    assert panels
    for panel in panels:
        heights = _heights(panel)
        assert heights
        assert heights == pytest.approx([1.0 if fractions else LARGEST_STEP] * len(heights))


def test_the_line_is_a_staircase_where_problems_differ_along_x() -> None:
    """Each data set has its own largest stable step."""
    grid = grid_of(
        data={"samples": {"values": [50, 25, 100]}}, optimizer={"step_size": {"values": [0.001, 0.002, 0.004]}}
    )
    analyses = {
        key: replace(analysis, max_stable_step=step, max_stable_step_sign_free=step)
        for step, (key, analysis) in zip((0.002, 0.001, 0.003), made_up_analyses(grid).items(), strict=True)
    }
    figure = _figure(results_of(grid, _summaries(grid), analyses))
    assert _heights(_panels(figure)[0]) == pytest.approx([0.001, 0.001, 0.002, 0.002, 0.003, 0.003])


def test_panels_reach_up_to_a_largest_step_close_above_the_cells() -> None:
    """And not to one far away, which the caption names."""
    means = {"mean": {"values": [0.0, 5.0]}}
    near, far = (_plane(data=means, optimizer={"step_size": {"values": [0.5 * top, top]}}) for top in (0.006, 0.0006))
    for grid, visible in ((near, True), (far, False)):
        for panel in _panels(_draw(grid)):
            assert bool(panel.get_ylim()[1] > LARGEST_STEP) is visible
    one = _plane(optimizer={"step_size": {"values": [0.0003, 0.0006]}})
    assert any("η* = 0.008" in text for text in words(_draw(one)))


def test_before_the_analysis_there_is_no_line_for_step_sizes_in_numbers() -> None:
    """Nothing is known of η* yet; for multiples of it the line at 1 is."""
    grid = _plane(optimizer={"step_size": {"values": [0.002, 0.006]}})
    assert not _panels(_figure(results_of(grid, _summaries(grid), {})))[0].lines
    fractions = _figure(results_of(_plane(), _summaries(_plane()), {}))
    assert set(_heights(_panels(fractions)[0])) == {1.0}


def test_at_odd_depth_both_largest_steps_are_drawn_where_they_are_in_sight() -> None:
    """That for parameters of any sign is the larger one."""
    grid = _plane(
        model={"kind": "diagonal", "depth": 3}, optimizer={"step_size": {"values": [0.004, 0.006, 0.008, 0.01]}}
    )
    panel = _panels(_draw(grid))[-1]
    lines = [line for line in panel.lines if line.get_color() != GROUND]
    assert [np.asarray(line.get_ydata())[0] for line in lines] == pytest.approx([LARGEST_STEP, LARGEST_STEP / 0.8])
    assert [text.get_text() for text in panel.texts] == ["η*", "η*, θ of\nany sign"]
    relative = _panels(_draw(_plane(model={"kind": "diagonal", "depth": 3})))[-1]
    lines = [line for line in relative.lines if line.get_color() != GROUND]
    assert [np.asarray(line.get_ydata())[0] for line in lines] == pytest.approx([1.0, 1.25])


def test_networks_without_effective_initialisation_lack_its_panel_and_say_why() -> None:
    """Depth 3 and momentum; of several depths the row of depth 2 has it."""
    deep = _draw(_plane(model={"kind": "diagonal", "depth": 3}))
    assert [panel.get_title(loc="left") for panel in _panels(deep)] == ["outcome", "excess risk R(β)"]
    assert any("deeper networks have no effective initialisation" in text for text in words(deep))
    heavy = {"kind": "heavy_ball", "momentum": 0.5, "step_size": {"fractions_of_max_stable": FRACTIONS}}
    assert any(
        "with heavy-ball momentum there is no effective" in text for text in words(_draw(_plane(optimizer=heavy)))
    )
    both = _draw(_plane(model={"kind": "diagonal", "depth": {"values": [2, 3]}}))
    panels = [panel for panel in both.axes if panel.get_subplotspec() is not None]
    assert [panel.axison for panel in panels] == [True] * 5 + [False]
    assert not any("deeper networks" in text for text in words(both))
    assert _legend(panels[0]) == ["converged", "oscillating", "no converged run"]


def test_seeds_share_a_cell() -> None:
    """The commonest outcome, dotted where they differ, and the median of those that converged."""
    grid = _plane(data={"seed": {"values": [0, 1, 2]}})
    summaries = _summaries(grid)
    for index in range(0, 32, 16):  # the first cell of the first two seeds
        summaries[index] = (summaries[index] or {}) | {"outcome": "diverged", "excess_risk": None}
    outcome, risk, _ = _panels(_draw(grid, summaries))
    assert _mesh(outcome)[0, 0] == OUTCOMES.index(Outcome.DIVERGED)
    assert _marked(outcome, "....") == 1
    assert "seeds differ" in _legend(outcome)
    third, last = made_up_summary(grid.run(32)), [made_up_summary(grid.run(16 * seed + 1)) for seed in range(3)]
    assert _mesh(risk)[0, 0] == pytest.approx(third["excess_risk"])
    assert _mesh(risk)[1, 0] == pytest.approx(statistics.median(run["excess_risk"] for run in last))
    assert any("most frequent outcome" in text for text in words(outcome.figure.figure))


def test_cells_with_a_run_that_rounding_decided_have_a_diamond_in_every_panel() -> None:
    """Where they are, in both directions; a plane without any has none, and no name for it."""
    grid = _plane()
    summaries = _summaries(grid)
    assert "decided by rounding" not in _legend(_panels(_draw(grid, summaries))[0])
    summaries[6] = (summaries[6] or {}) | {"path": "perturbed"}
    panels = _panels(_draw(grid, summaries))
    at = grid.coordinates(6)
    for panel in panels:
        (marks,) = [line for line in panel.lines if line.get_marker() == "D"]
        place = (marks.get_xdata(), marks.get_ydata())
        np.testing.assert_allclose(np.ravel(place), [at["init_scale"], at["step_size_fraction"]])
    assert "decided by rounding" in _legend(panels[0])


def test_the_sensitivity_has_a_panel_where_all_runs_have_a_twin() -> None:
    """Instead of diamonds, which would hide it; its colour bar has as many numbers as fit side by side."""
    grid = _plane(recording={"sensitivity": True})
    summaries = [
        (summary or {}) | {"path": "perturbed", "twin_outcome": (summary or {})["outcome"], "sensitivity": 10.0**-place}
        for place, summary in enumerate(_summaries(grid))
    ]
    panels = _panels(_draw(grid, summaries))
    assert [panel.get_title(loc="left") for panel in panels][-1] == "sensitivity ‖Δβ‖₂/‖β‖₂"
    converged = [10.0**-place for place, one in enumerate(summaries) if one["outcome"] == "converged"]
    assert sorted(_mesh(panels[-1]).compressed()) == pytest.approx(sorted(converged))
    assert not any(line.get_marker() == "D" for panel in panels for line in panel.lines)
    assert "decided by rounding" not in _legend(panels[0])
    (bar,) = panels[-1].child_axes
    assert 3 <= len(bar.get_xticks()) <= 6


def test_a_partial_result_says_so_and_is_drawn_as_far_as_it_goes() -> None:
    """Cells without a run are empty, down to nothing at all."""
    grid = _plane()
    summaries = _summaries(grid)
    summaries[5:] = [None] * 11
    figure = _draw(grid, summaries)
    assert any("partial result: 5 of 16 runs" in text for text in words(figure))
    assert [_marked(panel, None) for panel in _panels(figure)] == [11, 11, 11]
    assert _legend(_panels(figure)[0])[-1] == "not there yet"
    nothing = _figure(results_of(grid, [None] * 16, {}))
    assert _legend(_panels(nothing)[0]) == ["not there yet"]
    assert render(nothing, "png").startswith(b"\x89PNG")


def test_a_converged_run_without_a_value_is_not_called_unconverged() -> None:
    """The pattern then means that there is no value, for whatever reason."""
    grid = _plane()
    summaries = _summaries(grid)
    summaries[0] = (summaries[0] or {}) | {"effective_init": None}
    assert "no value" in _legend(_panels(_draw(grid, summaries))[0])


def test_one_value_alone_has_a_scale_too() -> None:
    """A colour bar around it, with numbers on it."""
    grid = _plane()
    summaries = [None if run.index else made_up_summary(run) | {"effective_init": 0.01} for run in grid.runs()]
    figure = _draw(grid, summaries)
    bars = [bar for panel in _panels(figure) for bar in panel.child_axes]
    assert len(bars) == 2
    for bar in bars:
        low, high = bar.get_xlim()
        assert sum(bool(low <= tick <= high) for tick in bar.get_xticks()) >= 2


def test_what_another_axis_fixes_names_the_row() -> None:
    """All rows have the same colours for the same values."""
    grid = _plane(data={"mean": {"values": [0.0, 5.0]}})
    summaries = [made_up_summary(run) | {"excess_risk": 0.01 * (run.index + 1)} for run in grid.runs()]
    panels = _panels(_draw(grid, summaries))
    notes = [text.get_text() for panel in panels for text in panel.texts]
    assert [note for note in notes if note.startswith("μ")] == ["μ = 0", "μ = 5"]
    meshes = [mesh for panel in (panels[1], panels[4]) for mesh in panel.collections if isinstance(mesh, QuadMesh)]
    converged = [row["excess_risk"] for row in summaries if row["outcome"] == "converged"]
    assert [mesh.get_clim() for mesh in meshes] == [pytest.approx((min(converged), max(converged)))] * 2


def test_user_data_without_a_true_predictor_show_what_is_known() -> None:
    """The ℓ1 norm, where neither risk nor held-out loss is."""
    body = document(
        initialization={"scale": {"values": SCALES}}, optimizer={"step_size": {"fractions_of_max_stable": FRACTIONS}}
    )
    grid = Grid(ExperimentSpec.model_validate(body | {"data": {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}}))
    summaries = [{"outcome": "converged", "l1_norm": 2.0 + run.init_scale} for run in grid.runs()]
    assert [panel.get_title(loc="left") for panel in _panels(_draw(grid, summaries))][1] == "ℓ1 norm ‖β‖₁"


def test_the_phase_diagram_has_the_same_bytes_each_time() -> None:
    """Hatches and colour bars included, whose names in the file must not be random."""
    grid = _plane(data={"seed": {"values": [0, 1]}})
    summaries = _summaries(grid)
    summaries[3] = None
    summaries[4] = (summaries[4] or {}) | {"outcome": "diverged"}
    assert render(_draw(grid, summaries), Format.SVG) == render(_draw(grid, summaries), Format.SVG)


def test_outcomes_differ_in_lightness() -> None:
    """So they can be told apart without hue; CIE L* from relative luminance."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    rgb = np.array([colors.to_rgb(OUTCOME_COLOURS[outcome]) for outcome in Outcome])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lightness = sorted((116 * np.cbrt(linear @ weights) - 16).tolist())
    assert all(high - low > 8 for low, high in itertools.pairwise(lightness))


def test_no_cell_reaches_across_the_largest_stable_step() -> None:
    """Steps below it are stable and those above it are not: the cells of both end there, in each column at its own."""
    grid = grid_of(
        data={"samples": {"values": [25, 50, 100]}}, optimizer={"step_size": {"values": [0.001, 0.002, 0.004]}}
    )
    analyses = {
        key: replace(analysis, max_stable_step=step, max_stable_step_sign_free=step)
        for step, (key, analysis) in zip((0.0012, 0.0039, 0.0045), made_up_analyses(grid).items(), strict=True)
    }
    here = heat_map(results_of(grid, _summaries(grid), analyses), phase_layout(grid), {}, ["excess_risk"])
    assert here.y_edges.shape == (4, 3)
    for edges, step in zip(here.y_edges.T, (0.0012, 0.0039, 0.0045), strict=True):
        assert (np.diff(edges) > 0).all()
        for value, low, high in zip(here.y.values, edges[:-1], edges[1:], strict=True):
            assert low <= value <= high
            assert high <= step if value < step else low >= step


def test_a_median_of_exactly_zero_is_written_into_its_cell() -> None:
    """A logarithmic scale of colours has no place for it."""
    grid = _plane()
    figure = _figure(results_of(grid, [(summary or {}) | {"excess_risk": 0.0} for summary in _summaries(grid)]))
    (zeros,) = (line for line in _panels(figure)[1].lines if line.get_marker() == "$0$")
    assert len(zeros.get_xdata()) == len(SCALES) * 3
    assert "exactly 0" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
