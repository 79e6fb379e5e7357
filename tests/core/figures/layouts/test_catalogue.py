"""Which figures there are, and which suit an experiment."""

import subprocess
import sys

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.catalogue import FIGURES, require_suitable, suitable
from core.presets import PRESETS
from core.sweep.grid import Grid
from tests.core.specs import every_figure, grid_of


def test_an_experiment_may_suit_every_figure() -> None:
    """In the order of the table."""
    assert suitable(every_figure()) == list(FIGURES)


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "predictor"])
def test_a_figure_that_does_not_suit_is_refused_in_a_sentence(name: str) -> None:
    """Before anything is drawn; of an experiment that sweeps and records nothing only the predictor can be shown."""
    alone = grid_of(recording={"points": 0})
    assert suitable(alone) == ["predictor"]
    with pytest.raises(UnsuitableFigure, match=r"^This figure .*\.$"):
        require_suitable(name, alone)


@pytest.mark.parametrize("name", PRESETS)
def test_the_figures_of_a_preset_suit_it_in_every_size(name: str) -> None:
    """And are figures."""
    for spec in PRESETS[name].sizes.values():
        assert set(PRESETS[name].figures) <= set(suitable(Grid(spec)))


def test_results_curves_presets_and_layouts_do_not_load_matplotlib() -> None:
    """They are read by processes that draw nothing."""
    program = (
        "import sys, core.results.curves, core.results.result, core.presets, core.figures.layouts.catalogue;"
        "sys.exit(any(name in sys.modules for name in ('matplotlib', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
