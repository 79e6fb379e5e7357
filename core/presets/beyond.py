"""The theorem on sample complexity by runs, and experiments that the paper does not show."""

from typing import Final

from core.data.features import FeatureLaw
from core.presets.paper import DATA
from core.presets.preset import WARMUP_STEPS, Parts, Preset, counts, described, fractions, log_spaced, values
from core.spec.experiment_spec import (
    DiagonalModel,
    Recording,
    SparseRegression,
    Stopping,
    UniformInitialization,
)
from core.spec.optimizers import GradientDescent, LabelNoiseDescent, LargestConvergent, StepBracket
from core.spec.swept import Values

COARSE: Final = StepBracket(lower=0.9, upper=1.02, resolution=0.05)
FINE: Final = StepBracket(lower=0.9, upper=1.02, resolution=0.005)
"""How closely the largest step size that converges is looked for."""


def complexity(  # noqa: PLR0913 - the axes of the preset, and how it is sought
    samples: Values[int],
    sparsity: Values[int],
    mean: Values[float],
    seeds: int,
    bracket: StepBracket,
    *,
    law: FeatureLaw = FeatureLaw.GAUSSIAN,
) -> Parts:
    """Data without noise in 200 dimensions, on each one run at the largest step size that converges."""
    return {
        "data": SparseRegression(
            kind="sparse_regression",
            samples=samples,
            dimension=200,
            sparsity=sparsity,
            mean=mean,
            noise_variance=0.0,
            seed=counts(*range(seeds)),
            features=law,
        ),
        "initialization": UniformInitialization(scale=0.03),
        "optimizer": GradientDescent(
            step_size=LargestConvergent(largest_convergent=bracket),
            warmup_steps=WARMUP_STEPS // 2,
        ),
        "stopping": Stopping(loss_tolerance=1e-6, max_steps=1_000_000),
        "recording": Recording(points=1),
    }


def _warmups(scales: Values[float], steps: Values[int], step_sizes: tuple[float, ...]) -> Parts:
    return {
        "data": DATA,
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=fractions(*step_sizes), warmup_steps=steps),
        "stopping": Stopping(loss_tolerance=1e-6, max_steps=5_000_000),
    }


def _edge(depths: Values[int], scales: Values[float], step_sizes: tuple[float, ...]) -> Parts:
    """Without warm-up or nearly so, with many records: how sharpness climbs to 2/η and stays there."""
    return {
        "data": DATA,
        "model": DiagonalModel(depth=depths),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=fractions(*step_sizes), warmup_steps=20_000),
        "stopping": Stopping(loss_tolerance=1e-8, max_steps=3_000_000),
        "recording": Recording(points=400),
    }


def _phases(scales: int, step_sizes: tuple[float, ...], tolerance: float) -> Parts:
    return {
        "data": DATA,
        "initialization": UniformInitialization(scale=log_spaced(1e-2, 3.0, scales)),
        "optimizer": GradientDescent(step_size=fractions(*step_sizes), warmup_steps=WARMUP_STEPS),
        "stopping": Stopping(loss_tolerance=tolerance),
    }


def _means(means: Values[float], scales: Values[float], step_sizes: tuple[float, ...], seeds: int) -> Parts:
    """Data of variance 1, so that the mean is μ/σ: those of the paper in another unit of length."""
    return {
        "data": SparseRegression(
            kind="sparse_regression", mean=means, variance=1.0, noise_variance=0.002, seed=counts(*range(seeds))
        ),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=fractions(*step_sizes), warmup_steps=20_000),
        "stopping": Stopping(loss_tolerance=1e-7, max_steps=5_000_000),
        "recording": Recording(points=1),
    }


def _label_noise(scales: Values[float], variances: Values[float], steps: Values[int], seeds: int) -> Parts:
    return {
        "data": SparseRegression(kind="sparse_regression", mean=0.0, seed=counts(*range(seeds))),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": LabelNoiseDescent(
            kind="label_noise", step_size=0.01, noise_variance=variances, noise_steps=steps, warmup_steps=0
        ),
        "stopping": Stopping(loss_tolerance=1e-8, max_steps=5_000_000),
    }


