"""What a preset is, and the pieces that presets are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from core.spec.experiment_spec import ExperimentSpec
from core.spec.optimizers import FractionsOfMaxStable
from core.spec.swept import Range, Spacing, Values

WARMUP_STEPS: Final = 100_000
"""Long enough for a step size just below the largest stable one to converge from any scale in [1e-2, 3]."""

Parts = Mapping[str, object]
"""Parts of a spec by name, as records of `core.spec.experiment_spec`; the name, the tags and the defaults are added."""


class Size(StrEnum):
    """How much of a figure is computed: `demo` in a minute or two, `quick` in several, `full` as in the paper."""

    DEMO = "demo"
    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A figure or a theorem: what it shows, the spec of each size, and the figures that show it best."""

    name: str
    title: str
    description: str
    figures: tuple[str, ...]
    sizes: Mapping[Size, ExperimentSpec]


def described(name: str, title: str, description: str, *, figures: tuple[str, ...], **sizes: Parts) -> Preset:
    """A preset from the parts of its specs, one for each size."""
    return Preset(
        name=name,
        title=title,
        description=description,
        figures=figures,
        sizes=MappingProxyType({Size(size): _named(name, size, parts) for size, parts in sizes.items()}),
    )


def _named(name: str, size: str, parts: Parts) -> ExperimentSpec:
    return ExperimentSpec.model_validate({"name": f"{name}, {size}", "tags": (name,)} | dict(parts))


def log_spaced(start: float, stop: float, num: int) -> Range[float]:
    """A log-spaced axis."""
    return Range[float](start=start, stop=stop, num=num, spacing=Spacing.LOG)


def values(*numbers: float) -> Values[float]:
    """An axis of these values."""
    return Values[float](values=numbers)


def counts(*numbers: int) -> Values[int]:
    """An axis of these whole numbers."""
    return Values[int](values=numbers)


def fractions(*numbers: float) -> FractionsOfMaxStable:
    """Step sizes as multiples of the largest stable one."""
    return FractionsOfMaxStable(fractions_of_max_stable=numbers)
