"""The analysis of a data set before any training: its size, rank and centring, and where steps are stable."""

from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.analysis.advice import advice, regime
from core.analysis.data_analysis import DataAnalysis
from core.analysis.problem import analyse_problem, finite, worth
from core.analysis.starts import Starts
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.data.transforms import is_constant
from core.errors import NoInterpolator
from core.networks.network import Diagonal, Network
from core.stability.max_stable_step import max_stable_step
from core.stability.sharpness import interpolator_sharpness_of

MOST_ENTRIES: Final = 100_000
"""Most entries of X for which the flattest interpolator is searched for: half a minute of one core."""

REFERENCES: Final = ("min_l1", "min_l2", "flattest")
"""The interpolators whose worth is told."""


MOST_COLUMNS: Final = 1000
"""Most columns of which each has its mean and spread told."""

INIT_SCALE: Final = 0.1
"""The scale of the start that is looked at, unless another one is asked for."""


@np.errstate(all="ignore")
def analyse_data(dataset: Dataset, network: Network | None = None, *, init_scale: float = INIT_SCALE) -> DataAnalysis:
    """What the data say; the network is the diagonal one of depth 2 where no other is given, started at u± = α·1."""
    network = network or Diagonal(2)
    known = replace(_by_themselves(dataset, network), init_scale=init_scale)
    try:
        found = _with_steps(known, dataset, network)
    except NoInterpolator as reason:
        least = analyse_problem(dataset, network, "").analysis.least_norm_stable_step
        interpolates = (
            None if known.rank == known.samples else False
        )  # independent samples are fitted, if not in float64
        found = replace(known, interpolates=interpolates, unknown_because=reason.message, least_norm_stable_step=least)
    found = _from_start(found, dataset, network)
    return replace(found, regime=regime(found), advice=advice(found))


def _by_themselves(dataset: Dataset, network: Network) -> DataAnalysis:
    X, y = dataset.X, dataset.y
    values = np.linalg.svd(X, compute_uv=False)
    largest = float(np.square(values[0]) / len(X))
    means, spreads = X.mean(axis=0), X.std(axis=0)
    sizes = np.sqrt(np.square(X).mean(axis=0))
    return DataAnalysis(
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
        column_means=_told(means),
        column_spreads=_told(spreads),
        column_scale_ratio=finite(sizes.max() / sizes[sizes > 0].min()) if sizes.any() else None,
        constant_columns=tuple(np.flatnonzero(is_constant(X)).tolist()) if len(X) > 1 else (),
    )


def _told(columns: Float64[np.ndarray, " dim"]) -> tuple[float, ...] | None:
    is_told = len(columns) <= MOST_COLUMNS and bool(np.isfinite(columns).all())
    return tuple(columns.tolist()) if is_told else None


def _with_steps(known: DataAnalysis, dataset: Dataset, network: Network) -> DataAnalysis:
    found = replace(known, least_norm_stable_step=_stable_step(dataset, network), interpolates=True)
    if dataset.X.size > MOST_ENTRIES:
        why = f"the flattest interpolator of {dataset.X.size} entries is found when an experiment is planned"
        return replace(found, unknown_because=why)
    analysis = analyse_problem(dataset, network, "").analysis
    return replace(
        found,
        max_stable_step=analysis.max_stable_step,
        never_stable_above=analysis.never_stable_above,
        unknown_because=analysis.no_interpolator,
        references={name: analysis.interpolators[name] for name in REFERENCES if name in analysis.interpolators},
    )


def _from_start(known: DataAnalysis, dataset: Dataset, network: Network) -> DataAnalysis:
    """What depends on the start, and what the limit of gradient flow from there is worth."""
    if dataset.X.size > MOST_ENTRIES:
        return known
    initial = network.initial(np.full((2, dataset.X.shape[1]), known.init_scale), 0.0)
    follows_flow = known.max_stable_step is not None or known.interpolates is False
    start = Starts(dataset, network, follows_flow=follows_flow).of(initial)
    found = replace(known, start_stable_step=start.stable_step, flow_stable_step=start.flow_stable_step)
    if start.flow_predictor is None:
        return found
    limit = worth(dataset, network, start.flow_predictor)
    return replace(
        found,
        references={**known.references, "flow_limit": limit},
        expected_gain=_gain(known.references["flattest"].test_loss, limit.test_loss),
    )


def _gain(loss: float | None, of: float | None) -> float | None:
    return None if loss is None or not of else finite(1 - loss / of)


def _stable_step(dataset: Dataset, network: Network) -> float | None:
    """2/λ_max at the interpolator of least ℓ2 norm, in its flattest parameters."""
    predictor: Float64[np.ndarray, " dim"] = interpolator_set(dataset.X, dataset.y).nearest_to_zero
    sharpness = interpolator_sharpness_of(dataset.X, network.least_tangent_weights(predictor)).value
    return finite(max_stable_step(float(sharpness)))
