"""Which experiments show what a larger step gains."""

from typing import Any

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.gain import gain_layout
from tests.core.specs import grid_of

STEPS = {"step_size": {"fractions_of_max_stable": [0.1, 0.9]}}
MEANS = {"values": [0.0, 1.0]}


def test_the_mean_goes_along_x_though_others_are_longer() -> None:
    """Seeds share a cell, and each scale has a panel."""
    layout = gain_layout(
        grid_of(
            data={"seed": {"values": [0, 1]}, "mean": MEANS},
            initialization={"scale": {"values": [0.1, 1.0]}},
            optimizer=STEPS,
        )
    )
    assert (layout.x, layout.y, layout.over) == ("data_mean", "step_size_fraction", "seed")
    assert layout.panels == ({"init_scale": 0.1}, {"init_scale": 1.0})


def test_any_number_of_the_data_may_go_along_x() -> None:
    """Such as how many samples there are."""
    layout = gain_layout(grid_of(data={"samples": {"values": [10, 20]}}, optimizer={"step_size": {"values": [1, 2]}}))
    assert (layout.x, layout.y) == ("samples", "step_size")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"data": {"mean": MEANS}}, "sweeps the step size"),
        ({"optimizer": STEPS}, "a number of the data"),
        ({"optimizer": STEPS, "model": {"kind": "diagonal", "depth": {"values": [2, 3]}}}, "a number of the data"),
        ({"optimizer": STEPS, "data": {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}}, "excess risk is known"),
    ],
)
def test_others_do_not(parts: dict[str, Any], reason: str) -> None:
    """With a reason."""
    with pytest.raises(UnsuitableFigure, match=reason):
        gain_layout(grid_of(**parts))