BEYOND: Final[tuple[Preset, ...]] = (
    described(
        "theorem-5.2",
        "The flattest interpolator needs few samples",
        "Excess risk of the flattest interpolator, and of gradient descent at the largest step size that converges, "
        "relative to that of β = 0, against the number of samples, for several sparsities k and data means; it falls "
        "as ζ²k/N up to logarithms with ζ = 1 + σ²/μ² (theorem 5.2 and corollary 5.5 of Nacson et al. 2022).",
        figures=("sample-complexity",),
        quick=complexity(counts(20, 40, 80, 160), counts(2, 8), values(5.0, 2.0), 2, COARSE),
        full=complexity(counts(20, 30, 45, 65, 100, 150), counts(1, 2, 5, 10), values(2.0, 5.0, 10.0), 10, FINE),
    ),
    described(
        "warmup",
        "When a warm-up is needed",
        "Outcome and risk against the length of the warm-up at large step sizes, for several scales: not needed at "
        "moderate scales, needed at large ones.",
        figures=("risk", "phase"),
        quick=_warmups(values(0.1, 0.3, 1.0, 2.0, 3.0), counts(0, 30, 100, 1000, 10_000, 100_000), (0.5, 0.9)),
        full=_warmups(
            values(0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0),
            counts(0, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000),
            (0.5, 0.7, 0.9, 0.97),
        ),
    ),
    described(
        "edge-of-stability",
        "The edge of stability",
        "Loss and sharpness along training: sharpness meets the threshold 2/η of the growing step size and rides it "
        "until the step size is full.",
        figures=("trajectory", "stability"),
        quick=_edge(counts(2, 3), values(0.3, 1.0), (0.1, 0.4, 0.8)),
        full=_edge(counts(2, 3, 4), values(0.1, 0.3, 1.0), (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)),
    ),
    described(
        "phase-diagram",
        "Scale and step size together",
        "Outcome, risk and effective initialisation over scale and step size, up to and beyond the largest stable one.",
        figures=("phase", "risk", "effective-init"),
        quick=_phases(12, (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96, 1.03, 1.1), 1e-6),
        full=_phases(30, tuple(round(0.02 * k, 2) for k in range(1, 56)), 1e-8),
    ),
    described(
        "data-mean",
        "How far off centre data must be for a large step size to help",
        "Risk over that of gradient flow from the same start, against the data mean in standard deviations and the "
        "step size, with the boundary between gain and loss: the smaller the mean the less a larger step helps, and "
        "below the boundary it harms.",
        figures=("gain",),
        quick=_means(
            values(0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 1.0),
            values(0.3),
            (0.2, 0.3, 0.5, 0.7, 0.9, 0.98),
            20,
        ),
        full=_means(
            values(0.0, 0.05, 0.1, 0.15, 0.2, 0.225, 0.25, 0.275, 0.3, 0.35, 0.4, 0.5, 0.7, 1.0, 2.0),
            values(0.1, 0.3, 1.0),
            (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98),
            40,
        ),
    ),
    described(
        "label-noise",
        "Label noise is another mechanism than the step size",
        "Label-noise descent on centred data, where large steps do not help: the noise takes the risk to that of the "
        "interpolator of least trace, far below that of the flattest one.",
        figures=("risk",),
        quick=_label_noise(values(1.0), values(0.01, 0.1, 1.0, 4.0), counts(20_000, 80_000, 380_000), 1),
        full=_label_noise(
            values(0.1, 0.3, 1.0, 3.0),
            values(0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0),
            counts(10_000, 30_000, 100_000, 380_000, 1_000_000),
            3,
        ),
    ),
)
"""Theorem 5.2, and what goes beyond the paper."""
