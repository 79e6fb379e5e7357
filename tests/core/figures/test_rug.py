"""Rug marks below all that is drawn."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from core.figures.rug import draw_rug, failed_points, rug_height
from core.results.curves import Curve


def _curve(runs: tuple[int, ...], not_converged: tuple[int, ...]) -> Curve:
    gaps, zeros = (None,) * len(runs), (0,) * len(runs)
    return Curve(
        series=None,
        median=gaps,
        lower_quartile=gaps,
        upper_quartile=gaps,
        runs=runs,
        not_converged=not_converged,
        without_value=zeros,
        missing=zeros,
        decided_by_rounding=zeros,
    )


def test_a_point_has_failed_where_some_runs_did_not_converge_and_none_has_a_value() -> None:
    """Neither one that is missing nor one that is drawn hollow."""
    assert failed_points(_curve((2, 1, 0, 0), (0, 1, 2, 0))) == [2]


def test_rows_of_marks_stand_above_each_other_on_their_ground() -> None:
    """Those of a second kind above the first, whatever the y axis shows; without any there is no ground."""
    panel = Figure().subplots()
    panel.set_yscale("log")
    draw_rug(panel, [([1.0, 2.0], "red")], marker="v")
    draw_rug(panel, [([2.0], "red"), ([3.0], "blue")], above=1)
    heights = [float(np.asarray(line.get_ydata())[0]) for line in panel.lines]
    assert heights == sorted(set(heights))
    assert [line.get_marker() for line in panel.lines] == ["v", "x", "x"]
    assert all(line.get_transform() == panel.get_xaxis_transform() for line in panel.lines)
    grounds = [patch.get_height() for patch in panel.patches if isinstance(patch, Rectangle)]
    assert grounds == [rug_height(1), rug_height(3)]
    assert heights[-1] < rug_height(3)


def test_no_marks_need_no_room() -> None:
    """The axis then begins below its values as it ends above them."""
    assert rug_height(0) == 0
    panel = Figure().subplots()
    draw_rug(panel, [])
    assert not panel.patches
