"""The figures of Nacson et al. 2022."""

from typing import Final

from core.presets.preset import WARMUP_STEPS, Parts, Preset, counts, described, fractions, log_spaced, values
from core.spec.experiment_spec import (
    DiagonalModel,
    NormalInitialization,
    SparseRegression,
    Stopping,
    UniformInitialization,
    UVModel,
)
from core.spec.optimizers import FractionsOfMaxStable, GradientDescent
from core.spec.swept import Range, Values

DATA: Final = SparseRegression(kind="sparse_regression")

QUICK_STOPPING: Final = Stopping(loss_tolerance=1e-7)
FULL_STOPPING: Final = Stopping(loss_tolerance=1e-10, max_steps=100_000_000)
"""Runs from the smallest scales take up to 4·10⁷ of the smallest steps."""

RIDING_WARMUP_STEPS: Final = 20_000
"""Short enough that runs cross 2/η before they have interpolated so closely that they leave late, and with a jump."""

ABRUPT_WARMUP_STEPS: Final = 1_000
"""So short that runs are still moving when they meet 2/η: without a mean no later move lowers the risk."""

QUICK_FRACTIONS: Final = fractions(0.0125, 0.1, 0.3, 0.6, 0.8, 0.9, 0.98)
FULL_FRACTIONS: Final = fractions(0.0125, 0.03, 0.07, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
"""The smallest of both is η = 1e-4 on the default data, the smallest of the paper's."""


def _fan(
    scales: Values[float] | Range[float],
    step_size: Values[float] | FractionsOfMaxStable,
    stopping: Stopping,
    *,
    warmup_steps: int = WARMUP_STEPS,
    **parts: object,
) -> Parts:
    """Scales by step sizes with a slow warm-up, on the default data unless others are given."""
    return {
        "data": DATA,
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=step_size, warmup_steps=warmup_steps),
        "stopping": stopping,
    } | parts


def _normal(scales: Values[float] | Range[float]) -> NormalInitialization:
    return NormalInitialization(kind="normal", scale=scales)


def _of_mean(*means: float) -> SparseRegression:
    return SparseRegression(kind="sparse_regression", mean=values(*means))


