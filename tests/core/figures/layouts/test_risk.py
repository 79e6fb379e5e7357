"""What stands along x in the risk figure."""

from collections.abc import Sequence

import pytest

from core.figures.layouts.risk import risk_layout
from core.sweep.grid import Grid
from tests.core.specs import grid_of


def _warmup(scales: Sequence[float], steps: Sequence[int], fractions: Sequence[float]) -> Grid:
    return grid_of(
        initialization={"scale": {"values": list(scales)}},
        optimizer={"warmup_steps": {"values": list(steps)}, "step_size": {"fractions_of_max_stable": list(fractions)}},
    )


@pytest.mark.parametrize(
    ("scales", "steps", "fractions", "expected"),
    [
        ([0.1, 1.0, 3.0], [0], [0.5, 0.9], ("init_scale", "step_size_fraction", 1)),
        ([0.1, 1.0, 3.0], [0, 10, 100], [0.5, 0.9], ("warmup_steps", "init_scale", 2)),
        ([0.1, 1.0], [0], [0.1, 0.3, 0.5, 0.7, 0.9], ("step_size_fraction", "init_scale", 1)),
        ([0.1], [0, 10, 100], [0.5, 0.9], ("warmup_steps", "step_size_fraction", 1)),
    ],
)
def test_the_longest_axis_goes_along_x_and_the_next_makes_the_lines(
    scales: list[float], steps: list[int], fractions: list[float], expected: tuple[str, str, int]
) -> None:
    """Step sizes make lines unless there are very many of them."""
    layout = risk_layout(_warmup(scales, steps, fractions))
    assert (layout.x, layout.series, len(layout.panels)) == expected
