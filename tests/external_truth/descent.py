"""Gradient descent on u∘v in the notebooks of two papers."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Final

import numpy as np

from tests.external_truth.problem import (
    SAM,
    SPARSE_FEATURES,
    End,
    Leg,
    Problem,
    ends,
    in_legs,
    trained,
    uniform,
)
from tests.external_truth.row import Draw, Row

SAM_LINES: Final = (
    (5, 0.1, 10_001, "0.015056044189449159"),
    (5, 0.02, 10_001, "0.0006337885714222886"),
    (10, 0.1, 10_001, "0.015747762611708224"),
    (15, 0.1, 10_001, "0.016445781003091926"),
    (1, 0.1, 10_001, "0.014865600195083558"),
    (1, 0.1, 20_002, "0.014602323023706629"),
)
"""Thirty times the step size γ, the scale a, the steps, and the test loss."""

DECAYS: Final = (
    (10_001, 4.8, ("0.44924758807701687", "3.429456662290854", "86")),
    (30_001, 3.4, ("0.4380760171039043", "3.3241534187332586", "80")),
    (50_001, 1.5, ("0.49728716986921523", "3.469221336628268", "78")),
)
"""Steps at γ = 3.53, by what γ is divided then, and test loss, ‖(u, v)‖ and nonzero entries after `LAST` steps."""

LAST: Final = 99_599

TWINS: Final = 24
"""Starts a·(1 + k·1e-11), of which the twelve digits of a spec tell each apart."""


@cache
def sam_rows() -> list[Row]:
    """The lines of descent in the notebook of Andriushchenko and Flammarion 2022."""
    return [_sam_row(*line) for line in SAM_LINES]


def _sam_row(thirtieths: int, scale: float, steps: int, printed: str) -> Row:
    (end,) = ends(SAM, trained(SAM, steps, step_size=thirtieths / 30, start=uniform(scale)))
    what = f"test loss, γ = {Fraction(thirtieths, 30)}, a = {scale:g}, {steps:,} steps"
    return Row(what=what, printed=printed, ours=end.test_loss)


@cache
def sparse_features_rows() -> list[Row]:
    """Descent of constant step size in both notebooks of Andriushchenko et al. 2023."""
    done = trained(SPARSE_FEATURES, LAST, step_size=2.0, start=uniform(0.1))
    (end,) = ends(SPARSE_FEATURES, done)
    sharpness = float(done.summaries[0]["sharpness"] or 0.0)
    (slow,) = ends(SAM, trained(SAM, 10_001, step_size=0.03, start=uniform(0.1)))
    start = SPARSE_FEATURES.train_loss(np.zeros_like(SPARSE_FEATURES.true_predictor))
    return [
        Row(what="training loss at the start", printed="0.6490066984718681", ours=start),
        Row(what="test loss, γ = 2, 99,599 steps", printed="0.16824144824688475", ours=end.test_loss),
        Row(what="‖(u, v)‖ there", printed="2.8749151062392273", ours=end.norm),
        Row(what="‖abs(u) − abs(v)‖ there", printed="0.43518739406748264", ours=end.balance),
        Row(what="entries of u∘v that are not zero", printed="100", ours=end.nonzero, tolerance=None),
        Row(what="2λ there, by another loop; stable below 2", printed="1.97", ours=2 * sharpness, tolerance=None),
        Row(
            what="n = 20, d = 30: training loss, γ = .03, 10,001 steps",
            printed="4.902335457375223e-06",
            ours=slow.train_loss,
        ),
        Row(what="test loss there", printed="0.014909591370857017", ours=slow.test_loss),
    ]


@cache
def decay_draws() -> list[Draw]:
    """Descent beyond the edge of stability until γ is divided once: rounding decides where it is then."""
    draws = []
    for steps, decay, printed in DECAYS:
        found = _twins(SPARSE_FEATURES, (steps, 3.53), (LAST - steps, 3.53 / decay))
        names = (f"test loss, decay by {decay:g} after {steps:,} steps", "‖(u, v)‖ there", "entries that are not zero")
        values = [(end.test_loss, end.norm, float(end.nonzero)) for end in found]
        draws += [
            Draw(what=what, printed=text, draws=column)
            for what, text, column in zip(names, printed, zip(*values, strict=True), strict=True)
        ]
    found = _twins(SAM, (5001, 3.0), (5000, 1.0))
    return [
        *draws,
        Draw(
            what="n = 20, d = 30: training loss, γ = 3, then 1",
            printed="1.6436803027068225e-10",
            draws=[end.train_loss for end in found],
        ),
        Draw(what="test loss there", printed="0.12648761921433635", draws=[end.test_loss for end in found]),
    ]


def _twins(problem: Problem, *legs: Leg) -> Sequence[End]:
    """Where starts end that differ in the eleventh digit, after legs of some steps of some size."""
    return ends(problem, in_legs(problem, legs, start=uniform(*(0.1 * (1 + twin * 1e-11) for twin in range(TWINS)))))
