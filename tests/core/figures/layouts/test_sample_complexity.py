"""Which data the figure of theorem 5.2 can be made of."""

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.sample_complexity import sample_complexity_layout
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.specs import document, grid_of


def test_data_without_a_theorem_are_refused() -> None:
    """One number of samples, or data of a user, or too many lines."""
    for grid in (grid_of(data={"sparsity": {"values": [2, 8]}}), _inline()):
        with pytest.raises(UnsuitableFigure, match="sparse_regression data with several numbers of samples"):
            sample_complexity_layout(grid)
    with pytest.raises(UnsuitableFigure, match="the law of the paper"):
        sample_complexity_layout(grid_of(data={"samples": {"values": [10, 20]}, "correlation": 0.5}))
    with pytest.raises(UnsuitableFigure, match="13 lines"):
        sample_complexity_layout(
            grid_of(
                data={"samples": {"values": [10, 20]}, "dimension": 60, "sparsity": {"start": 1, "stop": 13, "num": 13}}
            )
        )


def _inline() -> Grid:
    body = document(optimizer={"step_size": {"values": [0.1, 0.2]}})
    body["data"] = {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}
    return Grid(ExperimentSpec.model_validate(body))
