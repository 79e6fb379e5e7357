"""What the pages say was measured is of the presets as they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.presets import PRESETS, preset
from core.sweep.grid import Grid

MEASURED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "docs" / "images" / "measurements.json").read_text()
)


def test_every_preset_is_measured() -> None:
    """And nothing that is none any more."""
    assert MEASURED.keys() == PRESETS.keys()


@pytest.mark.parametrize("name", PRESETS)
def test_as_many_runs_are_measured_as_the_preset_has(name: str) -> None:
    """In the size that was measured: a preset that has grown is measured anew (`make figures`)."""
    grid = Grid(preset(name, MEASURED[name]["size"]))
    assert sum(MEASURED[name]["outcomes"].values()) == len(grid)
    assert len(MEASURED[name]["problems"]) == grid.problems
