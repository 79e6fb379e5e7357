"""The figure of plateaus."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.lines import Line2D

from core.errors import InvalidChoice
from core.figures.draw import draw
from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.options import FigureOptions
from core.figures.layouts.plateaus import plateaus_layout, plateaus_of_runs
from core.sweep.grid import Grid
from tests.core.drawn import names, points, words
from tests.core.made_up import made_up_arrays, results_of
from tests.core.specs import grid_of

_figure = partial(draw, FIGURES["plateaus"])

SCALES = [1e-30, 1e-12, 1e-6, 1e-3]


def _grid(**parts: Any) -> Grid:
    shared: dict[str, Any] = {
        "data": {"samples": 3, "dimension": 4, "sparsity": 2},
        "initialization": {"scale": {"values": SCALES}},
        "recording": {"points": 60, "vectors": ["predictor", "time_average"]},
    }
    return grid_of(**(shared | parts))


def _curves(panel: Any) -> list[Line2D]:
    return [line for line in panel.lines if len(points(line)[0]) > 2]


def test_loss_and_coordinates_are_drawn_against_rescaled_time() -> None:
    """The loss above, |β_i| and the gap below, of every run the same numbers as it stores; a column for each."""
    grid = _grid()
    figure = _figure(results_of(grid))
    assert len(figure.axes) == 9
    for column, run in enumerate((0, 2, 3)):
        arrays = made_up_arrays(grid.run(run))
        (loss,) = _curves(figure.axes[column])
        assert points(loss)[0] == pytest.approx(arrays["vector_rescaled_time"][1:])
        assert points(loss)[1] == pytest.approx(arrays["train_loss"][1:])
        sizes = {tuple(np.round(points(line)[1], 12)) for line in _curves(figure.axes[3 + column])}
        expected = np.abs(arrays["vector_predictor"][1:])
        assert sizes == {tuple(np.round(expected[:, index], 12)) for index in range(4)}
        (gap,) = _curves(figure.axes[6 + column])
        np.testing.assert_allclose(points(gap)[1], arrays["vector_lasso_gap"][1:])


def test_without_time_averages_there_is_no_distance_from_the_lasso() -> None:
    """Two rows, of which the lower has the numbers of the axis."""
    figure = _figure(results_of(_grid(recording={"points": 60, "vectors": ["predictor"]})))
    assert len(figure.axes) == 6
    assert [panel.xaxis.get_tick_params()["labelbottom"] for panel in figure.axes] == [False] * 3 + [True] * 3


def test_runs_of_several_seeds_are_no_median() -> None:
    """The caption counts the seeds and speaks of no quartiles."""
    said = " ".join(
        words(
            _figure(results_of(_grid(data={"samples": 3, "dimension": 4, "sparsity": 2, "seed": {"values": [0, 1]}})))
        )
    )
    assert "2 data seeds" in said
    assert "quartiles" not in said


def test_coordinates_are_named_in_the_order_in_which_they_come_up() -> None:
    """Their colours go with it, in all columns alike; so are plateaus, by loss and by end."""
    figure = _figure(results_of(_grid()))
    said = names(figure)
    assert said[:4] == [f"coordinate {index}" for index in (1, 2, 3, 4)]
    assert said[4:] == ["loss of a plateau", "a plateau is left"]
    colours = [{line.get_color() for line in _curves(panel)} for panel in figure.axes[3:6]]
    assert colours[0] == colours[1] == colours[2]
    assert len(colours[0]) == 4
    verticals = [line for line in figure.axes[0].lines if len(set(points(line)[0])) == 1]
    assert sorted(points(line)[0][0] for line in verticals) == [1.0, 2.0]


def test_the_title_counts_the_plateaus() -> None:
    """As a finding; where there are none it is the subject."""
    assert any("2 plateaus" in text for text in words(_figure(results_of(_grid()))))


def test_runs_that_are_not_stored_leave_their_column_empty() -> None:
    """And the caption says of how many it is."""
    grid = _grid()
    figure = _figure(results_of(grid, arrays=lambda index: made_up_arrays(grid.run(index)) if index else None))
    assert any("2 of these 3 runs" in text for text in words(figure))


def test_layouts_follow_the_scale_or_the_runs_that_are_asked_for() -> None:
    """Three of four scales by rank; of one run one column; chosen runs by what tells them apart."""
    grid = _grid()
    assert plateaus_layout(grid).runs == (0, 2, 3)
    assert plateaus_layout(_grid(initialization={"scale": 1e-6})).runs == (0,)
    chosen = plateaus_of_runs(grid, [3, 1])
    assert chosen.runs == (3, 1)
    assert [name["init_scale"] for name in chosen.names] == [1e-3, 1e-12]


def test_what_does_not_suit_is_refused() -> None:
    """Without predictors, with two records, and with more than three runs."""
    for recording in (
        {"points": 50},
        {"points": 50, "vectors": ["time_average"]},
        {"points": 2, "vectors": ["predictor"]},
    ):
        with pytest.raises(UnsuitableFigure, match=r"recording\.vectors needs predictor"):
            plateaus_layout(_grid(recording=recording))
    with pytest.raises(UnsuitableFigure, match="room for 3; 4"):
        plateaus_of_runs(_grid(), [0, 1, 2, 3])
    with pytest.raises(InvalidChoice):
        _figure(results_of(_grid()), FigureOptions(runs=(9,)))
