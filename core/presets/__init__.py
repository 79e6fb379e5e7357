"""The paper's figures and theorems, what goes beyond them, and other papers, as specs that are ready to run."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.errors import InvalidChoice
from core.presets.beyond import BEYOND
from core.presets.delayed_release import DELAYED_RELEASE
from core.presets.literature import LITERATURE
from core.presets.paper import PAPER
from core.presets.preset import Preset, Size
from core.presets.statements import STATEMENTS
from core.spec.experiment_spec import ExperimentSpec
from core.spec.swept import axis_values

__all__ = ["PRESETS", "Preset", "Size", "preset"]

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {known.name: known for known in (*PAPER, *BEYOND, *STATEMENTS, *DELAYED_RELEASE, *LITERATURE)}
)
"""Every preset, by name."""


def preset(name: str, size: str | None = None, *, seeds: int = 1) -> ExperimentSpec:
    """The spec of a preset in a size, the smallest unless one is named, on `seeds` data sets.

    Raises:
        InvalidChoice: there is no preset of that name, it has no such size, or `seeds` is not positive.
    """
    if name not in PRESETS:
        raise InvalidChoice("name", PRESETS, "there is no such preset")
    sizes = {str(known): spec for known, spec in PRESETS[name].sizes.items()}
    if size is not None and size not in sizes:
        raise InvalidChoice("size", sizes, f"the preset {name} has no such size")
    return _replicated(sizes[size or next(iter(sizes))], seeds)


def _replicated(spec: ExperimentSpec, seeds: int) -> ExperimentSpec:
    """The spec on the data sets of seeds 0, 1, …; one that sweeps seeds already keeps at least its own."""
    if seeds < 1:
        raise InvalidChoice("seeds", (), "seeds is at least 1")
    own = axis_values(getattr(spec.data, "seed", 0)) or [0]
    if seeds <= len(own):
        return spec
    document = spec.model_dump(mode="json")
    document["data"]["seed"] = {"values": list(range(seeds))}
    return ExperimentSpec.model_validate(document | {"name": f"{spec.name}, {seeds} seeds"})
