"""Random problems that are not nice, and runs on them from everywhere at every step size."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.data.regression import Dataset
from core.descent.kernel import chosen
from core.descent.optimizers import FullBatch, LabelNoise
from core.errors import NoInterpolator
from core.interpolators.flattest import flattest_interpolator
from core.networks.initialization import normal_scales, uniform_scales
from core.networks.network import UV, Diagonal, Network
from core.randomness import stream
from core.training.problem import NeverStable, Problem
from core.training.training_run import TrainingRun

NETWORKS: Final[tuple[tuple[Network, float], ...]] = (
    (Diagonal(2), 0.45),
    (UV(), 0.33),
    (Diagonal(3), 0.13),
    (Diagonal(4), 0.09),
)
MEANS: Final = (0.0, 1.0, 5.0, 10.0)
SHAPES: Final = (0.0, 0.5, -0.9, 0.99)
WARMUPS: Final = (0, 0, 300, 3000, 10_000)
MOST_SAMPLES, MOST_DIM = 60, 120
MOST_STEPS: Final = 1_000_000

VICES: Final = (
    "near-duplicate samples",
    "scaled columns",
    "rounded entries",
    "heavy tails",
    "zero columns",
    "slow modes",
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DrawnBatch:
    """A problem and the runs on it; `words` says what it is."""

    problem: Problem
    runs: tuple[TrainingRun, ...]
    words: str


def drawn_batch(seed: int, number: int, *, runs: int, work: float) -> DrawnBatch:
    """Batch `number` of a seed, whatever else is drawn; each run may cost `work` flops."""
    rng = stream(seed, f"completion campaign, batch {number}")
    network = NETWORKS[rng.choice(len(NETWORKS), p=[share for _, share in NETWORKS])][0]
    data, vices = _data(rng)
    problem = Problem(dataset=data, network=network, never_stable=_never_stable(data, network), kernel=chosen("auto"))
    max_steps = int(min(work // (4 * data.X.size), MOST_STEPS))
    is_noisy = rng.random() < 0.15
    drawn = [_run(rng, problem, index, max_steps, is_noisy=is_noisy) for index in range(runs)]
    samples, dim = data.X.shape
    words = f"{network.key}, N = {samples}, d = {dim}{', label noise' if is_noisy else ''}"
    return DrawnBatch(problem=problem, runs=tuple(drawn), words="; ".join([words, *vices]))


def _data(rng: np.random.Generator) -> tuple[Dataset, list[str]]:
    samples = int(np.exp(rng.uniform(np.log(2), np.log(MOST_SAMPLES + 1))))
    is_narrow = rng.random() < 0.2
    width = samples + int(rng.integers(-2, 2)) if is_narrow else int(samples * rng.uniform(1.1, 6)) + 1
    dim = min(max(width, 2), MOST_DIM)
    X = rng.choice(MEANS) + np.sqrt(5) * rng.standard_normal((samples, dim))
    vices = [vice for vice in VICES if rng.random() < 0.15]
    for vice in vices:
        X = _spoilt(rng, X, vice)
    truth = np.where(np.arange(dim) < max(1, dim // 5), 1.0, 0.0) if rng.random() < 0.5 else rng.standard_normal(dim)
    # where there are as many samples as dimensions noise would leave no interpolator; sometimes it may
    noise = 0.0 if samples >= dim and rng.random() < 0.9 else rng.choice([0.0, 0.1, 1.0])
    y = X @ truth + noise * rng.standard_normal(samples)
    if rng.random() < 0.15:
        y *= 10 ** rng.uniform(-3, 3)
    return Dataset(X=X, y=y), vices


def _spoilt(rng: np.random.Generator, X: np.ndarray, vice: str) -> np.ndarray:
    samples, dim = X.shape
    match vice:
        case "near-duplicate samples":
            X[samples // 2 :] = X[: samples - samples // 2] + 10 ** rng.uniform(-5, 0) * rng.standard_normal(
                (samples - samples // 2, dim)
            )
        case "scaled columns":
            X *= 10 ** rng.uniform(-1, 1, dim)
        case "rounded entries":
            X = np.round(X, int(rng.integers(0, 2)))
        case "heavy tails":
            X *= np.abs(rng.standard_t(1.5, (samples, 1 if rng.random() < 0.5 else dim)))
        case "slow modes":
            left, values, right = np.linalg.svd(X, full_matrices=False)
            X = left * values[0] @ np.diag(10 ** -rng.uniform(0, 2.5, len(values))) @ right
        case _:
            X[:, rng.random(dim) < 0.3] = 0.0
    return X


def _never_stable(data: Dataset, network: Network) -> NeverStable:
    try:
        flattest = flattest_interpolator(data.X, data.y, network)
    except NoInterpolator:
        return NeverStable(positive=np.inf, any_sign=np.inf)
    with np.errstate(divide="ignore"):  # a bound of 0 excludes no step size
        positive, any_sign = 2 / np.array([flattest.sharpness_lower, flattest.sign_free_lower])
    return NeverStable(positive=float(positive), any_sign=float(any_sign))


def _run(rng: np.random.Generator, problem: Problem, index: int, max_steps: int, *, is_noisy: bool) -> TrainingRun:
    step_size = _fraction(rng) * min(problem.never_stable.positive, 10.0)
    noise_steps = int(rng.choice([100, 2000, 20_000]))
    noise = LabelNoise(noise_variance=10 ** rng.uniform(-3, 0), noise_steps=noise_steps)
    return TrainingRun(
        index=index,
        initial=_start(rng, problem.network, problem.dataset.X.shape[1]),
        optimizer=noise if is_noisy else FullBatch(),
        step_size=step_size,
        warmup_steps=int(rng.choice(WARMUPS)),
        loss_tolerance=float(rng.choice([1e-24, 1e-24, 1e-12])),
        max_steps=max_steps,
        perturb_unstable=bool(rng.random() < 0.7),
        record_points=2,
        seed=int(rng.integers(2**31)),
        completion_tolerance=float(rng.choice([1e-7, 1e-5, 1e-9], p=[0.7, 0.15, 0.15])),
    )


def _fraction(rng: np.random.Generator) -> float:
    """Of the largest stable step: most of all moderate ones, whose runs can be continued to their end."""
    decade = rng.choice(["moderate", "small", "tiny", "edge"], p=[0.55, 0.15, 0.1, 0.2])
    ranges = {
        "moderate": (-1.0, 0.0),
        "small": (-3.0, -1.0),
        "tiny": (-5.0, -3.0),
        "edge": (np.log10(0.93), np.log10(1.1)),
    }
    return float(10 ** rng.uniform(*ranges[decade]))


def _start(rng: np.random.Generator, network: Network, dim: int) -> np.ndarray:
    """Of depth 2 also from scales that only a logarithm notices; a deep network would never leave them."""
    low = -1.2 if network.degree > 2 else rng.choice([-7, -2])
    kind = rng.choice(["uniform", "normal"], p=[0.65, 0.35])
    scale, seed, independent = 10 ** rng.uniform(low, np.log10(3)), int(rng.integers(2**31)), rng.random() < 0.4
    normal = normal_scales(scale, dim, seed=seed, independent=bool(independent))
    scales = uniform_scales(scale, dim) if kind == "uniform" else normal
    return network.initial(scales, float(rng.choice(SHAPES)))
