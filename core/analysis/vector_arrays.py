"""What is kept of a run beside its curves: vectors at its records, and the plateaus that are found among them."""

from dataclasses import fields
from typing import Final

import numpy as np
from jaxtyping import Shaped

from core.analysis.plateaus import Plateaus, lasso_gap, plateaus, rescaled_time
from core.data.regression import Dataset
from core.networks.network import Network
from core.record_plan import VectorQuantity
from core.training.recorded_vectors import BALANCE_MINUS, PREDICTOR, TIME_AVERAGE
from core.training.training_run import TrainedRun

VECTOR: Final = "vector_"
PLATEAU: Final = "plateau_"
"""How the names of stored arrays begin."""


@np.errstate(all="ignore")  # what overflows in a run that diverged is nothing to warn of
def vector_arrays(trained: TrainedRun, network: Network, dataset: Dataset) -> dict[str, Shaped[np.ndarray, "..."]]:
    """The recorded vectors in float64, with T and s at the records; nothing where none are recorded.

    Where support is asked for, `nonzeros` counts it.
    """
    run, path = trained.run, trained.trajectory
    if not run.vectors:
        return {}
    kept: dict[str, Shaped[np.ndarray, ...]] = {
        "training_time": path.time,
        "rescaled_time": rescaled_time(trained, network, len(dataset.y)),
    }
    kept |= {name: vectors for name, vectors in path.vectors.items() if _is_asked_for(name, trained, network)}
    if VectorQuantity.SUPPORT in run.vectors:
        support = np.abs(path.vectors[PREDICTOR]) > run.record_plan.support_threshold
        kept |= {"support": support.astype(np.int64), "nonzeros": support.sum(axis=1)}
    if TIME_AVERAGE in path.vectors:
        kept["lasso_gap"] = lasso_gap(kept["rescaled_time"], path.vectors[TIME_AVERAGE], dataset)
    found = plateaus(trained, network, dataset)
    return {f"{VECTOR}{name}": array for name, array in kept.items()} | ({} if found is None else _named(found))


def _is_asked_for(name: str, trained: TrainedRun, network: Network) -> bool:
    if name == BALANCE_MINUS:
        return "u_minus" in network.trained_parts
    return name != PREDICTOR or VectorQuantity.PREDICTOR in trained.run.vectors


def _named(found: Plateaus) -> dict[str, Shaped[np.ndarray, "..."]]:
    return {f"{PLATEAU}{field.name}": getattr(found, field.name) for field in fields(found)}
