"""Which scales have panels in the stability figure."""

from typing import Any

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.stability import stability_layout
from core.sweep.grid import Grid
from tests.core.specs import grid_of

STEPS = [0.001, 0.002, 0.004, 0.0079, 0.009]


def _sweep(**parts: Any) -> Grid:
    return grid_of(**({"optimizer": {"step_size": {"values": STEPS}}} | parts))


def _scales(count: int) -> dict[str, Any]:
    return {"scale": {"start": 0.01, "stop": 1.0, "num": count, "spacing": "log"}}


@pytest.mark.parametrize(("depths", "rows", "columns"), [(1, 2, 3), (2, 2, 3), (3, 3, 2), (6, 2, 3)])
def test_depths_share_the_panels_with_the_scales(depths: int, rows: int, columns: int) -> None:
    """One row for each depth, as long as there is more than one scale for it."""
    depth: Any = {"values": list(range(2, 2 + depths))} if depths > 1 else 2
    layout = stability_layout(_sweep(model={"kind": "diagonal", "depth": depth}, initialization=_scales(8)))
    assert (len(layout.panels) // layout.columns, layout.columns) == (rows, columns)


def test_an_experiment_of_one_step_size_or_too_many_others_is_refused() -> None:
    """With the reason."""
    with pytest.raises(UnsuitableFigure, match="sweeps the step size"):
        stability_layout(grid_of(initialization=_scales(3)))
    with pytest.raises(UnsuitableFigure, match="7 panels, one for each value of data_mean; 6 are the most"):
        stability_layout(_sweep(data={"mean": {"values": [0, 1, 2, 3, 4, 5, 6]}}))
