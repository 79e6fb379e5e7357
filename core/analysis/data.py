"""The analysis of a data set before any training: its size, rank and centring, and where steps are stable."""

from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.analysis.data_analysis import DataAnalysis
from core.analysis.problem import analyse_problem, finite
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.errors import NoInterpolator
from core.networks.network import Diagonal, Network
from core.stability.max_stable_step import max_stable_step
from core.stability.sharpness import interpolator_sharpness_of

MOST_ENTRIES: Final = 100_000
"""Most entries of X for which the flattest interpolator is searched for: half a minute of one core."""


@np.errstate(all="ignore")
def analyse_data(dataset: Dataset, network: Network | None = None) -> DataAnalysis:
    """What the data say; the network is the diagonal one of depth 2 where no other is given."""
    network = network or Diagonal(2)
    X, y = dataset.X, dataset.y
    values = np.linalg.svd(X, compute_uv=False)
    largest = float(np.square(values[0]) / len(X))
    means, spreads = X.mean(axis=0), X.std(axis=0)
    known = DataAnalysis(
        network=network.key,
        samples=len(X),
        dimension=X.shape[1],
        rank=int((values > max(X.shape) * np.finfo(np.float64).eps * values[0]).sum()),
        largest_eigenvalue=finite(largest),
        linear_max_step=finite(2 / largest) if largest else None,
        mean_share=finite(np.square(means).sum() / np.square(X).mean(axis=0).sum()),
        mean_to_spread=finite(np.median(np.abs(means) / spreads)),
        target_mean=finite(y.mean()),
        target_spread=finite(y.std()),
    )
    try:
        return _with_steps(known, dataset, network)
    except NoInterpolator as reason:
        return replace(known, unknown_because=reason.message)


def _with_steps(known: DataAnalysis, dataset: Dataset, network: Network) -> DataAnalysis:
    found = replace(known, least_norm_stable_step=_stable_step(dataset, network))
    if dataset.X.size > MOST_ENTRIES:
        why = f"the flattest interpolator of {dataset.X.size} entries is found when an experiment is planned"
        return replace(found, unknown_because=why)
    analysis = analyse_problem(dataset, network, "").analysis
    return replace(
        found,
        max_stable_step=analysis.max_stable_step,
        never_stable_above=analysis.never_stable_above,
        unknown_because=analysis.no_interpolator,
    )


def _stable_step(dataset: Dataset, network: Network) -> float | None:
    """2/λ_max at the interpolator of least ℓ2 norm, in its flattest parameters."""
    predictor: Float64[np.ndarray, " dim"] = interpolator_set(dataset.X, dataset.y).nearest_to_zero
    sharpness = interpolator_sharpness_of(dataset.X, network.least_tangent_weights(predictor)).value
    return finite(max_stable_step(float(sharpness)))
