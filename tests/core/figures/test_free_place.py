"""Names beside horizontal lines."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.free_place import Path, free_place

NAME = "least norm: 1.3"


def _panel(*, logarithmic: bool = False) -> Axes:
    """Both axes from 1 to 100."""
    panel = Figure(figsize=(6, 4)).add_subplot()
    scale = "log" if logarithmic else "linear"
    panel.set(xscale=scale, yscale=scale, xlim=(1, 100), ylim=(1, 100))
    return panel


def _path(x: list[float], y: list[float]) -> Path:
    return np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)


def test_a_name_stands_at_the_left_where_nothing_is_in_its_way() -> None:
    """Lines far above or below do not count, nor does one just beyond the other side of its own line."""
    panel = _panel()
    assert free_place(panel, NAME, 50, [], above=True) == 0
    far = [_path([1, 100], [height, height]) for height in (90, 49, 10)]
    assert free_place(panel, NAME, 50, far, above=True) == 0


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_name_moves_to_the_right_of_what_it_would_cover(above: bool, logarithmic: bool) -> None:  # noqa: FBT001
    """A line, of which only the ends are given, and a point that stands alone among gaps."""
    panel, beside = _panel(logarithmic=logarithmic), 51.0 if above else 49.0
    end = 1 + 99 * 0.3 if not logarithmic else 100**0.3
    line = _path([1, end], [beside, beside])
    assert 0.3 <= free_place(panel, NAME, 50, [line], above=above) < 0.45
    alone = _path([1, 2, end, 100], [np.nan, beside, np.nan, np.nan])
    assert 0 < free_place(panel, NAME, 50, [alone], above=above) < 0.3
    assert free_place(panel, NAME, 50, [line], above=not above) == 0


def test_a_name_without_a_free_place_takes_the_least_crowded_one() -> None:
    """And stays in the panel, even one that it does not fit in."""
    panel = _panel()
    through, half = _path([1, 100], [51, 51]), _path([1, 50], [52, 52])
    assert free_place(panel, NAME, 50, [through, half], above=True) > 0.5
    assert free_place(panel, NAME, 50, [through], above=True) == 0
    assert free_place(panel, NAME * 10, 50, [through], above=True) == 0
