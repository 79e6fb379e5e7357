"""What has been computed, read back."""

from typing import Any

from core.results.result import decode_summary, encode_summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key
from tests.api.service import EXPERIMENTS, Service, assert_problem, spec

_SEEDS = {"data": spec()["data"] | {"seed": {"values": [3, 1, 2]}}}


def _summary(loss: float) -> dict[str, Any]:
    summary: dict[str, Any] = decode_summary(encode_summary({"outcome": "converged", "train_loss": loss, "steps": 7}))
    return summary


def _grid(api: Service, identifier: str) -> Grid:
    return Grid(ExperimentSpec.model_validate_json(api.store.spec(identifier)))


def test_runs_are_listed_in_the_order_of_the_grid_with_null_for_what_is_missing(api: Service) -> None:
    """Page by page, all of them, each with its coordinates."""
    identifier = api.submit(**_SEEDS)
    api.train(identifier, [_summary(0.5), _summary(0.25)])
    rows, url = [], f"{EXPERIMENTS}/{identifier}/runs?limit=4"
    while url:
        response = api.get(url)
        rows += response.json()["runs"]
        url = response.links.get("next", {}).get("url", "")
        assert bool(url) == (response.json()["next_cursor"] is not None)
    assert [row["index"] for row in rows] == list(range(6))
    assert [row["coordinates"] for row in rows] == [_grid(api, identifier).coordinates(index) for index in range(6)]
    assert [row["summary"] and row["summary"]["train_loss"] for row in rows] == [0.5, 0.25, None, None, None, None]
    assert [row["explanation"] and row["explanation"].split()[0] for row in rows] == [
        "Converged.",
        "Converged.",
        *[None] * 4,
    ]


def test_one_run_is_a_row_of_the_list(api: Service) -> None:
    """Whether it is stored or not."""
    identifier = api.submit()
    api.train(identifier, [_summary(0.5)])
    rows = api.get(f"{EXPERIMENTS}/{identifier}/runs").json()["runs"]
    assert [api.get(f"{EXPERIMENTS}/{identifier}/runs/{index}").json() for index in range(2)] == rows


def test_a_run_outside_the_grid_is_not_found(api: Service) -> None:
    """Nor is one whose index is no number."""
    identifier = api.submit()
    for index in ("2", "01", "-1", "first", "²", "1" * 30):
        assert_problem(api.get(f"{EXPERIMENTS}/{identifier}/runs/{index}"), 404)


def test_a_cursor_that_was_not_given_out_is_refused(api: Service) -> None:
    """By name of the parameter."""
    identifier = api.submit()
    for cursor in ("-1", "3", "x", "1" * 30):
        document = assert_problem(api.get(f"{EXPERIMENTS}/{identifier}/runs?cursor={cursor}"), 422)
        assert document["errors"][0]["parameter"] == "cursor"


def test_results_are_the_labelled_array_of_all_runs(api: Service) -> None:
    """In grid order over its axes, null where a run is missing, with attributes that say what it is."""
    identifier = api.submit(name="mine", **_SEEDS)
    api.train(identifier, [_summary(loss) for loss in (0.1, 0.2, 0.3, 0.4)])
    response = api.get(f"{EXPERIMENTS}/{identifier}/results")
    array = response.json()
    assert array["dims"] == {"seed": 3, "step_size": 2}
    assert array["coords"]["seed"]["data"] == [3, 1, 2]
    assert array["data_vars"]["train_loss"]["data"] == [[0.1, 0.2], [0.3, 0.4], [None, None]]
    assert array["attrs"]["experiment_id"] == identifier
    assert (array["attrs"]["status"], array["attrs"]["runs_done"], array["attrs"]["runs_total"]) == ("running", 4, 6)
    assert "retry-after" in response.headers


def test_analyses_are_listed_one_for_each_data_set(api: Service) -> None:
    """Null until a worker has made it."""
    identifier = api.submit(**_SEEDS)
    keys = [_grid(api, identifier).run(index).problem_key for index in (0, 2, 4)]
    api.store.put_document(analysis_key(keys[1]), b'{"min_sharpness": 250.0}')
    url = f"{EXPERIMENTS}/{identifier}/analysis"
    rows = api.get(url).json()["problems"]
    assert [":".join((row["data_key"], row["network"])) for row in rows] == keys
    assert [row["coordinates"] for row in rows] == [{"seed": 3}, {"seed": 1}, {"seed": 2}]
    assert [row["analysis"] for row in rows] == [None, {"min_sharpness": 250.0}, None]
    page = api.get(f"{url}?limit=2&cursor=2")
    assert (page.json()["problems"], page.json()["next_cursor"]) == (rows[2:], None)
