"""What is kept of the path of a run: vectors at its records, and the plateaus that are found among them."""

from dataclasses import fields
from typing import Final

import numpy as np
from jaxtyping import Shaped

from core.analysis.plateaus import Plateaus, lasso_gap, plateaus, rescaled_time
from core.data.regression import Dataset
from core.networks.network import Network
from core.record_plan import PathQuantity
from core.training.recorded_paths import BALANCE_MINUS, PREDICTOR, TIME_AVERAGE
from core.training.training_run import TrainedRun

PATH: Final = "path_"
PLATEAU: Final = "plateau_"
"""How the names of stored arrays begin."""


@np.errstate(all="ignore")  # what overflows in a run that diverged is nothing to warn of
def path_arrays(trained: TrainedRun, network: Network, dataset: Dataset) -> dict[str, Shaped[np.ndarray, "..."]]:
    """The recorded paths in float64, with T and s at the records; nothing where no paths are recorded.

    Where support is asked for, `nonzeros` counts it.
    """
    run, path = trained.run, trained.trajectory
    if not run.paths:
        return {}
    kept: dict[str, Shaped[np.ndarray, ...]] = {
        "training_time": path.time,
        "rescaled_time": rescaled_time(trained, network, len(dataset.y)),
    }
    kept |= {name: vectors for name, vectors in path.paths.items() if _is_asked_for(name, trained, network)}
    if PathQuantity.SUPPORT in run.paths:
        support = np.abs(path.paths[PREDICTOR]) > run.record_plan.support_threshold
        kept |= {"support": support.astype(np.int64), "nonzeros": support.sum(axis=1)}
    if TIME_AVERAGE in path.paths:
        kept["lasso_gap"] = lasso_gap(kept["rescaled_time"], path.paths[TIME_AVERAGE], dataset)
    found = plateaus(trained, network, dataset)
    return {f"{PATH}{name}": array for name, array in kept.items()} | ({} if found is None else _named(found))


def _is_asked_for(name: str, trained: TrainedRun, network: Network) -> bool:
    if name == BALANCE_MINUS:
        return "u_minus" in network.trained_parts
    return name != PREDICTOR or PathQuantity.PREDICTOR in trained.run.paths


def _named(found: Plateaus) -> dict[str, Shaped[np.ndarray, "..."]]:
    return {f"{PLATEAU}{field.name}": getattr(found, field.name) for field in fields(found)}
