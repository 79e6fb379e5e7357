"""What a larger step gains, drawn of made-up results."""

from typing import Any

import numpy as np
import pytest

from core.figures.draw import picture
from core.figures.layouts.catalogue import FIGURES
from core.figures.picture import Picture
from core.sweep.grid import Grid
from tests.core.drawn import words
from tests.core.made_up import made_up_summaries, results_of
from tests.core.specs import grid_of

MEANS = (0.0, 0.2, 0.4, 1.0)
SEEDS = (0, 1, 2)


def _grid(**parts: Any) -> Grid:
    data = {"mean": {"values": list(MEANS)}, "seed": {"values": list(SEEDS)}}
    return grid_of(data=data, optimizer={"step_size": {"fractions_of_max_stable": [0.9, 0.1]}}, **parts)


def _picture(grid: Grid, ratio: Any) -> Picture:
    """Where the risk of a run is so many times that of gradient flow; None where it diverged."""
    summaries = made_up_summaries(grid)
    for index, summary in enumerate(summaries):
        assert summary is not None
        wanted = ratio(grid.coordinates(index))
        own = {"outcome": "diverged"} if wanted is None else {"excess_risk": wanted * 0.3, "flow_excess_risk": 0.3}
        summary.update(own)
    return picture(FIGURES["gain"], results_of(grid, summaries))


def _series(drawn: Picture, name: str) -> dict[float, float]:
    """The places of a line by their height."""
    line = next(each for each in drawn.data if each.name == name)
    return dict(zip(line.y.tolist(), line.x.tolist(), strict=True))


def _falls(where: dict[str, float]) -> float:
    """At a large step the risk is e^(.3−μ) of that of the flow, nearly so in each seed; a small one changes nothing."""
    if where["step_size_fraction"] < 0.5:
        return 1.0
    return float(np.exp(0.3 - where["data_mean"] + 0.01 * (where["seed"] - 1)))


def test_cells_are_medians_and_the_line_stands_where_the_risk_falls() -> None:
    """Between μ = .2 and .4, a thousandth beyond .3; at the small step nowhere."""
    drawn = _picture(_grid(), _falls)
    cells = drawn.data[0]
    assert cells.value is not None
    found = dict(zip(zip(cells.x, cells.y, strict=True), cells.value, strict=True))
    for mean in MEANS:
        assert found[mean, 0.9] == pytest.approx(np.exp(0.3 - mean), rel=1e-12)
        assert found[mean, 0.1] == pytest.approx(1.0, rel=1e-12)
    assert _series(drawn, "lower to the right") == {0.9: pytest.approx(0.3 - np.log(0.999), abs=1e-12)}
    low, high = (_series(drawn, f"{which} of its interval")[0.9] for which in ("least", "largest"))
    assert 0.28 < low < 0.301 < high < 0.32
    assert drawn.title == "At η/η* = 0.9 a large step lowers the risk where data mean μ is above 0.3 (0.29 to 0.31)"


def test_runs_that_diverged_do_not_enter() -> None:
    """A cell of which none converged is hatched, and says so."""
    drawn = _picture(_grid(), lambda where: None if where["data_mean"] in {0.0, 0.4} else _falls(where))
    assert set(drawn.data[0].x.tolist()) == {0.2, 1.0}
    assert "no ratio" in words(drawn.figure)


def test_each_scale_has_a_panel_and_no_title_speaks_for_both() -> None:
    """The colours of both have one scale."""
    drawn = _picture(_grid(initialization={"scale": {"values": [0.1, 1.0]}}), _falls)
    assert [panel.get_title(loc="left") for panel in drawn.figure.axes[:2]] == ["α = 0.1", "α = 1"]
    assert drawn.title.startswith("Risk over that of gradient flow")
    meshes = [each for panel in drawn.figure.axes for each in panel.collections if each.get_array() is not None]
    assert len({mesh.norm.vmin for mesh in meshes[:2]}) == 1
