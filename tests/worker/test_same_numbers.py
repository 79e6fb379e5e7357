"""The layering: core's pure `run` and the jobs of a worker give the same numbers, to the bit."""

import pytest

from core.array_block import pack_arrays
from core.experiment.run import run
from core.spec.experiment_spec import ExperimentSpec
from jobs.document_keys import analysis_key, interpolators_key
from tests.worker.workshop import PROBLEM, Workshop, spec
from worker.batch import stored_run

FRACTIONS = {"fractions_of_max_stable": [0.3, 0.95]}
SPARSE = {"kind": "sparse_regression", "samples": 5, "dimension": 12, "sparsity": 2, "seed": {"values": [0, 1]}}
HELD_OUT = {"held_out_X": [[1.0, 2.0, 0.0, 1.0]], "held_out_y": [2.0], "true_predictor": [1.0, 0.0, 0.0, 1.0]}

CASES: dict[str, ExperimentSpec] = {
    "plain": spec(),
    "depths": spec(model={"kind": "diagonal", "depth": {"values": [2, 3]}}, step_size=FRACTIONS),
    "UV": spec(model={"kind": "uv", "shape": {"values": [0.0, 0.5]}}),
    "two data sets": spec(data=SPARSE, step_size=FRACTIONS),
    "held-out data": spec(data=PROBLEM | HELD_OUT | {"transform": {"X": "centre", "y": "centre"}}),
    "minibatches": spec(optimizer={"kind": "sgd", "step_size": 0.02, "batch_size": 1}, max_steps=2000),
    "minibatches in epochs, with momentum and without": spec(
        optimizer={
            "kind": "sgd",
            "step_size": 0.02,
            "batch_size": 1,
            "sampling": "epochs",
            "momentum": {"values": [0.0, 0.5]},
        },
        max_steps=2000,
    ),
    "given samples": spec(
        optimizer={
            "kind": "sgd",
            "step_size": 0.02,
            "batch_size": 2,
            "sampling": "indices",
            "indices": [[0, 1], [1, 1]] * 70,
        },
        max_steps=2000,
    ),
    "label noise": spec(
        optimizer={"kind": "label_noise", "step_size": 0.02, "noise_variance": 0.1, "noise_steps": 200}
    ),
    "momentum": spec(optimizer={"kind": "heavy_ball", "step_size": FRACTIONS, "momentum": {"values": [0.3, 0.8]}}),
    "a random start": spec(initialization={"kind": "normal", "scale": 0.2, "seed": {"values": [1, 2]}}),
    "multiples of the flow's": spec(step_size={"multiples_of": "flow_stable_step", "values": [0.5, 1.5]}),
    "standardised, where nothing interpolates": spec(
        data={
            "kind": "inline",
            "X": [[1.0, 20.0], [2.0, 10.0], [4.0, 70.0]],
            "y": [1.0, 2.0, 2.0],
            "transform": {"X": "standardise", "y": "standardise"},
        },
        step_size={"multiples_of": "least_norm_stable_step", "values": [0.5]},
        max_steps=500,
    ),
    "a search": spec(scales=(0.5,), step_size={"largest_convergent": {"resolution": 0.05}}),
    "copies": spec(recording={"points": 3, "sensitivity": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_worker_stores_what_the_function_returns(case: str) -> None:
    """Summaries, arrays, analyses and interpolators, to the byte."""
    workshop = Workshop()
    experiment_id = workshop.done(CASES[case])
    results = run(CASES[case])
    keys = [entry.key for entry in results.grid.runs()]
    expected = [stored_run(*parts) for parts in zip(keys, results.summaries, results.arrays, strict=True)]
    assert workshop.runs(experiment_id) == expected
    for problem in results.grid.each_problem():
        assert workshop.store.document(analysis_key(problem.key)) == results.analyses[problem.key].to_json()
        assert workshop.store.document(interpolators_key(problem.key)) == pack_arrays(
            results.interpolators[problem.key]
        )
