"""Statements of the paper that have no figure there: depth, SGD, random starts, other laws, frequencies over seeds."""

from typing import Final

from core.data.features import FeatureLaw
from core.presets.beyond import COARSE, FINE, complexity
from core.presets.paper import DATA
from core.presets.preset import WARMUP_STEPS, Parts, Preset, counts, described, fractions, log_spaced, values
from core.spec.experiment_spec import (
    DiagonalModel,
    NormalInitialization,
    Recording,
    SparseRegression,
    Stopping,
    UniformInitialization,
)
from core.spec.optimizers import FractionsOfMaxStable, GradientDescent, StochasticGradientDescent
from core.spec.swept import Range, Values


def _depths(depths: Values[int], scales: Values[float], step_sizes: FractionsOfMaxStable, max_steps: int) -> Parts:
    return {
        "data": DATA,
        "model": DiagonalModel(depth=depths),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=step_sizes, warmup_steps=WARMUP_STEPS),
        "stopping": Stopping(loss_tolerance=1e-6, max_steps=max_steps),
        "recording": Recording(points=1),
    }


def _minibatches(
    sizes: Values[int], scales: Values[float] | Range[float], step_sizes: FractionsOfMaxStable, tolerance: float
) -> Parts:
    return {
        "data": DATA,
        "initialization": UniformInitialization(scale=scales),
        "optimizer": StochasticGradientDescent(
            kind="sgd", batch_size=sizes, step_size=step_sizes, warmup_steps=WARMUP_STEPS
        ),
        "stopping": Stopping(loss_tolerance=tolerance, max_steps=2_000_000),
        "recording": Recording(points=1),
    }


def _starts(seeds: int, scales: Values[float], step_sizes: FractionsOfMaxStable) -> Parts:
    return {
        "data": DATA,
        "initialization": NormalInitialization(
            kind="normal", scale=scales, independent=True, seed=counts(*range(seeds))
        ),
        "optimizer": GradientDescent(step_size=step_sizes, warmup_steps=WARMUP_STEPS),
        "stopping": Stopping(loss_tolerance=1e-6, max_steps=5_000_000),
        "recording": Recording(points=1),
    }


def _frequencies(samples: Values[int], depths: Values[int], seeds: int) -> Parts:
    """Data without noise in 100 dimensions; runs of one step, for all that is counted is known before training."""
    return {
        "data": SparseRegression(
            kind="sparse_regression", samples=samples, noise_variance=0.0, seed=counts(*range(seeds))
        ),
        "model": DiagonalModel(depth=depths),
        "initialization": UniformInitialization(scale=0.1),
        "optimizer": GradientDescent(step_size=fractions(0.5)),
        "stopping": Stopping(steps=1),
        "recording": Recording(points=0),
    }


STATEMENTS: Final[tuple[Preset, ...]] = (
    described(
        "depth",
        "Depth against a large step size",
        "Test loss against depth: a large step size asks for a small weighted ℓ_(2−2/D) norm, which is the less sparse "
        "the deeper the network, as small parameters would ask for a small ℓ_(2/D) norm (section 6 of Nacson et al. "
        "2022).",
        figures=("depth",),
        quick=_depths(counts(2, 3, 4, 5, 6), values(0.5), fractions(0.1, 0.5, 0.9), 1_000_000),
        full=_depths(counts(2, 3, 4, 5, 6, 8, 10), values(0.3, 0.5, 0.8), fractions(0.1, 0.5, 0.9, 0.98), 20_000_000),
    ),
    described(
        "sgd",
        "Minibatches obey the same bound",
        "Figure 1 for SGD: where a run converges its sharpness is at most 2/η, so that a large step size lowers the "
        "risk as it does for gradient descent (after lemma 2.3 of Nacson et al. 2022).",
        figures=("risk", "stability"),
        quick=_minibatches(counts(25, 40), values(0.03, 0.3, 1.0), fractions(0.1, 0.3, 0.6), 1e-5),
        full=_minibatches(counts(5, 10, 25, 40), log_spaced(1e-2, 3.0, 10), fractions(0.1, 0.3, 0.6, 0.8, 0.9), 1e-8),
    ),
    described(
        "random-starts",
        "Stable step sizes converge from random starts",
        "Assumption 5.4 of Nacson et al. 2022, asked of random starts of both signs: how many runs converge below the "
        "largest stable step size, and that none does above it.",
        figures=("phase", "risk"),
        quick=_starts(6, values(0.1, 1.0), fractions(0.5, 0.9, 0.98, 1.02)),
        full=_starts(50, values(0.01, 0.1, 0.3, 1.0, 3.0), fractions(0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.02)),
    ),
    described(
        "theorem-5.2-rademacher",
        "The flattest interpolator of ±1 features needs few samples as well",
        "Theorem 5.2 of Nacson et al. 2022 is about sub-Gaussian data: the same with features μ ± σ.",
        figures=("sample-complexity",),
        quick=complexity(counts(20, 40, 80, 160), counts(8), values(5.0), 2, COARSE, law=FeatureLaw.RADEMACHER),
        full=complexity(
            counts(20, 30, 45, 65, 100, 150),
            counts(1, 2, 5, 10),
            values(2.0, 5.0, 10.0),
            10,
            FINE,
            law=FeatureLaw.RADEMACHER,
        ),
    ),
    described(
        "frequencies",
        "How often what holds with high probability holds",
        "Over data seeds, against samples and depth: how often means and second moments have concentrated (lemmas D.4 "
        "and D.5 of Nacson et al. 2022), lemma 5.1 holds, and least ℓ1 norm and least sharpness recover β* exactly "
        "(section 5). The counts stand in the report.",
        figures=("sample-complexity",),
        quick=_frequencies(counts(10, 15, 20, 30, 50, 90), counts(2, 3), 8),
        full=_frequencies(counts(10, 12, 15, 20, 25, 30, 40, 50, 70, 90, 400, 3000), counts(2, 3, 4), 20),
    ),
)
"""In the order of the sections."""
