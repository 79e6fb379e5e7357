"""The paper's figures as experiment specs, ready to run, each in three sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from core.choice import InvalidChoice
from core.spec import (
    ExperimentSpec,
    FractionsOfMaxStable,
    GradientDescent,
    SparseRegression,
    Stopping,
    UniformInitialization,
)
from core.sweep import Range, Spacing, Values

WARMUP_STEPS: Final = 100_000
"""Long enough for a step size just below the largest stable one to converge from any scale in [1e-2, 3]."""


class Size(StrEnum):
    """How much of a figure is computed: `demo` in a minute or two, `quick` in several, `full` as in the paper."""

    DEMO = "demo"
    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A figure of the paper: what it shows, and the spec of each size."""

    name: str
    title: str
    description: str
    sizes: Mapping[Size, ExperimentSpec]


def preset(name: str, size: str) -> ExperimentSpec:
    """The spec of a preset in a size.

    Raises:
        InvalidChoice: there is no preset of that name, or it has no such size.
    """
    if name not in PRESETS:
        raise InvalidChoice("name", PRESETS, "there is no such preset")
    sizes = {str(known): spec for known, spec in PRESETS[name].sizes.items()}
    if size not in sizes:
        raise InvalidChoice("size", sizes, f"the preset {name} has no such size")
    return sizes[size]


def _figure_1(
    size: Size,
    *,
    scales: Values[float] | Range[float],
    step_size: Values[float] | FractionsOfMaxStable,
    stopping: Stopping,
) -> ExperimentSpec:
    return ExperimentSpec(
        name=f"figure-1, {size}",
        tags=("figure-1",),
        data=SparseRegression(kind="sparse_regression"),
        initialization=UniformInitialization(scale=scales),
        optimizer=GradientDescent(step_size=step_size, warmup_steps=WARMUP_STEPS),
        stopping=stopping,
    )


def _scales(num: int) -> Range[float]:
    return Range[float](start=1e-3, stop=3.0, num=num, spacing=Spacing.LOG)


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "figure-1": Preset(
            name="figure-1",
            title="A large step size does the work of a small initialisation",
            description=(
                "Risk against the initialisation scale, one line for each step size: with small steps the limit moves "
                "from least ℓ1 to least ℓ2 norm as the scale grows; close to the largest stable step size it is near "
                "least ℓ1 norm for every scale (figure 1 of Nacson et al. 2022)."
            ),
            sizes=MappingProxyType(
                {
                    Size.DEMO: _figure_1(
                        Size.DEMO,
                        scales=Values[float](
                            values=(0.001, 0.0032, 0.01, 0.0215, 0.0464, 0.1, 0.17, 0.3, 0.55, 1.0, 1.75, 3.0)
                        ),
                        step_size=Values[float](values=(0.001, 0.003, 0.005, 0.007, 0.0079)),
                        stopping=Stopping(loss_tolerance=1e-8),
                    ),
                    Size.QUICK: _figure_1(
                        Size.QUICK,
                        scales=_scales(16),
                        step_size=FractionsOfMaxStable(
                            fractions_of_max_stable=(0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.96, 0.99)
                        ),
                        stopping=Stopping(loss_tolerance=1e-8),
                    ),
                    Size.FULL: _figure_1(
                        Size.FULL,
                        scales=_scales(20),
                        # The smallest is η = 1e-4 on this data set, the smallest of the paper's.
                        step_size=FractionsOfMaxStable(
                            fractions_of_max_stable=(0.0125, 0.03, 0.07, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
                        ),
                        # Runs from the smallest scales take up to 4·10⁷ of the smallest steps.
                        stopping=Stopping(loss_tolerance=1e-10, max_steps=100_000_000),
                    ),
                }
            ),
        )
    }
)
"""Every preset, by name."""
