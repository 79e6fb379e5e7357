"""The experiments that the service is measured with."""

from typing import Any, Final

import numpy as np

from benchmarks.kernel import Cell, steps_of
from benchmarks.ours import OurLoop
from benchmarks.turns import Effort
from core.descent.kernel import one_thread
from core.presets import preset
from core.spec.experiment_spec import ExperimentSpec, Recording
from core.training.oscillation import WINDOW

FIGURE_1: Final = preset("figure-1", "full").model_copy(update={"recording": Recording(sensitivity=False)})
"""Without twins: each run is trained once, as by what the service is compared with."""


TENFOLD: Final = preset("figure-1", "full", seeds=10).model_copy(update={"recording": FIGURE_1.recording})
"""The same on ten data sets: what an experiment costs once, and what it costs at its end, weighs a tenth."""


def figure_1_like(seconds: float) -> ExperimentSpec:
    """The grid of Figure 1, each run iterated to the end of a budget that makes about so many seconds of work."""
    document = FIGURE_1.model_dump(mode="json")
    document["optimizer"]["warmup_steps"] = 1000
    document["stopping"] |= {"max_steps": _steps(seconds, runs=200), "finish": "iterate"}
    return ExperimentSpec.model_validate(document | {"name": "figure-1, bounded"})


def endless_noise(seconds: float) -> ExperimentSpec:
    """Runs on data of Figure 1 whose labels are noisy to the last step, so that none ends before so many seconds."""
    document = FIGURE_1.model_dump(mode="json")
    step_sizes = {"fractions_of_max_stable": np.linspace(0.01, 0.1, 10).tolist()}
    steps = _steps(seconds, runs=200)
    document["optimizer"] = {
        "kind": "label_noise",
        "step_size": step_sizes,
        "noise_variance": 0.01,
        "noise_steps": steps,
    }
    document["stopping"] = {"max_steps": steps}
    return ExperimentSpec.model_validate(document | {"name": "noise without end"})


def _steps(seconds: float, *, runs: int) -> int:
    """Steps of each run that make about so many seconds of work of them together."""
    cell = Cell(dim=100, samples=50, depth=2, runs=128)
    with one_thread():
        per_lane_step = 0.2 / steps_of(OurLoop(cell.batch()), Effort(seconds=0.2)) / cell.runs
    return max(1, round(seconds / per_lane_step / runs / WINDOW)) * WINDOW


def tiny_runs(count: int) -> ExperimentSpec:
    """So many runs of 64 steps on three samples: nearly nothing to compute, everything to administer."""
    rows = 10 ** (len(str(count)) // 2)
    document: dict[str, Any] = {
        "name": f"{count} tiny runs",
        "data": {"kind": "sparse_regression", "samples": 3, "dimension": 4, "sparsity": 1},
        "initialization": {"kind": "uniform", "scale": {"values": np.geomspace(0.01, 1.0, rows).tolist()}},
        "optimizer": {
            "kind": "gradient_descent",
            "step_size": {"values": np.geomspace(1e-5, 1e-3, count // rows).tolist()},
        },
        "stopping": {"max_steps": 64},
    }
    return ExperimentSpec.model_validate(document)
