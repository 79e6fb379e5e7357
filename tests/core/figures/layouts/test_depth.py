"""Which experiments have a figure against depth."""

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.depth import depth_layout
from tests.core.specs import grid_of

DEPTHS = {"kind": "diagonal", "depth": {"values": [4, 2, 3]}}


def test_step_sizes_make_lines_and_scales_make_panels() -> None:
    """Seeds are aggregated."""
    layout = depth_layout(
        grid_of(
            data={"seed": {"values": [0, 1]}},
            model=DEPTHS,
            initialization={"scale": {"values": [0.1, 1.0]}},
            optimizer={"step_size": {"fractions_of_max_stable": [0.1, 0.9]}},
        )
    )
    assert (layout.depths, layout.series, layout.over) == ((2, 3, 4), "step_size_fraction", "seed")
    assert layout.panels == ({"init_scale": 0.1}, {"init_scale": 1.0})


def test_one_depth_is_no_figure() -> None:
    """And one step size is one line."""
    assert depth_layout(grid_of(model=DEPTHS)).series is None
    with pytest.raises(UnsuitableFigure, match="sweeps the depth"):
        depth_layout(grid_of(model={"kind": "diagonal", "depth": 3}))
