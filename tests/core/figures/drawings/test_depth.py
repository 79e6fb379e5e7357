"""The figure against depth."""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from core.figures.draw import draw
from core.figures.layouts.catalogue import FIGURES
from core.sweep.grid import Grid
from tests.core.drawn import words
from tests.core.made_up import made_up_analyses, made_up_summaries, results_of, with_excess_risk
from tests.core.specs import grid_of

_figure = partial(draw, FIGURES["depth"])


def _grid() -> Grid:
    return grid_of(
        model={"kind": "diagonal", "depth": {"values": [3, 2]}},
        initialization={"scale": {"values": [0.1, 1.0]}},
        optimizer={"step_size": {"values": [0.002, 0.004]}},
    )


def _drawn(figure: Figure, panel: int = 0) -> list[list[list[float]]]:
    """The points of each line of a panel."""
    return [
        [np.asarray(line.get_xdata(), dtype=float).tolist(), np.asarray(line.get_ydata(), dtype=float).tolist()]
        for line in figure.axes[panel].lines
    ]


def test_runs_and_references_stand_against_depth() -> None:
    """A line for each step size, and one for each interpolator; that of ℓ_(2/D) begins at least ℓ1 norm."""
    grid = _grid()
    analyses = made_up_analyses(grid)
    deep = next(problem.key for problem in grid.each_problem() if problem.coordinates["depth"] == 3)
    analyses[deep] = with_excess_risk(analyses[deep], "least_parameter_norm", 0.002)
    analyses[deep] = with_excess_risk(analyses[deep], "flattest", 0.14)
    summaries = made_up_summaries(grid)
    figure = _figure(results_of(grid, summaries, analyses))
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["α = 0.1", "α = 1"]
    lines = _drawn(figure)
    assert [[2.0, 3.0], [0.0078, 0.002]] in lines
    assert [[2.0, 3.0], [0.03, 0.14]] in lines
    assert [[2.0, 3.0], [1.3, 1.3]] in lines
    risks = {
        depth: next(
            (summary or {})["excess_risk"]
            for run, summary in zip(grid.runs(), summaries, strict=True)
            if (run.network.degree, run.init_scale, run.step_size) == (depth, 0.1, 0.002)
        )
        for depth in (2, 3)
    }
    assert [[2.0, 3.0], [risks[2], risks[3]]] in lines
    texts = words(figure)
    assert {"Excess risk against depth D, by step size η", "ℓ$_{\\mathregular{2/D}}$, locally least"} <= set(texts)


def test_a_reference_that_is_not_known_is_not_named() -> None:
    """Before the analysis there is none."""
    texts = words(_figure(results_of(_grid(), analyses={})))
    assert not {"ℓ$_{\\mathregular{2/D}}$, locally least", "flattest interpolator"} & set(texts)
