"""Linear regression problems, the sparse ones of the paper or arrays of the user, and the risks of predictors."""

import hashlib
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
from jaxtyping import Float64

from core.data.features import FeatureLaw, standardised
from core.data.population import Population
from core.data.row_space import InterpolatorSet, interpolator_set, row_space
from core.data.true_predictor import SignLaw, SupportLaw, sparse_predictor
from core.errors import InvalidData, NoInterpolator

RECOVERED: Final = 1e-12
"""Largest R(β)/R(0) of an interpolator that is β* itself: the programmes leave relative errors of β of 1e-10."""

Law = TypeVar("Law", float, np.ndarray)
"""A parameter of a distribution: of one, or of many."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeldOut:
    """Samples that are never trained on; their mean loss stands for the test loss where no population is known."""

    X: Float64[np.ndarray, "..."]  # (N, d); no axis names, because shapes of users are refused here, with a typed error
    y: Float64[np.ndarray, "..."]  # (N,)

    def __post_init__(self) -> None:
        _freeze(self, "X", "y")
        _check_samples(self.X, self.y)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Samples (rows of X) with targets y, and what is known of their origin. The arrays are read-only copies.

    What follows from X and y alone, and is asked for again and again, is computed once.

    `digest` is the SHA-256 of the two shapes and of the bytes of X and y as little-endian float64: it names the
    training set, and it alone. Truth, population and held-out samples judge a predictor and never move one.

    Raises:
        InvalidData: empty arrays, shapes that disagree, or numbers that are not finite.
    """

    X: Float64[np.ndarray, "..."]  # (N, d); no axis names, as in HeldOut
    y: Float64[np.ndarray, "..."]  # (N,)
    true_predictor: Float64[np.ndarray, "..."] | None = None  # (d,)
    population: Population | None = None
    held_out: HeldOut | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        _freeze(self, "X", "y", "true_predictor")
        _check_samples(self.X, self.y)
        dim = self.X.shape[1]
        if self.true_predictor is not None and self.true_predictor.shape != (dim,):
            raise InvalidData(f"the true predictor has shape {self.true_predictor.shape}, X has {dim} columns")
        if self.held_out is not None and self.held_out.X.shape[1] != dim:
            raise InvalidData(f"held-out X has {self.held_out.X.shape[1]} columns, X has {dim}")
        object.__setattr__(self, "digest", _digest(self.X, self.y))

    @cached_property
    def interpolators(self) -> InterpolatorSet | None:
        """The predictors with Xβ = y, None where there are none."""
        with suppress(NoInterpolator), np.errstate(all="ignore"):  # what overflows does not interpolate
            return interpolator_set(self.X, self.y)
        return None

    @cached_property
    def row_space(self) -> Float64[np.ndarray, "dim rank"]:
        """An orthonormal basis of the span of the rows of X."""
        return row_space(self.X) if self.interpolators is None else self.interpolators.basis

    @cached_property
    def least_loss(self) -> float:
        """The loss of the least squares where nothing interpolates (`core.data.row_space`), else 0."""
        if self.interpolators is not None:
            return 0.0
        basis = np.linalg.svd(self.X, full_matrices=False)[0][:, : np.linalg.matrix_rank(self.X)]
        missing = self.y - basis @ (basis.T @ self.y)
        return float(missing @ missing) / (2 * len(self.y))

    @cached_property
    def risk_curvature(self) -> float:
        """λ_max of the Hessian of the risks, or a bound of it; NaN where neither risk is known."""
        if self.population is not None and self.true_predictor is not None:
            return self.population.largest_curvature(len(self.true_predictor))
        if self.held_out is not None:
            return float(np.linalg.norm(self.held_out.X, 2)) ** 2 / len(self.held_out.y)
        return math.nan

    @cached_property
    def backwards(self) -> "Dataset":
        """The same problem with its samples and its coordinates from the last to the first."""
        truth, held_out = self.true_predictor, self.held_out
        return replace(
            self,
            X=self.X[::-1, ::-1],
            y=self.y[::-1],
            true_predictor=None if truth is None else truth[::-1],
            population=self.population and self.population.backwards,
            held_out=None if held_out is None else replace(held_out, X=held_out.X[:, ::-1]),
        )


