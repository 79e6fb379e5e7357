"""The figures that can be asked for. Their own module draws with Matplotlib, which this process never loads."""

from typing import Any

from api.experiments.document import links
from api.problems.request_errors import NothingHere
from core.figures.layouts.catalogue import FIGURES, suitable
from core.figures.layouts.files import MEDIA_TYPES
from core.sweep.grid import Grid


def listed(experiment_id: str, grid: Grid) -> list[dict[str, Any]]:
    """The figures that suit an experiment, with where each is in each format."""
    place = links(experiment_id)["figures"]
    return [
        {"name": name, "title": FIGURES[name].title, "links": {form: f"{place}/{name}.{form}" for form in MEDIA_TYPES}}
        for name in suitable(grid)
    ]


def named(file: str) -> tuple[str, str]:
    """The figure and the format that a file name asks for.

    Raises:
        NothingHere: there is no such figure, or no such format.
    """
    name, _, known = file.rpartition(".")
    if name not in FIGURES or known not in MEDIA_TYPES:
        raise NothingHere(f"The figures are {', '.join(FIGURES)}; the formats are {', '.join(MEDIA_TYPES)}.")
    return name, known
