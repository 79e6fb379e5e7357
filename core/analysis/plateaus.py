"""Plateaus of the loss along a run: where it rests near a saddle, when it leaves, and what it is like there.

From a small start of scale α the coordinates of β wait, and grow one after the other (Berthier 2023, Pesme & Flammarion
2023). A coordinate with |x_iᵀr| = 1 takes the time

    U = N·∫_α^1 du/(D u^(D−1)) = N·ln(1/α)/2 at D = 2,  N·(α^(2−D) − 1)/(D(D−2)) at D ≥ 3,

to grow from α to 1. In that unit s = T/U, with T = Σ η_t, the integrated correlations

    q(s) = s·Xᵀ(y − Xβ̄(s)),  β̄ = Σ η_tβ_t/Σ η_t,

tend as α → 0 to q_i = sgn β_i where β_i ≠ 0 and to |q_i| ≤ 1 elsewhere. With β̄ in the place of β these are the
conditions of Karush, Kuhn and Tucker for the least ½‖Xβ̄ − y‖² + ‖β̄‖₁/s, the lasso (Berthier 2025): active
coordinates are those of its equicorrelation set while none leaves the support.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.data.regression import Dataset
from core.networks.network import Network
from core.training.recorded_vectors import PREDICTOR, TIME_AVERAGE
from core.training.training_run import TrainedRun
from core.training.trajectory import Trajectory

FLATTEST: Final = 0.1
"""Most that ln L falls in a unit of rescaled time on a plateau; near one it falls exponentially slowly."""

SAME: Final = 0.01
"""Change of ln L below which two rests are of one plateau."""

UNRESOLVED: Final = 1e-24
"""Part of the first loss below which a rest is one of rounding."""

Records = Float64[np.ndarray, " record"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plateaus:
    """The plateaus of a run in their order, each seen at the `record` nearest to its middle.

    `entered` and `left` are rescaled times s: where half of the fall from one plateau to the next has been done, from
    the last one to 0; 0 for the first, NaN where that is not recorded. `due` is the s at which the first |q_i| off the
    support comes to 1 if β stays where it is, which is when it leaves as α → 0. `dual` is q,
    `kkt_distance` the largest |q_i − sgn β_i| on the support and |q_i| − 1 off it; `stationarity` is
    max|β_i·x_iᵀr|/(max|β_i|·max|x_iᵀy|) over the support, 0 at a saddle.
    """

    record: Int64[np.ndarray, " plateau"]
    entered: Float64[np.ndarray, " plateau"]
    left: Float64[np.ndarray, " plateau"]
    due: Float64[np.ndarray, " plateau"]
    loss: Float64[np.ndarray, " plateau"]
    support_size: Int64[np.ndarray, " plateau"]
    kkt_distance: Float64[np.ndarray, " plateau"]
    stationarity: Float64[np.ndarray, " plateau"]
    predictor: Float64[np.ndarray, "plateau dim"]
    dual: Float64[np.ndarray, "plateau dim"]


def time_unit(network: Network, initial: Float64[np.ndarray, "part dim"], samples: int) -> float:
    """U of a start; α is the geometric mean of its √|u₊u₋|, of the equivalent squared model if there is one.

    NaN where α is 0, or 1 and more: nothing has to wait.
    """
    squared = network.as_squared(initial)
    with np.errstate(divide="ignore"):
        logarithm = -float(np.log(np.abs(initial if squared is None else squared)).mean())
    if not 0 < logarithm < np.inf:
        return np.nan
    depth = network.degree
    if depth == 2:
        return samples * logarithm / (2 * network.squared_step_ratio)
    return samples * float(np.expm1((depth - 2) * logarithm)) / (depth * (depth - 2))


def rescaled_time(trained: TrainedRun, network: Network, samples: int) -> Records:
    """The rescaled time s at the records of a run; with momentum m a step is η/(1 − m). NaN without U."""
    unit = time_unit(network, trained.run.initial, samples) * (1 - trained.run.optimizer.momentum)
    return trained.trajectory.time / unit


def plateaus(trained: TrainedRun, network: Network, dataset: Dataset) -> Plateaus | None:
    """The plateaus among the records of a run; None unless β and β̄ were recorded, or where it has no U."""
    path = trained.trajectory
    if not {PREDICTOR, TIME_AVERAGE} <= path.vectors.keys() or len(path.time) == 0:
        return None
    time, loss = rescaled_time(trained, network, len(dataset.y)), path.curves["train_loss"]
    if not np.isfinite(time).all():
        return None
    middle = _middles(time, loss)
    left = np.array(list(_leavings(time, loss, middle)))
    predictor = path.vectors[PREDICTOR][middle]
    on = np.abs(predictor) > trained.run.record_plan.support_threshold
    dual = _dual(time, path, dataset)[middle]
    return Plateaus(
        record=middle,
        entered=np.concatenate([[0.0], left[:-1]])[: len(left)],
        left=left,
        due=_due(time[middle], dual, predictor, on, dataset),
        loss=loss[middle],
        support_size=on.sum(axis=1),
        kkt_distance=_kkt_distance(predictor, dual, on),
        stationarity=_stationarity(np.where(on, predictor, 0.0), predictor, dataset),
        predictor=predictor,
        dual=dual,
    )


def lasso_gap(time: Records, average: Float64[np.ndarray, "record dim"], dataset: Dataset) -> Records:
    """By how much β̄(s) misses the lasso at λ = 1/s, at most: the duality gap of F = ½‖Xβ − y‖² + λ‖β‖₁ over ½‖y‖².

    The dual point is the residual, shrunk until |x_iᵀr| ≤ λ. NaN where s is not positive, or y = 0.
    """
    with np.errstate(all="ignore"):
        penalty, residual = 1 / time, dataset.y - average @ dataset.X.T
        shrunk = np.minimum(1.0, penalty / np.abs(residual @ dataset.X).max(axis=1, initial=0.0))[:, None] * residual
        objective = np.square(residual).sum(axis=1) / 2 + penalty * np.abs(average).sum(axis=1)
        gap = objective - (shrunk @ dataset.y - np.square(shrunk).sum(axis=1) / 2)
        relative = np.maximum(gap, 0.0) / (dataset.y @ dataset.y / 2)
    return np.asarray(np.where(time > 0, relative, np.nan))


def _middles(time: Records, loss: Records) -> Int64[np.ndarray, " plateau"]:
    """The record nearest to the middle of each rest of the loss."""
    with np.errstate(all="ignore"):
        logarithm = np.log(loss)
        is_flat = (np.abs(np.diff(logarithm)) <= FLATTEST * np.diff(time)) & (loss[1:] > UNRESOLVED * loss[0])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_flat, [False]]).astype(np.int64)))
    rests: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if rests and abs(logarithm[first] - logarithm[rests[-1][1]]) < SAME:
            rests[-1] = (rests[-1][0], last)
        else:
            rests.append((first, last))
    middles = [
        first + int(np.argmin(np.abs(time[first : last + 1] - (time[first] + time[last]) / 2))) for first, last in rests
    ]
    return np.array(middles, dtype=np.int64)


def _leavings(time: Records, loss: Records, middle: Int64[np.ndarray, " plateau"]) -> Iterator[float]:
    """When the loss last passes the middle between a plateau and the next one, or 0 after the last."""
    for place, start in enumerate(middle.tolist()):
        is_last = place + 1 == len(middle)
        stop = len(loss) if is_last else int(middle[place + 1]) + 1
        level = (loss[start] + (0.0 if is_last else loss[middle[place + 1]])) / 2
        above = np.flatnonzero(loss[start:stop] > level)
        before = start + (int(above[-1]) if len(above) else 0)
        if before + 1 >= stop:
            yield np.nan
            continue
        share = (loss[before] - level) / (loss[before] - loss[before + 1])
        yield float(time[before] + share * (time[before + 1] - time[before]))


def _dual(time: Records, path: Trajectory, dataset: Dataset) -> Float64[np.ndarray, "record dim"]:
    """The integrated correlations q at every record; 0 before the first step, where there is no average."""
    average = np.where(time[:, None] > 0, path.vectors[TIME_AVERAGE], 0.0)
    return np.asarray(time[:, None] * _pull(average, dataset))


def _due(
    time: Float64[np.ndarray, " plateau"],
    dual: Float64[np.ndarray, "plateau dim"],
    predictor: Float64[np.ndarray, "plateau dim"],
    on: Bool[np.ndarray, "plateau dim"],
    dataset: Dataset,
) -> Float64[np.ndarray, " plateau"]:
    """dq/ds = Xᵀ(y − Xβ), which is constant where β rests."""
    pull = _pull(predictor, dataset)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = np.where(on | (pull == 0), np.inf, (np.sign(pull) - dual) / pull)
    first = np.maximum(wait, 0.0).min(axis=1, initial=np.inf)
    return np.asarray(np.where(np.isfinite(first), time + first, np.nan))


def _pull(predictor: Float64[np.ndarray, "*point dim"], dataset: Dataset) -> Float64[np.ndarray, "*point dim"]:
    """Xᵀ(y − Xβ)."""
    pull: Float64[np.ndarray, "*point dim"] = (dataset.y - predictor @ dataset.X.T) @ dataset.X
    return pull


def _kkt_distance(
    predictor: Float64[np.ndarray, "plateau dim"],
    dual: Float64[np.ndarray, "plateau dim"],
    on: Bool[np.ndarray, "plateau dim"],
) -> Float64[np.ndarray, " plateau"]:
    apart = np.where(on, np.abs(dual - np.sign(predictor)), np.maximum(np.abs(dual) - 1, 0.0))
    return np.asarray(apart.max(axis=1, initial=0.0))


def _stationarity(
    active: Float64[np.ndarray, "plateau dim"], predictor: Float64[np.ndarray, "plateau dim"], dataset: Dataset
) -> Float64[np.ndarray, " plateau"]:
    size = np.abs(active).max(axis=1, initial=0.0) * np.abs(dataset.y @ dataset.X).max(initial=0.0)
    product = np.abs(active * _pull(predictor, dataset)).max(axis=1, initial=0.0)
    return np.asarray(np.divide(product, size, out=np.zeros_like(product), where=size > 0))
