"""Names beside horizontal lines."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.free_place import Path, free_place, write_at
from core.figures.style import style

NAME = "least norm: 1.3"


def _panel(*, logarithmic: bool = False) -> Axes:
    """Both axes from 1 to 100."""
    panel = Figure(figsize=(6, 4)).add_subplot()
    scale = "log" if logarithmic else "linear"
    panel.set(xscale=scale, yscale=scale, xlim=(1, 100), ylim=(1, 100))
    return panel


def _path(x: list[float], y: list[float]) -> Path:
    return np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)


def _left(panel: Axes, name: str, height: float, paths: list[Path], *, above: bool) -> float:
    with style():
        return free_place(panel, name, height, paths, above=above).x


def test_a_name_stands_at_the_left_where_nothing_is_in_its_way() -> None:
    """Lines far above or below do not count, nor does one just beyond the other side of its own line."""
    panel = _panel()
    assert _left(panel, NAME, 50, [], above=True) == 0
    far = [_path([1, 100], [height, height]) for height in (90, 49, 10)]
    assert _left(panel, NAME, 50, far, above=True) == 0


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_name_moves_to_the_right_of_what_it_would_cover(above: bool, logarithmic: bool) -> None:  # noqa: FBT001
    """A line, of which only the ends are given, and a point that stands alone among gaps."""
    panel, beside = _panel(logarithmic=logarithmic), 51.0 if above else 49.0
    end = 1 + 99 * 0.3 if not logarithmic else 100**0.3
    line = _path([1, end], [beside, beside])
    assert 0.3 <= _left(panel, NAME, 50, [line], above=above) < 0.45
    alone = _path([1, 2, end, 100], [np.nan, beside, np.nan, np.nan])
    assert 0 < _left(panel, NAME, 50, [alone], above=above) < 0.45
    assert _left(panel, NAME, 50, [line], above=not above) == 0


@pytest.mark.parametrize("above", [True, False])
def test_a_name_without_room_beside_its_line_stands_away_from_it(above: bool) -> None:  # noqa: FBT001
    """Clear of every line and of other names, with a line to what it names; and in the panel, even a very long one."""
    panel = _panel()
    paths = [_path([1, 100], [height, height]) for height in (47, 49, 51, 53)]
    with style():
        place = free_place(panel, NAME, 50, paths, above=above)
        other = free_place(panel, NAME, 50, paths, [place.box], above=above)
        long = free_place(panel, NAME * 10, 50, paths, above=above)
        write_at(panel, place, NAME, "black")
    assert not place.is_beside
    for left, bottom, right, top in (place.box, other.box):
        assert 0 <= left < right <= 1
        assert 0 <= bottom < top <= 1
        assert not any(bottom < (height - 1) / 99 < top for height in (47, 49, 51, 53))
    assert other.box[0] >= place.box[2] or other.box[1] >= place.box[3] or place.box[1] >= other.box[3]
    assert long.x == 0
    (lead,) = panel.lines
    assert place.line in np.asarray(lead.get_ydata())


def test_a_name_without_a_free_place_takes_the_least_crowded_one() -> None:
    """In a panel that is full of lines."""
    panel = _panel()
    paths = [_path([1, 70], [height, height]) for height in np.linspace(1, 100, 80).tolist()]
    assert _left(panel, NAME, 50, paths, above=True) > 0.6
