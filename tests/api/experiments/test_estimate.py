"""Estimates: what a spec would cost."""

import math
import time
from dataclasses import replace
from typing import Any

import pytest

from api.experiments import estimate as estimates
from core.identity import NUMERICS_VERSION
from core.planning.estimate import Estimate
from core.planning.problem_facts import MOST_LOOKUPS
from core.spec.experiment_spec import ExperimentSpec
from jobs.records import LiveWorker, Queue
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, Service, assert_problem, pointers, spec
from tests.reference.memory_store import MemoryStore

ESTIMATE = f"{EXPERIMENTS}/estimate"


def estimated(api: Service, **parts: Any) -> dict[str, Any]:
    """The estimate of the small spec with the given parts."""
    response = api.post(spec(**parts), ESTIMATE)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def test_an_estimate_says_what_an_experiment_would_cost_and_runs_nothing(api: Service) -> None:
    """Two runs on one problem that nobody has analysed; no experiment is there afterwards, and no message."""
    found = estimated(api)
    assert (found["runs"], found["problems"], found["batches"]) == (2, 1, 1)
    assert found["max_stable_steps"] == {"known": 0, "guessed": 1, "unknown": 0}
    assert 0 < found["predicted_seconds"] < 10
    assert 0 < found["predicted_steps"] < 10**7
    assert 2000 < found["bytes"] < 20_000
    assert api.get(EXPERIMENTS).json()["experiments"] == []
    assert api.bell.unanswered(Queue.INTERACTIVE) == 0


def test_an_estimate_says_how_long_the_workers_that_live_take(api: Service) -> None:
    """By the processes that serve batches, of this version; nothing but a sentence where somebody does not say."""
    interactive = LiveWorker(name="i", numerics=NUMERICS_VERSION, idle=1, processes=8)
    batch = LiveWorker(name="b", numerics=NUMERICS_VERSION, idle=0, processes=2)
    seeds = spec()["data"] | {"seed": {"values": list(range(40))}}

    def wall_time() -> dict[str, Any]:
        found: dict[str, Any] = estimated(api, data=seeds)
        assert found["predicted_seconds"] > 0.1
        return found["wall_time"] | {"cores": found["predicted_seconds"] / (found["wall_time"]["seconds"] or math.inf)}

    nobody = wall_time()
    assert (nobody["seconds"], nobody["processes"]) == (None, 0)
    assert "a live worker for the interactive queue and a live worker for the batch queue" in nobody["explanation"]
    api.store.register(batch, queues=[Queue.BATCH], seconds=60.0)
    unplanned = wall_time()
    assert (unplanned["seconds"], unplanned["processes"]) == (None, 2)
    assert "a live worker for the interactive queue is missing" in unplanned["explanation"]
    api.store.register(interactive, queues=[Queue.INTERACTIVE], seconds=60.0)
    two = wall_time()
    assert (two["processes"], two["cores"]) == (2, pytest.approx(2, rel=0.02))
    assert "With the 2 processes that live now" in two["explanation"]
    api.store.register(replace(batch, name="another", numerics="old"), queues=[Queue.BATCH], seconds=60.0)
    assert wall_time() == two
    api.store.register(replace(batch, name="c", processes=1), queues=[Queue.BATCH], seconds=60.0)
    assert wall_time()["cores"] == pytest.approx(3, rel=0.02)
    api.store.register(replace(batch, name="c", processes=None), queues=[Queue.BATCH], seconds=60.0)
    silent = wall_time()
    assert (silent["seconds"], silent["processes"]) == (None, None)
    assert "does not say how many processes" in silent["explanation"]


def test_what_cannot_be_submitted_cannot_be_estimated(api: Service) -> None:
    """The same errors with the same pointers: breaches of the spec, limits, uploads that are not here, queries."""
    for refused in (
        spec(model={"kind": "diagonal", "depth": 1}),
        spec(data={"kind": "dataset", "id": "0" * 64}),
        spec(data={"kind": "sparse_regression", "samples": 1000, "dimension": 1000}),
        spec(initialization={"kind": "uniform", "scale": {"start": 0.1, "stop": 1, "num": 99_999}}),
    ):
        here = assert_problem(api.post(refused, ESTIMATE), 422)
        there = assert_problem(api.post(refused), 422)
        assert pointers(here) == pointers(there)
    assert_problem(api.post(spec(), f"{ESTIMATE}?fresh=true"), 422)