def sparse_regression(  # noqa: PLR0913 - the laws, and the numbers that define the distribution and the draw
    *,
    samples: int,
    dimension: int,
    sparsity: int,
    mean: float,
    variance: float,
    noise_variance: float,
    seed: int,
    features: FeatureLaw = FeatureLaw.GAUSSIAN,
    mean_profile: Sequence[float] | None = None,
    variance_profile: Sequence[float] | None = None,
    variance_decay: float = 0.0,
    correlation: float = 0.0,
    support: SupportLaw = SupportLaw.FIRST,
    signs: SignLaw = SignLaw.POSITIVE,
    true_norm: float = 1.0,
) -> Dataset:
    """The data of section 7 of Nacson et al. 2022, drawn in a fixed order: X row by row, then the noise of y.

    x ~ N(mean·1, variance·I), y = ⟨β*, x⟩ + √noise_variance·ε, β* = 1/√sparsity on the first `sparsity` coordinates;
    `features` is another law of independent x_i of this mean and variance. ⟨β*, x⟩ is summed coordinate by coordinate,
    not as a matrix product, whose last bits depend on the BLAS build.

    Other laws, as `Population` has them: E[x] = mean·`mean_profile`, Cov(x)_ij = variance·√(v_i·v_j)·ρ^|i−j| with ρ =
    `correlation` and v_i = `variance_profile`_i·i^(−`variance_decay`), i from 1. `support`, `signs` and `true_norm` are
    those of β*.

    Raises:
        InvalidData: `sparsity` is not between 1 and `dimension`, or a profile is none of `dimension` features.
    """
    if not 1 <= sparsity <= dimension:
        raise InvalidData(f"sparsity {sparsity} is not between 1 and the dimension {dimension}")
    population = Population(
        mean=mean,
        variance=variance,
        noise_variance=noise_variance,
        mean_profile=_profile("mean_profile", mean_profile, dimension),
        variance_profile=_variances(variance_profile, variance_decay, dimension),
        correlation=correlation,
    )
    drawn, noise = standardised(features, seed, samples, dimension)
    X = population.samples(drawn)
    true_predictor = sparse_predictor(dimension, sparsity, norm=true_norm, support=support, signs=signs, seed=seed)
    signal = np.zeros(samples)
    for coordinate in np.flatnonzero(true_predictor):
        signal += X[:, coordinate] * true_predictor[coordinate]
    y = signal + math.sqrt(noise_variance) * noise
    return Dataset(X=X, y=y, true_predictor=true_predictor, population=population)


def _profile(name: str, given: Sequence[float] | None, dimension: int) -> Float64[np.ndarray, " dim"] | None:
    if given is None:
        return None
    profile = np.array(given, dtype=np.float64)
    if profile.shape != (dimension,):
        raise InvalidData(f"{name} has {profile.size} entries, the data have {dimension} features")
    return profile


def _variances(given: Sequence[float] | None, decay: float, dimension: int) -> Float64[np.ndarray, " dim"] | None:
    """v; None where it is 1 everywhere."""
    profile = _profile("variance_profile", given, dimension)
    if not decay:
        return profile
    power_law = np.arange(1.0, dimension + 1) ** -decay
    return power_law if profile is None else profile * power_law


def risk_of_zero(mean: Law, variance: Law, sparsity: Law) -> Law:
    """R(0) = ½(σ²‖β*‖² + (μ·1ᵀβ*)²) of sparse regression, where r* entries 1/√r* make ‖β*‖² = 1 and (1ᵀβ*)² = r*."""
    risk: Law = (variance + mean**2 * sparsity) / 2
    return risk


