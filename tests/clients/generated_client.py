"""An experiment by the client that openapi-python-client has generated: `generated_client.py URL`, beside `generated/`.

It is run in an environment that has nothing of ours.
"""

import sys

from generated import Client
from generated.api.experiments import get_experiment, submit_experiment
from generated.api.results import get_results, list_runs
from generated.models import (
    ExperimentDocument,
    ExperimentSpec,
    ExperimentStatus,
    LabelledArrays,
    Problem,
    RunPage,
    SubmissionDocument,
)

SPEC = {
    "name": "generated",
    "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
    "initialization": {"kind": "uniform", "scale": {"start": 0.1, "stop": 1, "num": 3, "spacing": "log"}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"values": [0.001, 0.002]}},
}


def main() -> None:
    """Submit, wait, read."""
    client = Client(base_url=sys.argv[1], timeout=90.0)
    submitted = submit_experiment.sync(client=client, body=ExperimentSpec.from_dict(SPEC))
    assert isinstance(submitted, SubmissionDocument), submitted
    ended = get_experiment.sync(submitted.id, client=client, wait=60)
    assert isinstance(ended, ExperimentDocument), ended
    assert ended.status == ExperimentStatus.SUCCEEDED, ended
    runs = list_runs.sync(submitted.id, client=client)
    assert isinstance(runs, RunPage), runs
    assert [run.index for run in runs.runs] == list(range(6))
    results = get_results.sync(submitted.id, client=client)
    assert isinstance(results, LabelledArrays), results
    assert results.dims.to_dict() == {"init_scale": 3, "step_size": 2}, results.dims
    losses = results.data_vars["train_loss"].data
    assert max(max(row) for row in losses) < 1e-3, losses
    refused = get_experiment.sync("0" * 32, client=client)
    assert isinstance(refused, Problem), refused
    assert refused.type_ == "urn:stepbias:problem:no-such-experiment"


main()