def test_what_is_stable_on_large_data_of_ones_own_is_not_guessed(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step sizes in numbers may take the whole budget; fractions of the largest stable one say how they end."""
    data = {"kind": "inline", "X": [[1.0, 2.0, 0.5], [0.5, 1.0, 3.0]], "y": [1.0, 2.0]}
    assert estimated(api, data=data)["max_stable_steps"] == {"known": 0, "guessed": 1, "unknown": 0}
    monkeypatch.setattr("core.planning.problem_facts.MOST_FACTORED", 5)
    unknown = estimated(api, data=data, recording={"sensitivity": False})
    assert unknown["max_stable_steps"] == {"known": 0, "guessed": 0, "unknown": 1}
    assert unknown["predicted_steps"] == 2 * 20_000_000
    step_size = {"fractions_of_max_stable": [0.1, 0.5]}
    fractions = estimated(api, data=data, optimizer={"kind": "gradient_descent", "step_size": step_size})
    assert fractions["predicted_steps"] < unknown["predicted_steps"] / 10


def test_an_uploaded_data_set_is_known_by_its_shape(api: Service) -> None:
    """Its description says how large a step is; the arrays are not read."""
    uploaded = api.post({"X": [[1.0, 2.0, 0.5], [0.5, 1.0, 3.0]], "y": [1.0, 2.0]}, "/v1/datasets").json()
    found = estimated(api, data={"kind": "dataset", "id": uploaded["id"]})
    assert found["max_stable_steps"] == {"known": 0, "guessed": 0, "unknown": 1}


def test_problems_beyond_those_that_are_looked_for_count_as_they_are(api: Service) -> None:
    """Twice as many seeds are twice the work, also where the data differ in more than their seed."""

    def of(seeds: int) -> dict[str, Any]:
        data = spec()["data"] | {
            "mean": {"values": [0.0, 5.0]},
            "seed": {"start": 0, "stop": seeds - 1, "num": seeds},
        }
        return estimated(api, data=data)

    few, many = of(2 * MOST_LOOKUPS), of(4 * MOST_LOOKUPS)
    assert many["max_stable_steps"]["guessed"] == many["problems"] == 2 * few["problems"] == 8 * MOST_LOOKUPS
    for quantity in ("runs", "batches", "predicted_steps", "bytes"):
        assert many[quantity] == pytest.approx(2 * few[quantity], rel=1e-6)


def test_each_depth_and_each_data_set_is_a_problem(api: Service) -> None:
    """Batches hold runs of one problem."""
    seeds = spec()["data"] | {"seed": {"values": [0, 1, 2]}}
    found = estimated(api, data=seeds, model={"kind": "diagonal", "depth": {"values": [2, 3]}})
    assert (found["runs"], found["problems"], found["batches"]) == (12, 6, 6)
    assert found["max_stable_steps"]["guessed"] == 6


@pytest.mark.parametrize("swept", ["scale", "seed"])
def test_a_hundred_thousand_runs_are_estimated_at_once(api: Service, swept: str) -> None:
    """Of one problem, or of as many problems; the store is asked for the analyses of the first few only."""
    most = {"start": 0.001, "stop": 1, "num": 100_000, "spacing": "log"}
    parts: dict[str, Any] = {"optimizer": {"kind": "gradient_descent", "step_size": 0.001}}
    if swept == "scale":
        parts["initialization"] = {"kind": "uniform", "scale": most}
    else:
        parts["data"] = spec()["data"] | {"seed": {"start": 0, "stop": 99_999, "num": 100_000}}
    start = time.process_time()
    found = estimated(api, **parts)
    assert time.process_time() - start < 3
    assert found["runs"] == 100_000
    assert found["max_stable_steps"]["guessed"] == (1 if swept == "scale" else 100_000)
    assert found["batches"] > MOST_LOOKUPS


def test_many_different_problems_are_estimated_by_some_of_them() -> None:
    """A thousand shapes of data are counted all, and worked out for an even part: the sum is that of all to a tenth."""
    dimensions = {"values": list(range(20, 60))}
    whole = document_of({"samples": {"values": list(range(2, 27))}, "dimension": dimensions})
    parts = [document_of({"samples": samples, "dimension": dimensions}) for samples in range(2, 27)]
    assert whole.problems == sum(part.problems for part in parts) == whole.max_stable_steps["guessed"]
    assert whole.predicted_steps == pytest.approx(sum(part.predicted_steps for part in parts), rel=0.1)
    assert whole.bytes == pytest.approx(sum(part.bytes for part in parts), rel=0.1)


def document_of(data: dict[str, Any]) -> Estimate:
    """The estimate of one run on each data set."""
    asked = ExperimentSpec.model_validate(
        {
            "data": {"kind": "sparse_regression", "sparsity": 1} | data,
            "initialization": {"kind": "uniform", "scale": 0.1},
            "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
        }
    )
    return estimates.estimated(asked, store=MemoryStore(Settings()), settings=Settings())


def test_numbers_of_any_size_are_estimated(api: Service) -> None:
    """What overflows is too large, and no warning."""
    size = {"fractions_of_max_stable": [1e100]}
    steep = spec(
        model={"kind": "diagonal", "depth": 64},
        initialization={"kind": "uniform", "scale": 1e100},
        optimizer={"kind": "gradient_descent", "step_size": size},
    )
    assert api.post(steep, f"{EXPERIMENTS}/estimate").json()["runs"] == 1
    tiny = spec()["data"] | {"variance": 1e-200, "true_norm": 2e-311, "mean": -4e16}
    sam = {"kind": "sam", "rho": 7e99, "step_size": 2e16}
    for scale in (0.5, 2e99):
        start = {"kind": "uniform", "scale": scale}
        assert api.post(spec(data=tiny, optimizer=sam, initialization=start), ESTIMATE).status_code == 200