def excess_risk(
    predictor: Float64[np.ndarray, "*run dim"], dataset: Dataset
) -> Float64[np.ndarray, "*run"] | np.float64:
    """Expected loss above the least possible one, ½eᵀ(Σ + E[x]E[x]ᵀ)e with e = β − β*, in closed form (`Population`).

    NaN where the truth or the population is unknown.
    """
    if dataset.true_predictor is None or dataset.population is None:
        return np.full(predictor.shape[:-1], np.nan)
    return dataset.population.excess_risk(predictor - dataset.true_predictor)


def test_loss(predictor: Float64[np.ndarray, "*run dim"], dataset: Dataset) -> Float64[np.ndarray, "*run"] | np.float64:
    """Expected loss on a new sample: `excess_risk` + ½·noise_variance where the population is known.

    Otherwise the mean loss of the held-out samples, and NaN where there are none.
    """
    return risks(predictor, dataset)[1]


def risks(
    predictor: Float64[np.ndarray, "*run dim"], dataset: Dataset
) -> tuple[Float64[np.ndarray, "*run"] | np.float64, Float64[np.ndarray, "*run"] | np.float64]:
    """`excess_risk` and `test_loss`, of which one is made of the other."""
    excess = excess_risk(predictor, dataset)
    if dataset.population is not None and dataset.true_predictor is not None:
        return excess, excess + dataset.population.noise_variance / 2
    if dataset.held_out is not None:
        return excess, train_loss(predictor, dataset.held_out.X, dataset.held_out.y)
    return excess, np.full(predictor.shape[:-1], np.nan)


def risk_change(predictor: Float64[np.ndarray, " dim"], distance: float, dataset: Dataset) -> float:
    """The most by which `excess_risk` and `test_loss` change where β moves by ‖Δβ‖₂ ≤ distance.

    Both are quadratic with a Hessian H, so that it is ‖∇R‖₂·distance + ½λ_max(H)·distance²; of correlated features a
    bound of λ_max(H) stands for it. NaN where neither is known.
    """
    if dataset.population is not None and dataset.true_predictor is not None:
        gradient = dataset.population.risk_gradient(predictor - dataset.true_predictor)
    elif dataset.held_out is not None:
        X, y = dataset.held_out.X, dataset.held_out.y
        gradient = X.T @ (X @ predictor - y) / len(y)
    else:
        return float("nan")
    return float(np.linalg.norm(gradient) * distance + dataset.risk_curvature * distance**2 / 2)


def train_loss(
    predictor: Float64[np.ndarray, "*run dim"],
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
) -> Float64[np.ndarray, "*run"]:
    """‖Xβ − y‖²/(2N), one predictor at a time: a joint product would let the company of a run change its last bits."""
    rows = predictor.reshape(-1, predictor.shape[-1])
    losses = np.array([np.square(X @ row - y).sum() / (2 * len(y)) for row in rows])
    return losses.reshape(predictor.shape[:-1])


def _freeze(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None:
            copy = np.array(value, dtype=np.float64, order="C")
            copy.setflags(write=False)
            object.__setattr__(record, name, copy)


def _check_samples(X: Float64[np.ndarray, "..."], y: Float64[np.ndarray, "..."]) -> None:
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
        raise InvalidData(f"X has shape {X.shape} and y has shape {y.shape}; (N, d) and (N,) are needed")
    if X.size == 0:
        raise InvalidData(f"X has shape {X.shape}: at least one sample and one column are needed")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise InvalidData("X and y must be finite numbers")


def _digest(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> str:
    digest = hashlib.sha256(np.array([*X.shape, *y.shape], dtype="<i8").tobytes())
    digest.update(X.astype("<f8").tobytes())
    digest.update(y.astype("<f8").tobytes())
    return digest.hexdigest()
