"""Which runs the figure of predictors shows."""

from core.figures.layouts.predictor import predictor_layout
from tests.core.specs import grid_of

SCALES = [0.01, 0.1, 1.0]


def test_no_run_is_shown_twice() -> None:
    """However few values an axis has, and whatever failed."""
    for steps in ([0.001, 0.009], [0.009, 0.001, 0.004], [0.001, 0.004, 0.007, 0.009]):
        grid = grid_of(initialization={"scale": {"values": SCALES}}, optimizer={"step_size": {"values": steps}})
        layout = predictor_layout(grid)
        shown = [index for panel in layout.panels for index in panel]
        assert len(set(shown)) == len(shown)
