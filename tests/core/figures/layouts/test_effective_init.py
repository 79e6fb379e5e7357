"""Which experiments have effective initialisations."""

from collections.abc import Mapping
from typing import Any

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.effective_init import effective_init_layout
from core.sweep.grid import Grid
from tests.core.specs import grid_of

STEP_SIZES = [0.001, 0.004, 0.007, 0.009]
Parts = Mapping[str, Any]


def _fan(**parts: Parts) -> Grid:
    swept: dict[str, Parts] = {
        "initialization": {"scale": {"values": [0.1, 1.0, 3.0]}},
        "optimizer": {"step_size": {"values": STEP_SIZES}},
    }
    return grid_of(**(swept | parts))


def test_what_has_no_effective_initialisation_is_refused_with_the_reason() -> None:
    """Deeper networks, momentum, and experiments that sweep no step size."""
    with pytest.raises(UnsuitableFigure, match="Deeper networks have no effective initialisation"):
        effective_init_layout(_fan(model={"kind": "diagonal", "depth": 3}))
    heavy = {"kind": "heavy_ball", "momentum": 0.5, "step_size": {"values": STEP_SIZES}}
    with pytest.raises(UnsuitableFigure, match="momentum"):
        effective_init_layout(_fan(optimizer=heavy))
    with pytest.raises(UnsuitableFigure, match="sweeps the step size"):
        effective_init_layout(_fan(optimizer={"step_size": 0.001}))
    with pytest.raises(UnsuitableFigure, match="7 panels"):
        effective_init_layout(_fan(data={"mean": {"start": 0, "stop": 6, "num": 7}}))
