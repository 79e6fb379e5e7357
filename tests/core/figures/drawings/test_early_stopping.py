"""The figure of the risk along training."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest

from core.figures.draw import draw
from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.trajectory import early_stopping_layout, early_stopping_of_runs
from core.sweep.grid import Grid
from tests.core.drawn import lines_like, names, points, words
from tests.core.made_up import made_up_arrays, results_of
from tests.core.specs import grid_of

_figure = partial(draw, FIGURES["early-stopping"])

SCALES = [1e-3, 1e-1]
LEAST_AT = 7
"""The record at which the first run has its least risk; that of the second falls to its end."""


def _grid(**parts: Any) -> Grid:
    shared: dict[str, Any] = {
        "initialization": {"kind": "uniform", "scale": {"values": SCALES}},
        "recording": {"points": 30},
    }
    return grid_of(**(shared | parts))


def _arrays(index: int) -> Mapping[str, np.ndarray]:
    arrays = dict(made_up_arrays(_grid().run(index)))
    falling = np.geomspace(1.0, 0.1, len(arrays["record_step"]))
    valley = falling + 0.5 * np.maximum(0, np.arange(len(falling)) - LEAST_AT)
    return arrays | {"excess_risk": falling if index else valley}


def test_the_risk_stands_below_the_training_loss() -> None:
    """Of every run that is followed, without a threshold, which is one of the sharpness."""
    figure = _figure(results_of(_grid(), arrays=_arrays))
    upper, lower = figure.axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("training loss L", "excess risk R")
    drawn = sorted(points(line)[1] for line in lower.lines if len(points(line)[0]) > 2)
    expected = sorted(_arrays(index)["excess_risk"][1:].tolist() for index in range(2))
    np.testing.assert_allclose(drawn, expected)
    assert not any("threshold" in name for name in names(figure))


def test_a_triangle_stands_where_the_risk_is_least_before_the_end() -> None:
    """The title counts such runs; one whose risk falls to the end has none."""
    figure = _figure(results_of(_grid(), arrays=_arrays))
    ((steps, risks),) = (points(line) for line in lines_like(figure.axes[1], marker="v"))
    arrays = _arrays(0)
    assert steps == [arrays["record_step"][LEAST_AT]]
    assert risks == pytest.approx([arrays["excess_risk"].min()])
    assert any("least before the end in 1 of 2 runs" in text.replace("\n", " ") for text in words(figure))
    assert "least risk, before the end" in " ".join(names(figure)).replace("\n", " ")


def test_a_run_of_which_no_risk_is_known_has_no_least_one() -> None:
    """As after it has diverged at once."""
    unknown = dict(_arrays(0))
    unknown["excess_risk"] = np.full(len(unknown["record_step"]), np.nan)
    figure = _figure(results_of(_grid(), arrays=lambda _: unknown))
    assert not lines_like(figure.axes[1], marker="v")
    assert not any("least before the end" in text for text in words(figure))


def test_data_of_a_user_have_no_excess_risk() -> None:
    """Whether the runs are chosen or not; and without records there is nothing to follow."""
    grid = _grid(data={"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]})
    with pytest.raises(UnsuitableFigure, match="sparse_regression"):
        early_stopping_layout(grid)
    with pytest.raises(UnsuitableFigure, match="sparse_regression"):
        early_stopping_of_runs(grid, [0])
    with pytest.raises(UnsuitableFigure, match="needs at least 3 of each"):
        early_stopping_layout(_grid(recording={"points": 1}))
