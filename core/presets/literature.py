"""What other papers on diagonal linear networks show, as experiments."""

from typing import Final

from core.data.features import FeatureLaw
from core.descent.ascent import AscentAlong
from core.descent.schedule import ScheduleKind
from core.presets.preset import Parts, Preset, counts, described, log_spaced, values
from core.record_plan import Spacing as RecordSpacing
from core.record_plan import VectorQuantity
from core.spec.experiment_spec import (
    DiagonalModel,
    InlineData,
    ParametersInitialization,
    ProductModel,
    Recording,
    SparseRegression,
    Stopping,
    UniformInitialization,
    UVModel,
)
from core.spec.optimizers import (
    EffectiveStepSizes,
    GradientDescent,
    HeavyBall,
    LabelNoiseDescent,
    MultiplesOf,
    SharpnessAwareDescent,
    StepUnit,
    StochasticGradientDescent,
)
from core.spec.swept import Range, Spacing, Values

END: Final = Recording(points=1)
"""Of each run its end alone."""

AVERAGES: Final = (VectorQuantity.PREDICTOR, VectorQuantity.TIME_AVERAGE)
"""What plateaus, and the distance from the lasso, are found from."""

STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.5, 0.7, 1.0, 1.2, 1.3, 1.4, 1.5, 1.6, 1.65, 1.75)
"""Up to where single samples diverge, and up to the largest stable one of full batches."""


MEAN_SQUARE_STEPS: Final = (
    *(0.05, 0.07, 0.1, 0.14, 0.2, 0.24, 0.28, 0.32, 0.34, 0.36, 0.4, 0.46, 0.52, 0.56, 0.6),
    *(0.64, 0.7, 0.8, 0.9, 1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6),
)
"""Close to one another where batches of 1, 2, 5 and 20 samples begin to diverge."""


def _isotropic(samples: int, dimension: int, sparsity: int, **more: object) -> SparseRegression:
    """Features of mean 0 and variance 1, without noise unless there is more."""
    laws = {"mean": 0.0, "variance": 1.0, "noise_variance": 0.0} | more
    numbers = {"samples": samples, "dimension": dimension, "sparsity": sparsity}
    return SparseRegression.model_validate({"kind": "sparse_regression"} | numbers | laws)


def _regimes(data: SparseRegression, depths: Values[int], scales: Range[float], max_steps: int) -> Parts:
    return {
        "data": data,
        "model": DiagonalModel(depth=depths),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=MultiplesOf(multiples_of=StepUnit.FLOW, values=(0.05,))),
        "stopping": Stopping(loss_tolerance=1e-6, max_steps=max_steps),
        "recording": END,
    }


def _shapes(data: SparseRegression, scales: Range[float]) -> Parts:
    """Steps so small that descent is the flow; α² is what the paper calls α."""
    return {
        "data": data,
        "model": UVModel(kind="uv", shape=values(0.0, 0.5, 0.7, 0.9, 0.99)),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=MultiplesOf(multiples_of=StepUnit.FLOW, values=(0.02,))),
        "stopping": Stopping(loss_tolerance=1e-8, max_steps=10_000_000),
        "recording": END,
    }


def _early(data: SparseRegression, scales: Values[float], steps: int) -> Parts:
    return {
        "data": data,
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=0.05),
        "stopping": Stopping(steps=steps),
        "recording": Recording(points=300, sensitivity=False),
    }


def _shape_of_noise(variances: Values[float], scales: Values[float], steps: Values[int]) -> Parts:
    """β = u₊², which u₋ = 0 makes of the squared model, and positive entries of 1."""
    return {
        "data": _isotropic(40, 100, 5, true_norm=5**0.5),
        "initialization": ParametersInitialization(kind="parameters", scale=scales, u_plus=1.0, u_minus=0.0),
        "optimizer": LabelNoiseDescent(
            kind="label_noise", step_size=0.005, noise_variance=variances, noise_steps=steps
        ),
        "stopping": Stopping(loss_tolerance=1e-6, max_steps=1_500_000),
        "recording": Recording(points=1, sensitivity=False),
    }


def _minibatches(
    data: SparseRegression, sizes: Values[int], scales: Values[float] | Range[float], steps: Values[float], seeds: int
) -> Parts:
    return {
        "data": data,
        "model": ProductModel(kind="uv_product"),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": StochasticGradientDescent(
            kind="sgd", batch_size=sizes, step_size=steps, seed=counts(*range(seeds))
        ),
        "stopping": Stopping(loss_tolerance=1e-8, max_steps=2_000_000),
        "recording": Recording(points=1, sensitivity=False),
    }


