"""Presets as they are listed, and how one is asked for."""

from typing import Annotated, Any

from pydantic import Field

from api.prefix import under_prefix
from api.requests.paging import InDigits, QueryModel
from core.presets import Preset, Size
from core.sweep.grid import Grid


class PresetQuery(QueryModel):
    """The query of one preset: the smallest size unless another is asked for, on one data set or several."""

    size: Size | None = None
    seeds: Annotated[int, Field(ge=1, le=1000), InDigits] = 1


def listed(preset: Preset) -> dict[str, Any]:
    """What the preset shows, and each of its sizes."""
    return {
        "name": preset.name,
        "title": preset.title,
        "description": preset.description,
        "figures": list(preset.figures),
        "sizes": {
            str(size): {"runs": len(Grid(spec)), "spec": under_prefix(f"/v1/presets/{preset.name}?size={size}")}
            for size, spec in preset.sizes.items()
        },
    }
