"""The memory that is predicted of analyses and batches, held to what a process grows by."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from core.networks.network import Diagonal
from core.planning.memory import peak_bytes
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import RunTable
from tests.core.specs import grid_of

MEASURED = """
import json, re, sys
from pathlib import Path
from core.analysis.problem import analyse_problem
from core.descent.kernel import chosen, one_thread
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.known_problems import KnownProblem
from core.experiment.run_batch import RunBatch
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def grid(document):
    return Grid(ExperimentSpec.model_validate_json(json.dumps(document)))

def analysed(grid):
    problem = grid.problem(0)
    dataset = dataset_of(problem.data, no_uploads)
    analysis = analyse_problem(dataset, problem.network, "").analysis
    return KnownProblem(dataset=dataset, network=problem.network, analysis=analysis)

def train(grid, known):
    batch = RunBatch(grid, range(len(grid)), known, kernel=chosen("auto"))
    batch.advance()

small, large = (grid(document) for document in json.loads(sys.argv[1]))
with one_thread():
    train(small, analysed(small))
    before = peak()
    train(large, analysed(large))
    print(peak() - before)
"""


def _document(*, lanes: int, samples: int, dimension: int, optimizer: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {"kind": "sparse_regression", "samples": samples, "dimension": dimension, "sparsity": 1},
        "initialization": {"kind": "uniform", "scale": {"values": [0.1 + 0.001 * lane for lane in range(lanes)]}},
        "optimizer": {"step_size": 1e-5} | optimizer,
        "stopping": {"max_steps": 10_000_000},
        "recording": {"points": 8},
    }


DESCENT = {"kind": "gradient_descent"}
MOMENTUM = {"kind": "heavy_ball", "momentum": 0.9}
MINIBATCHES = {"kind": "sgd", "batch_size": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak of a process is in other units")
@pytest.mark.parametrize(
    ("samples", "dimension", "lanes", "optimizer"),
    [
        (10, 4000, 96, DESCENT),
        (10, 4000, 64, MOMENTUM),
        (250, 350, 4, DESCENT),
        (200, 250, 64, MINIBATCHES),
        (10, 10_000, 1, DESCENT),
    ],
)
def test_a_prediction_is_within_a_factor_of_what_a_process_grows_by(
    samples: int, dimension: int, lanes: int, optimizer: dict[str, Any]
) -> None:
    """Of two and a half either way, in a process of its own: the larger of the analysis and the first steps."""
    shape = {"samples": samples, "dimension": dimension}
    documents = [
        _document(lanes=4, samples=4, dimension=6, optimizer=optimizer),
        _document(lanes=lanes, optimizer=optimizer, **shape),
    ]
    asked = [sys.executable, "-c", MEASURED, json.dumps(documents)]
    printed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    facts = ProblemFacts(network=Diagonal(2), max_stable_step=None, **shape)
    table = RunTable.of(grid_of(optimizer=optimizer | {"step_size": 1e-5}, recording={"points": 8}), np.arange(1))
    measured, predicted = float(printed), peak_bytes(table, facts, lanes=lanes)
    assert measured / 2.5 < predicted < 2.5 * measured