def _ascents(ascent: AscentAlong, radii: Values[float] | Range[float], steps: Values[float], seeds: int) -> Parts:
    """The ρ of single samples is twice that of the paper, whose loss of a sample is r_k²."""
    return {
        "data": _isotropic(20, 30, 3, seed=counts(*range(seeds))),
        "model": ProductModel(kind="uv_product"),
        "initialization": UniformInitialization(scale=0.1),
        "optimizer": SharpnessAwareDescent(kind="sam", ascent=ascent, rho=radii, step_size=steps),
        "stopping": Stopping(loss_tolerance=1e-6, max_steps=200_000),
        "recording": Recording(points=1, sensitivity=False),
    }


def _large_steps(steps: Values[float], falls: Values[int], seeds: int) -> Parts:
    """Minibatches of one sample; the step size falls to a fifth over so many of 100,000 steps.

    At the smaller ones a loss of 1e-4 may be what they end with, however long they go on.
    """
    return {
        "data": _isotropic(80, 200, 20),
        "model": ProductModel(kind="uv_product"),
        "initialization": UniformInitialization(scale=0.1),
        "optimizer": StochasticGradientDescent(
            kind="sgd",
            batch_size=1,
            step_size=steps,
            seed=counts(*range(seeds)),
            schedule=ScheduleKind.EXPONENTIAL,
            schedule_steps=falls,
            schedule_factor=0.2,
        ),
        "stopping": Stopping(loss_tolerance=1e-4, steps=100_000),
        "recording": Recording(points=1, sensitivity=False),
    }


def _mean_squares(scale: float, steps: tuple[float, ...], sizes: Values[int], seeds: int) -> Parts:
    parts = _minibatches(_isotropic(20, 30, 3), sizes, values(scale), values(*steps), seeds)
    return {**parts, "stopping": Stopping(loss_tolerance=1e-8, max_steps=500_000)}


def _momenta(momenta: Values[float], effective: tuple[float, ...], scales: Values[float], seeds: int) -> Parts:
    return {
        "data": _isotropic(20, 30, 3, seed=counts(*range(seeds))),
        "model": ProductModel(kind="uv_product"),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": HeavyBall(
            kind="heavy_ball", momentum=momenta, step_size=EffectiveStepSizes(effective_step_sizes=effective)
        ),
        "stopping": Stopping(loss_tolerance=1e-10, max_steps=10_000_000),
        "recording": Recording(points=1, sensitivity=False),
    }


def _saddles(scales: Values[float], step_size: float, steps: int) -> Parts:
    """An example that can be solved by hand; records are evenly spaced in time."""
    return {
        "data": InlineData(kind="inline", X=((1.0, 0.5, 0.7, 0.0), (0.5, 1.0, 0.1, 0.7)), y=(1.0, 0.0)),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=step_size),
        "stopping": Stopping(steps=steps),
        "recording": Recording(points=1000, spacing=RecordSpacing.LINEAR, sensitivity=False, vectors=AVERAGES),
    }


def _lasso_paths(scales: Values[float], seeds: int, points: int) -> Parts:
    """X and y ~ N(0, 1): a β* of nearly nothing, and noise.

    In u₊ and u₋, which keep what u and v of u∘v lose to rounding: u − v of 1e-20 beside u + v of 1.
    """
    return {
        "data": _isotropic(3, 4, 1, true_norm=1e-9, noise_variance=1.0, seed=counts(*range(seeds))),
        "initialization": UniformInitialization(scale=scales),
        "optimizer": GradientDescent(step_size=MultiplesOf(multiples_of=StepUnit.FLOW, values=(0.05,))),
        "stopping": Stopping(steps=300_000),
        "recording": Recording(points=points, sensitivity=False, vectors=AVERAGES),
    }


def _twins(scales: int, steps: int) -> Parts:
    """Each run beside one that starts a relative 1e-15 away."""
    return {
        "data": _isotropic(3, 5, 1),
        "model": ProductModel(kind="uv_product"),
        "initialization": UniformInitialization(scale=log_spaced(0.01, 1.0, scales)),
        "optimizer": GradientDescent(step_size=Range[float](start=2.2, stop=3.4, num=steps, spacing=Spacing.LINEAR)),
        "stopping": Stopping(max_steps=20_000),
        "recording": Recording(points=1, sensitivity=True),
    }


