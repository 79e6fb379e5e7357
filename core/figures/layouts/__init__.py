"""Where the axes of a grid go in each figure: known without drawing, and without Matplotlib. One module per figure."""

from typing import Final

from core.errors import StepbiasError

MAX_PANELS: Final = 6
"""More side by side cannot be read."""


class UnsuitableFigure(StepbiasError):
    """The experiment sweeps too little or too much for a figure, or keeps too little of its runs."""
