"""Real data, raw and standardised, as experiments: one of multiples of each unit that is good for something there."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.analysis.data import INIT_SCALE, analyse_data
from core.analysis.data_analysis import DataAnalysis
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.run import run
from core.results.result import Summary
from core.spec.experiment_spec import ExperimentSpec

FOLDER: Final = Path(__file__).parent

TRAINED: Final[Mapping[str, int]] = {
    "breast-cancer": 20,
    "wine": 10,
    "digits": 30,
    "el-nino": 8,
    "iris": 100,
    "longley": 12,
}
"""How many samples of each are trained on; the others are held out."""

STANDARDISED: Final = {"X": "standardise", "y": "centre"}
TRANSFORMS: Final[Mapping[str, Mapping[str, str]]] = {"raw": {}, "standardised": STANDARDISED}

INTERPOLATED: Final = (
    {"fractions_of_max_stable": [0.01, 0.1, 0.5, 0.95]},
    {"multiples_of": "flow_stable_step", "values": [0.1, 0.5, 0.9, 2.0]},
)
FITTED: Final = (
    {"multiples_of": "start_stable_step", "values": [0.1, 0.9]},
    {"multiples_of": "flow_stable_step", "values": [0.1, 0.5, 0.9, 2.0]},
)
"""Step sizes where something interpolates, and where nothing does."""

MAX_STEPS: Final = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RealRun:
    """A run on one of the data sets: its step size as it was given, and its numbers."""

    data: str
    transform: str
    unit: str
    multiple: float
    summary: Summary


def data_of(name: str, transform: str) -> dict[str, Any]:
    """The data set, as it stands in a spec."""
    rows = list(csv.reader((FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()))[1:]
    table, samples = np.array(rows, dtype=np.float64), TRAINED[name]
    X, y = table[:, :-1], table[:, -1]
    return {
        "kind": "inline",
        "X": X[:samples].tolist(),
        "y": y[:samples].tolist(),
        "held_out_X": X[samples:].tolist(),
        "held_out_y": y[samples:].tolist(),
        "transform": dict(TRANSFORMS[transform]),
    }


def trained(name: str, transform: str, step_size: Any, max_steps: int = MAX_STEPS) -> list[RealRun]:
    """Descent from scale 0.1 at these step sizes."""
    body = {
        "data": data_of(name, transform),
        "initialization": {"kind": "uniform", "scale": INIT_SCALE},
        "optimizer": {"kind": "gradient_descent", "step_size": step_size},
        "stopping": {"max_steps": max_steps},
        "recording": {"points": 0},
    }
    results = run(ExperimentSpec.model_validate(body))
    places = [results.grid.coordinates(index) or {"step_size": step_size} for index in range(len(results.grid))]
    return [
        RealRun(data=name, transform=transform, unit=unit, multiple=multiple, summary=summary)
        for place, summary in zip(places, results.summaries, strict=True)
        for unit, multiple in place.items()
    ]


@cache
def runs(name: str, transform: str) -> list[RealRun]:
    """All that are looked at."""
    sizes = INTERPOLATED if analysed(name, transform).interpolates else FITTED
    return [each for size in sizes for each in trained(name, transform, size)]


@cache
def analysed(name: str, transform: str) -> DataAnalysis:
    """What is said of the data before training."""
    body = {
        "data": data_of(name, transform),
        "initialization": {"kind": "uniform", "scale": INIT_SCALE},
        "optimizer": {"kind": "gradient_descent", "step_size": 1.0},
    }
    return analyse_data(dataset_of(ExperimentSpec.model_validate(body).data, no_uploads))  # type: ignore[arg-type]