LITERATURE: Final[tuple[Preset, ...]] = (
    described(
        "woodworth-2020",
        "From the rich to the kernel regime",
        "Population error against the scale of the start at small steps: least ℓ1 norm at small scales, least ℓ2 norm "
        "at large ones, at depth 2 and 3 (Woodworth et al., COLT 2020).",
        figures=("risk",),
        quick=_regimes(_isotropic(40, 200, 5, noise_variance=0.01), counts(2, 3), log_spaced(1e-3, 3.0, 15), 2_000_000),
        full=_regimes(
            _isotropic(100, 1000, 5, noise_variance=0.01), counts(2, 3, 4), log_spaced(1e-3, 10.0, 25), 20_000_000
        ),
    ),
    described(
        "azulay-2021",
        "Unbalanced layers act like a larger scale",
        "Population error against the scale of untied layers, for shapes s: the more unbalanced they start, the "
        "smaller the scale at which the kernel regime begins (Azulay et al., ICML 2021).",
        figures=("risk",),
        quick=_shapes(_isotropic(40, 100, 5, noise_variance=0.01), log_spaced(1e-3, 1.0, 13)),
        full=_shapes(_isotropic(100, 1000, 5, noise_variance=0.01), log_spaced(1e-3, 1.0, 20)),
    ),
    described(
        "vaskevicius-2019",
        "Stopped early, descent from a small start finds the true predictor through noise",
        "Training loss and test loss along training of noisy sparse regression, for several scales: the smaller the "
        "scale, the lower and the longer the valley of the test loss (Vaškevičius et al., NeurIPS 2019).",
        figures=("early-stopping",),
        quick=_early(
            _isotropic(100, 1000, 5, noise_variance=0.25, true_norm=5**0.5, features=FeatureLaw.RADEMACHER),
            values(1e-1, 1e-2, 1e-3, 1e-5),
            20_000,
        ),
        full=_early(
            _isotropic(
                250, 4000, 10, noise_variance=1.0, true_norm=10**0.5, features=FeatureLaw.RADEMACHER, signs="random"
            ),
            values(1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6),
            20_000,
        ),
    ),
    described(
        "haochen-2021",
        "The shape of the noise matters: label noise finds the sparse solution",
        "β = u² from large scales under label noise: the noise leads to the sparse true predictor, from where descent "
        "without noise does not get (HaoChen et al., COLT 2021).",
        figures=("risk",),
        quick=_shape_of_noise(values(1e-6, 0.4, 4.0, 40.0), values(0.1, 0.3, 1.0), counts(30_000, 300_000)),
        full=_shape_of_noise(
            values(1e-6, 0.04, 0.4, 4.0, 40.0), values(0.03, 0.1, 0.3, 1.0), counts(30_000, 100_000, 300_000, 1_000_000)
        ),
    ),
    described(
        "pesme-2021",
        "Minibatches lower the effective initialisation",
        "Test loss against the scale of the start, for minibatches of one sample beside full batches: sampling noise "
        "acts like a smaller start (Pesme, Pillaud-Vivien and Flammarion, NeurIPS 2021).",
        figures=("risk", "effective-init"),
        quick=_minibatches(
            _isotropic(40, 100, 5), counts(1, 40), log_spaced(3e-2, 1.0, 8), values(0.01, 0.05, 0.08), 2
        ),
        full=_minibatches(
            _isotropic(40, 100, 5), counts(1, 4, 40), log_spaced(1e-2, 1.0, 15), values(0.003, 0.01, 0.03, 0.1), 20
        ),
    ),
    described(
        "andriushchenko-2022-n-sam",
        "An ascent along the mean gradient does not help",
        "Test loss of n-SAM against ρ for several step sizes, over data sets: it is that of descent, and gets worse "
        "where ρ is large (Andriushchenko and Flammarion, ICML 2022).",
        figures=("risk",),
        quick=_ascents(
            AscentAlong.FULL, values(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.9), values(1 / 6, 1 / 3, 1 / 2), 12
        ),
        full=_ascents(AscentAlong.FULL, log_spaced(1e-3, 1.0, 13), values(1 / 30, 1 / 6, 1 / 3, 1 / 2, 1.0), 50),
    ),
    described(
        "andriushchenko-2022-1-sam",
        "An ascent of each sample for itself finds sparse solutions",
        "Test loss of 1-SAM against ρ for several step sizes, over data sets: it falls by orders of magnitude, until "
        "ρ is too large (Andriushchenko and Flammarion, ICML 2022).",
        figures=("risk",),
        quick=_ascents(
            AscentAlong.SAMPLE,
            values(0.002, 0.006, 0.02, 0.06, 0.12, 0.2, 0.3, 0.4, 0.6),
            values(1 / 6, 1 / 3, 1 / 2),
            12,
        ),
        full=_ascents(AscentAlong.SAMPLE, log_spaced(1e-3, 1.0, 19), values(1 / 30, 1 / 6, 1 / 3, 1 / 2, 1.0), 50),
    ),
    described(
        "andriushchenko-2023",
        "The longer steps are large, the sparser is what SGD finds",
        "Test loss of SGD against the step size, a line for each time over which it falls: the larger the steps and "
        "the longer they are large, the sparser is the end (Andriushchenko et al., ICML 2023).",
        figures=("risk",),
        quick=_large_steps(
            values(0.05, 0.1, 0.15, 0.18, 0.2, 0.22, 0.24, 0.26, 0.28), counts(1000, 3000, 10_000, 30_000), 5
        ),
        full=_large_steps(
            values(0.05, 0.1, 0.15, 0.18, 0.19, 0.2, 0.21, 0.22, 0.23, 0.24, 0.25, 0.26, 0.27, 0.28),
            counts(1000, 3000, 10_000, 30_000, 100_000),
            40,
        ),
    ),
    described(
        "even-2023",
        "What large steps do to SGD, and what to gradient descent",
        "Test loss and effective initialisation against the step size up to divergence, for minibatches of one sample "
        "and for full batches (Even, Pesme, Gunasekar and Flammarion, NeurIPS 2023).",
        figures=("risk", "effective-init"),
        quick=_minibatches(
            _isotropic(20, 30, 3),
            counts(1, 20),
            values(0.1),
            values(*STEPS),
            3,
        ),
        full=_minibatches(
            _isotropic(20, 30, 3),
            counts(1, 5, 20),
            values(0.03, 0.1, 0.3),
            values(*STEPS, 0.03, 0.12, 0.17, 0.22, 0.27, 0.32, 0.37, 1.36, 1.45, 1.55),
            50,
        ),
    ),
    described(
        "mulayoff-2024",
        "Where SGD stops being stable in the mean square, for each batch size",
        "Sharpness at the end and 2/η_ms, which the mean square has in its place, beside 2/η, against the step size "
        "for minibatches of 1, 2, 5 and all samples (Mulayoff and Michaeli, ICML 2024).",
        figures=("stability", "risk"),
        quick=_mean_squares(0.3, MEAN_SQUARE_STEPS, counts(1, 2, 5, 20), 5),
        full=_mean_squares(0.1, MEAN_SQUARE_STEPS, counts(1, 2, 3, 5, 10, 20), 40),
    ),
    described(
        "papazov-2024",
        "Momentum and step size act through one number",
        "Test loss of heavy ball against momentum m, a line for each λ = η/(1−m)²: the smaller λ, the less m matters "
        "(Papazov, Pesme and Flammarion, AISTATS 2024).",
        figures=("risk",),
        quick=_momenta(values(0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95), (0.01, 0.1, 0.3, 1.0), values(0.1), 6),
        full=_momenta(
            values(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99),
            (0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 2.0),
            values(0.02, 0.1, 0.5),
            20,
        ),
    ),
    described(
        "berthier-2025",
        "Time averages follow the path of the lasso",
        "Loss, coordinates, and how far the time average of β is from the lasso at λ = 1/s, along rescaled time s, on "
        "data sets of three samples: it follows the path where t·|βᵢ(1/t)| grows in t, elsewhere it does not "
        "(Berthier 2025).",
        figures=("plateaus",),
        quick=_lasso_paths(values(1e-20), 21, 300),
        full=_lasso_paths(values(0.00158, 1e-5, 1e-10, 1e-20, 1e-40), 100, 300),
    ),
    described(
        "liang-2026",
        "Starts that cannot be told apart end at other limits",
        "Outcome, risk, effective initialisation and sensitivity over scale and step size near divergence: runs whose "
        "starts differ by a relative 1e-15 end elsewhere or not at all (Liang and Montúfar 2026).",
        figures=("phase",),
        quick=_twins(50, 41),
        full=_twins(160, 121),
    ),
    described(
        "zhao-2026",
        "From saddle to saddle, by hand",
        "Loss and coordinates along rescaled time, on an example whose saddles, and times at which they are left, are "
        "known exactly: the smaller the scale, the nearer (Zhao et al., ICML 2026).",
        figures=("plateaus",),
        quick=_saddles(values(1e-6, 1e-30, 1e-100), 0.005, 600_000),
        full=_saddles(values(1e-6, 1e-12, 1e-30, 1e-60, 1e-100), 0.001, 4_000_000),
    ),
)
"""In the order of their years, and then of their names."""