PAPER: Final[tuple[Preset, ...]] = (
    described(
        "figure-1",
        "A large step size does the work of a small initialisation",
        "Risk against the initialisation scale, one line for each step size: with small steps the limit moves from "
        "least ℓ1 to least ℓ2 norm as the scale grows; close to the largest stable step size it is near least ℓ1 norm "
        "for every scale (figure 1 of Nacson et al. 2022).",
        figures=("risk", "excess-risk", "effective-init", "stability"),
        demo=_fan(
            values(0.001, 0.0032, 0.01, 0.0215, 0.0464, 0.1, 0.17, 0.3, 0.55, 1.0, 1.75, 3.0),
            values(0.001, 0.003, 0.005, 0.007, 0.0079),
            Stopping(loss_tolerance=1e-8),
        ),
        quick=_fan(
            log_spaced(1e-3, 3.0, 16),
            fractions(0.0125, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.96, 0.99),
            Stopping(loss_tolerance=1e-8),
        ),
        full=_fan(log_spaced(1e-3, 3.0, 20), FULL_FRACTIONS, FULL_STOPPING),
    ),
    described(
        "figure-2",
        "Sharpness rides the stability threshold",
        "Sharpness at the end, its bounds, the stability measure and the weighted norm against the step size, one "
        "panel for each scale: a plateau, then the line 2/η down to the flattest interpolator, where stability measure "
        "and weighted norm meet (figure 2 of Nacson et al. 2022).",
        figures=("stability", "risk"),
        quick=_fan(
            values(0.1, 0.3, 1.0),
            fractions(
                0.0125,
                0.025,
                0.05,
                0.07,
                0.1,
                0.14,
                0.2,
                0.28,
                0.38,
                0.5,
                0.62,
                0.74,
                0.84,
                0.92,
                0.97,
                0.985,
                1.02,
                1.1,
            ),
            QUICK_STOPPING,
            warmup_steps=RIDING_WARMUP_STEPS,
        ),
        full=_fan(
            values(0.03, 0.1, 0.3, 1.0),
            fractions(
                *(0.0125, 0.018, 0.025, 0.035, 0.05, 0.07, 0.1, 0.14, 0.2, 0.25, 0.3, 0.36, 0.43, 0.5, 0.57, 0.64),
                *(0.71, 0.78, 0.84, 0.89, 0.93, 0.96, 0.98, 0.99, 1.01, 1.02, 1.05, 1.1),
            ),
            FULL_STOPPING,
            warmup_steps=RIDING_WARMUP_STEPS,
        ),
    ),
    described(
        "figure-3",
        "Centred data feel the step size little, data far off centre strongly",
        "Figure 1 at data mean 0 and 10: without a mean a large step size hardly lowers the risk, with a large mean it "
        "does more than at mean 5 (figure 3 of Nacson et al. 2022).",
        figures=("risk",),
        quick=_fan(log_spaced(1e-2, 3.0, 8), QUICK_FRACTIONS, QUICK_STOPPING, data=_of_mean(0.0, 10.0)),
        full=_fan(log_spaced(1e-3, 3.0, 20), FULL_FRACTIONS, FULL_STOPPING, data=_of_mean(0.0, 5.0, 10.0)),
    ),
    described(
        "figure-3-centred",
        "Without a mean a large step size may lower the risk a little",
        "Figure 1 at data mean 0, with a short warm-up and moderate scales, where the mild drop of figure 3 of Nacson "
        "et al. 2022 is seen: on some data sets, as on that of seed 0, and not in the median over them.",
        figures=("risk",),
        quick=_fan(
            log_spaced(0.3, 1.5, 8),
            fractions(0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4),
            QUICK_STOPPING,
            warmup_steps=ABRUPT_WARMUP_STEPS,
            data=_of_mean(0.0),
        ),
        full=_fan(
            log_spaced(0.1, 3.0, 20),
            fractions(0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6),
            FULL_STOPPING,
            warmup_steps=ABRUPT_WARMUP_STEPS,
            data=_of_mean(0.0),
        ),
    ),
    described(
        "figure-4",
        "Deeper networks",
        "Figure 1 at depth 3 and 4: a larger step size improves the risk but does not reach the least ℓ1 norm; runs "
        "from small scales stay near the saddle at zero beyond any budget (figure 4 of Nacson et al. 2022).",
        figures=("risk", "stability"),
        quick=_fan(
            log_spaced(5e-2, 3.0, 8),
            fractions(0.1, 0.3, 0.6, 0.8, 0.9, 0.98, 1.02),
            Stopping(loss_tolerance=1e-6, max_steps=1_500_000),
            model=DiagonalModel(depth=counts(3, 4)),
        ),
        full=_fan(
            log_spaced(1e-2, 3.0, 20),
            FULL_FRACTIONS,
            Stopping(loss_tolerance=1e-10, max_steps=100_000_000),
            model=DiagonalModel(depth=counts(3, 4)),
        ),
    ),
    described(
        "figure-5",
        "Untied weights",
        "Figure 1 for the UV model β = u₊v₊ − u₋v₋, whose sharpness is half that of the squared model "
        "(figure 5 of Nacson et al. 2022).",
        figures=("risk", "effective-init"),
        quick=_fan(log_spaced(1e-2, 3.0, 10), QUICK_FRACTIONS, QUICK_STOPPING, model=UVModel(kind="uv")),
        full=_fan(log_spaced(1e-3, 3.0, 20), FULL_FRACTIONS, FULL_STOPPING, model=UVModel(kind="uv")),
    ),
    described(
        "figure-6",
        "Random initialisation",
        "Figure 1 from u₊ = u₋ = α·z with normal z (appendix E, figure 6 of Nacson et al. 2022).",
        figures=("risk", "effective-init"),
        quick=_fan(
            log_spaced(1e-2, 3.0, 10),
            QUICK_FRACTIONS,
            QUICK_STOPPING,
            initialization=_normal(log_spaced(1e-2, 3.0, 10)),
        ),
        full=_fan(
            log_spaced(1e-3, 3.0, 20),
            FULL_FRACTIONS,
            FULL_STOPPING,
            initialization=_normal(log_spaced(1e-3, 3.0, 20)),
        ),
    ),
)
"""Figures 1 to 6."""
