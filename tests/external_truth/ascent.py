"""Sharpness-aware minimisation, trained as whole specs of u∘v: the lines of two ascents in the notebook of 2022.

A slow loop of the tests trains the same (`tests.reference.sharpness_aware`).
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Final

import numpy as np

from tests.external_truth.problem import SAM, trained, uniform
from tests.external_truth.row import EXACT, Row
from tests.reference.sharpness_aware import Ascent

STEPS: Final = 10_001

Setting = tuple[int, float, float, str]
"""Thirty times γ, a, ρ, and the test loss as printed."""

MEAN_ASCENT: Final[Sequence[Setting]] = (
    (5, 0.1, 0.01, "0.015143589149560101"),
    (5, 0.1, 0.03, "0.01532189739609112"),
    (5, 0.1, 0.1, "0.01598195225147282"),
    (5, 0.1, 0.3, "0.018241642036376265"),
    (5, 0.1, 1.0, "0.03606494489010675"),
    (10, 0.1, 0.001, "0.015756677115280553"),
    (10, 0.1, 0.003, "0.015774538224235406"),
    (10, 0.1, 0.01, "0.01583739124793595"),
    (10, 0.1, 0.03, "0.016019930687941112"),
    (10, 0.1, 0.1, "0.016695513663723727"),
    (10, 0.1, 0.3, "0.019007119935097728"),
    (10, 0.1, 0.9, "0.032812027137658364"),
)
"""Along the gradient of the mean loss (n-SAM)."""

ASCENT_OF_EACH: Final[Sequence[Setting]] = (
    (5, 0.02, 0.01, "4.663830742908966e-4"),
    (5, 0.02, 0.03, "2.3853572282255735e-4"),
    (5, 0.02, 0.1, "1.5396958089444108e-5"),
    (5, 0.02, 0.3, "0.024183218285324055"),
    (10, 0.1, 0.03, "9.127933293039658e-3"),
    (10, 0.1, 0.1, "1.5235412218010903e-3"),
    (10, 0.1, 0.15, "2.5260386614471894e-4"),
    (10, 0.1, 0.2, "1.5622244035909675e-5"),
    (10, 0.1, 0.3, "1.316634050881677e-8"),
    (15, 0.1, 0.001, "0.016174901502986682"),
    (15, 0.1, 0.003, "0.015641003537756094"),
    (15, 0.1, 0.01, "0.013855445463941646"),
    (15, 0.1, 0.03, "0.009469059057662111"),
    (15, 0.1, 0.1, "0.0015339774886805526"),
    (15, 0.1, 0.3, "6.350068450874803e-9"),
    (15, 0.1, 0.9, "nan"),
)
"""Along each sample's own gradient (1-SAM)."""

NEARLY_NOTHING: Final = 1e-6
"""Test losses of 1e-8 after 10,001 steps: a start that is moved by a relative 1e-15 moves them by up to 6e-7."""


def test_loss(setting: Setting, *, each_sample: bool) -> float:
    """Of the whole spec of a setting. That of 1-SAM has 2ρ: its loss of a sample is r_k², ours ½r_k²."""
    thirtieths, scale, radius, _ = setting
    along = {"ascent": "sample", "rho": 2 * radius} if each_sample else {"rho": radius}
    done = trained(SAM, STEPS, step_size=thirtieths / 30, start=uniform(scale), optimizer={"kind": "sam"} | along)
    loss = done.summaries[0]["test_loss"]
    return math.nan if loss is None else float(loss)


def looped(settings: Sequence[Setting], *, each_sample: bool) -> list[float]:
    """The test loss of each setting after `STEPS` steps of the slow loop."""
    step_size, scale, radius, _ = (np.array(column) for column in zip(*settings, strict=True))
    ascent = Ascent(X=SAM.X, y=SAM.y, step_size=step_size / 30, init_scale=scale, radius=radius)
    with np.errstate(all="ignore"):  # one diverges
        found: list[float] = SAM.test_loss(ascent.predictors(STEPS, each_sample=each_sample)).tolist()
    return found


@cache
def rows() -> list[Row]:
    """Both ascents."""
    return [*_rows("n-SAM", MEAN_ASCENT, each_sample=False), *_rows("1-SAM", ASCENT_OF_EACH, each_sample=True)]


def _rows(name: str, settings: Sequence[Setting], *, each_sample: bool) -> list[Row]:
    return [
        Row(
            what=f"{name}, γ = {Fraction(thirtieths, 30)}, a = {scale:g}, ρ = {radius:g}",
            printed=printed,
            ours=test_loss((thirtieths, scale, radius, printed), each_sample=each_sample),
            tolerance=NEARLY_NOTHING if float(printed) < 1e-7 else EXACT,
        )
        for thirtieths, scale, radius, printed in settings
    ]


@cache
def change_rows() -> list[Row]:
    """10,001 steps of one and as many of the other, at γ = 1/30; the radii are those of the code, not those printed."""
    plain, wide, narrow = (_at_a_thirtieth(radius) for radius in (0.0, 10.0, 0.175))
    erm = plain.layers(STEPS, each_sample=False)
    sam = narrow.layers(STEPS, each_sample=True)
    ends = {
        "descent, then 1-SAM, ρ = 10": ("0.00014269229669575567", wide.layers(STEPS, each_sample=True, start=erm)),
        "1-SAM, ρ = .175": ("0.0001245758657536336", sam),
        "1-SAM, ρ = .175, then descent": ("9.834845199886545e-05", plain.layers(STEPS, each_sample=False, start=sam)),
    }
    return [
        Row(what=what, printed=printed, ours=float(SAM.test_loss(u * v)[0]), tolerance=EXACT)
        for what, (printed, (u, v)) in ends.items()
    ]


def _at_a_thirtieth(radius: float) -> Ascent:
    one = np.ones(1)
    return Ascent(X=SAM.X, y=SAM.y, step_size=one / 30, init_scale=0.1 * one, radius=radius * one)


def at_equal_steps() -> list[tuple[float, float]]:
    """ρ and the test loss of n-SAM at γ = 15/30, where the notebook has the line of γ = 10/30."""
    radii = [setting[2] for setting in MEAN_ASCENT if setting[0] == 10]
    return [(radius, test_loss((15, 0.1, radius, ""), each_sample=False)) for radius in radii]
