"""The figure of predictors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from core.figures.draw import draw
from core.figures.drawings.predictor import MOST_ENTRIES, TRUTH
from core.figures.layouts.catalogue import FIGURES
from core.figures.render import Format, render
from core.figures.results import Results
from core.figures.style import GROUND
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.drawn import names, points, words
from tests.core.made_up import made_up_summary, results_of
from tests.core.specs import document, grid_of

_figure = partial(draw, FIGURES["predictor"])

SCALES = [0.01, 0.1, 1.0]
STEP_SIZES = [0.001, 0.004, 0.007, 0.009]
DIMENSION, SPARSITY = 8, 2
Parts = Mapping[str, Any]


def _fan(**parts: Parts) -> Grid:
    swept: dict[str, Parts] = {
        "data": {"samples": 4, "dimension": DIMENSION, "sparsity": SPARSITY},
        "initialization": {"scale": {"values": SCALES}},
        "optimizer": {"step_size": {"values": STEP_SIZES}},
    }
    return grid_of(**(swept | parts))


def _theta(index: int, parts: int = 2, dimension: int = DIMENSION) -> np.ndarray:
    return np.random.default_rng(index).uniform(0.1, 1.0, (parts, dimension))


def _arrays(index: int) -> dict[str, np.ndarray]:
    return dict(zip(("u_plus", "u_minus"), _theta(index), strict=True))


def _truth(_: int = 0) -> np.ndarray:
    return np.array([0.5] * SPARSITY + [0.0] * (DIMENSION - SPARSITY))


def _results(grid: Grid, summaries: Sequence[Mapping[str, Any] | None] | None = None) -> Results:
    made_up = [made_up_summary(run) | {"l1_norm": 2.0} for run in grid.runs()]
    return replace(results_of(grid, summaries or made_up, arrays=_arrays), true_predictor=_truth)


def _entries(panel: Axes) -> list[float]:
    """The points of a panel, from left to right."""
    return [y for line in panel.lines if line.get_marker() == "o" for y in points(line)[1]]


def _bars(panel: Axes) -> list[tuple[float, float]]:
    """Where the bars of the truth stand, and how high they are."""
    stems = [found for found in panel.collections if isinstance(found, LineCollection)]
    grey = [found for found in stems if tuple(np.asarray(found.get_color())[0]) == to_rgba(TRUTH)]
    ends = [np.asarray(segment)[-1].tolist() for found in grey for segment in found.get_segments()]
    return [(x, y) for x, y in ends]


def _titles(figure: Figure) -> list[str]:
    return [panel.get_title(loc="left") for panel in figure.axes]


def _facts(figure: Figure) -> list[str]:
    return [text.get_text() for panel in figure.axes for text in panel.texts if isinstance(text, Annotation)]


def test_panels_show_the_ends_of_scale_and_step_size() -> None:
    """Small scales above, small steps at the left; a step size at which the run failed gives place to the next one."""
    figure = _figure(_results(_fan()))
    assert _titles(figure) == [
        "α = 0.01, η = 0.001",
        "α = 0.01, η = 0.007",
        "α = 1, η = 0.001",
        "α = 1, η = 0.007",
    ]
    assert "shown: 4 of 12 runs" in words(figure)


def test_where_a_whole_scale_failed_the_next_one_takes_its_place() -> None:
    """Large scales fail at all large step sizes where the warm-up is short."""
    grid = _fan()
    failed = {(1.0, step) for step in STEP_SIZES[2:]}
    summaries = [
        made_up_summary(run) | ({"outcome": "diverged"} if (run.init_scale, run.step_size) in failed else {})
        for run in grid.runs()
    ]
    figure = _figure(_results(grid, summaries))
    assert _titles(figure)[2:] == ["α = 1, η = 0.001", "α = 0.1, η = 0.007"]


def test_points_are_the_entries_of_the_predictor() -> None:
    """u₊² − u₋² at depth 2, in the order of the coordinates."""
    figure = _figure(_results(_fan()))
    for panel, index in zip(figure.axes, (0, 2, 8, 10), strict=True):
        u_plus, u_minus = _theta(index)
        assert _entries(panel) == pytest.approx((u_plus**2 - u_minus**2).tolist())
        assert panel.get_xlabel() == ("coordinate i" if index >= 8 else "")


def test_the_predictor_is_that_of_the_network() -> None:
    """Cubes at depth 3, products for UV."""
    deep = _figure(_results(_fan(model={"kind": "diagonal", "depth": 3})))
    u_plus, u_minus = _theta(0)
    assert _entries(deep.axes[0]) == pytest.approx((u_plus**3 - u_minus**3).tolist())
    theta = _theta(0, parts=4)
    arrays = dict(zip(("u_plus", "u_minus", "v_plus", "v_minus"), theta, strict=True))
    uv = _figure(replace(_results(_fan(model={"kind": "uv"})), arrays=lambda _: arrays))
    assert _entries(uv.axes[0]) == pytest.approx((theta[0] * theta[2] - theta[1] * theta[3]).tolist())


def test_the_truth_stands_behind() -> None:
    """As bars where it is not zero, and in the legend."""
    figure = _figure(_results(_fan()))
    assert all(_bars(panel) == [(1.0, 0.5), (2.0, 0.5)] for panel in figure.axes)
    assert names(figure) == ["true predictor β*", "predictor β"]


def test_the_support_comes_first_wherever_it_is() -> None:
    """By decreasing size, with the other coordinates in their order behind it; the axis says so."""
    truth = np.array([0.0, -0.3, 0.0, 0.9, 0.0, 0.0, 0.0, 0.0])
    figure = _figure(replace(_results(_fan()), true_predictor=lambda _: truth))
    u_plus, u_minus = _theta(0)
    beta = u_plus**2 - u_minus**2
    assert _entries(figure.axes[0]) == pytest.approx(beta[[3, 1, 0, 2, 4, 5, 6, 7]].tolist())
    assert _bars(figure.axes[0]) == [(1.0, 0.9), (2.0, -0.3)]
    assert figure.axes[-1].get_xlabel() == "coordinates by decreasing |β*ᵢ|"


def test_without_a_true_predictor_the_predictor_stands_alone() -> None:
    """As for user data; no bars and no word of a truth."""
    body = document(initialization={"scale": {"values": SCALES}})
    body["data"] = {"kind": "inline", "X": [[1.0] * DIMENSION], "y": [1.0]}
    grid = Grid(ExperimentSpec.model_validate(body))
    figure = _figure(replace(_results(grid), true_predictor=lambda _: None))
    assert not any(_bars(panel) for panel in figure.axes)
    assert not any("β*" in text for text in words(figure))
    assert len(_entries(figure.axes[0])) == DIMENSION


def test_up_to_four_runs_along_a_single_axis() -> None:
    """Evenly spaced, by value; one run alone is one panel."""
    grid = _fan(initialization={"scale": 0.1}, optimizer={"step_size": {"values": [0.004, 0.001, 0.003, 0.002, 0.005]}})
    assert _titles(_figure(_results(grid))) == ["η = 0.001", "η = 0.002", "η = 0.004", "η = 0.005"]
    alone = _figure(_results(_fan(initialization={"scale": 0.1}, optimizer={"step_size": 0.001})))
    assert _titles(alone) == [""]
    assert not any("shown" in text for text in words(alone))


def test_the_caption_says_where_all_other_axes_stand() -> None:
    """At their first values."""
    grid = _fan(
        data={"samples": 4, "dimension": DIMENSION, "sparsity": SPARSITY, "seed": {"values": [3, 4]}},
        optimizer={"step_size": {"values": STEP_SIZES}, "warmup_steps": {"values": [7, 9]}},
    )
    assert "shown: 4 of 48 runs, at data seed = 3, W = 7" in words(_figure(_results(grid)))


def test_a_run_that_did_not_converge_is_drawn_hollow_and_named() -> None:
    """Only where no run on its side of the axis converged."""
    grid = _fan()
    summaries = [made_up_summary(run) | {"outcome": "budget_exhausted"} for run in grid.runs()]
    figure = _figure(_results(grid, summaries))
    assert names(figure) == ["true predictor β*", "β, not converged"]
    assert all(fact.startswith("budget exhausted, excess risk") for fact in _facts(figure))
    marked = [line for panel in figure.axes for line in panel.lines if line.get_marker() == "o"]
    assert {line.get_markerfacecolor() for line in marked} == {GROUND}


def test_what_is_not_there_is_left_out_and_named() -> None:
    """A run that is missing or diverged, arrays that are not kept or not finite: panels without points, no error."""
    grid = _fan(initialization={"scale": 0.1}, optimizer={"step_size": {"values": STEP_SIZES}})
    good = made_up_summary(grid.run(0))
    summaries = [None, good | {"outcome": "diverged"}, good, good]
    kept: dict[int, dict[str, np.ndarray] | None] = {2: None, 3: {"u_plus": np.full(8, np.nan), "u_minus": np.ones(8)}}
    figure = _figure(replace(_results(grid, summaries), arrays=kept.__getitem__))
    assert not any(_entries(panel) for panel in figure.axes)
    assert _facts(figure) == ["not there yet", "diverged", "", ""]
    nothing = replace(results_of(grid, [None] * 4, {}), arrays=lambda _: None)
    assert render(_figure(nothing), "png").startswith(b"\x89PNG")


def test_each_panel_says_risk_and_norm() -> None:
    """In three digits."""
    summaries = [made_up_summary(run) | {"excess_risk": 0.012345, "l1_norm": 2.34567} for run in _fan().runs()]
    assert _facts(_figure(_results(_fan(), summaries))) == ["excess risk 0.0123, ‖β‖₁ = 2.35"] * 4


def test_all_panels_have_the_same_scale_with_everything_on_it() -> None:
    """So that heights can be compared from panel to panel."""
    figure = _figure(_results(_fan()))
    ((low, high),) = {panel.get_ylim() for panel in figure.axes}
    entries = [entry for panel in figure.axes for entry in _entries(panel)]
    assert len(entries) == len(figure.axes) * len(_theta(0)[0])
    assert low < min(entries) < max(entries) < high


def test_of_very_many_coordinates_the_largest_are_shown() -> None:
    """With the support still at the left; the axis says of how many."""
    dimension = MOST_ENTRIES + 100
    grid = _fan(
        data={"samples": 4, "dimension": dimension, "sparsity": SPARSITY},
        initialization={"scale": 0.1},
        optimizer={"step_size": 0.001},
    )
    theta, truth = _theta(0, dimension=dimension), np.zeros(dimension)
    truth[-1] = 0.5
    arrays = dict(zip(("u_plus", "u_minus"), theta, strict=True))
    results = replace(_results(grid), arrays=lambda _: arrays, true_predictor=lambda _: truth)
    (panel,) = _figure(results).axes
    beta = theta[0] ** 2 - theta[1] ** 2
    others = sorted(beta[:-1].tolist(), key=abs, reverse=True)[: MOST_ENTRIES - 1]
    assert _entries(panel) == pytest.approx([beta[-1], *others])
    assert panel.get_xlabel() == f"the {MOST_ENTRIES} largest of {dimension} coordinates"


def test_only_the_runs_that_are_shown_are_read() -> None:
    """Reading an array may be slow."""
    read: list[int] = []

    def arrays(index: int) -> dict[str, np.ndarray]:
        read.append(index)
        return _arrays(index)

    _figure(replace(_results(_fan()), arrays=arrays))
    assert sorted(read) == [0, 2, 8, 10]


def test_the_figure_of_predictors_has_the_same_bytes_each_time() -> None:
    """As every figure."""
    assert render(_figure(_results(_fan())), Format.SVG) == render(_figure(_results(_fan())), Format.SVG)
