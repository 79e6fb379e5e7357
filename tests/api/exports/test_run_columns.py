"""Some results of the runs as columns."""

from typing import Any

import pytest

from core.results.result import decode_summary, encode_summary
from tests.api.service import EXPERIMENTS, Service, assert_problem

_SCALES = {"kind": "uniform", "scale": {"values": [1.0, 0.1, 0.5]}}


def _begun(api: Service, stored: int) -> str:
    """The columns of an experiment of three scales and two step sizes, of which so many runs are stored."""
    identifier = api.submit(initialization=_SCALES)
    outcomes = ["converged", "diverged", "stopped", "converged", "oscillating", "converged"]
    given: list[dict[str, Any]] = [
        {"outcome": outcome, "steps": 10 * index, "test_loss": None if outcome == "diverged" else index + 0.5}
        for index, outcome in enumerate(outcomes)
    ]
    api.train(identifier, [decode_summary(encode_summary(each)) for each in given[:stored]])
    return f"{EXPERIMENTS}/{identifier}/columns"


def test_columns_are_in_the_order_of_the_grid_beside_its_axes(api: Service) -> None:
    """Null where a run is not stored yet, or does not have the value."""
    document = api.get(f"{_begun(api, 4)}?variable=outcome&variable=test_loss").json()
    assert document["first"] == 0
    assert document["next_cursor"] is None
    assert document["columns"] == {
        "outcome": ["converged", "diverged", "stopped", "converged", None, None],
        "test_loss": [0.5, None, 2.5, 3.5, None, None],
    }
    assert [(axis["name"], axis["values"]) for axis in document["axes"]] == [
        ("init_scale", [1.0, 0.1, 0.5]),
        ("step_size", [0.001, 0.002]),
    ]
    assert document["axes"][0] | {"values": []} == {
        "name": "init_scale",
        "symbol": "α",
        "label": "initialisation scale α",
        "log_scaled": True,
        "values": [],
    }


def test_pages_follow_each_other_and_the_outcome_is_what_is_told_by_default(api: Service) -> None:
    """The Link header leads from one to the next."""
    url = _begun(api, 6)
    page = api.get(f"{url}?limit=4")
    assert page.json()["columns"] == {"outcome": ["converged", "diverged", "stopped", "converged"]}
    rest = api.get(page.links["next"]["url"]).json()
    assert (rest["first"], rest["columns"], rest["next_cursor"]) == (4, {"outcome": ["oscillating", "converged"]}, None)


def test_who_has_them_already_is_not_sent_them_again(api: Service) -> None:
    """And is sent others."""
    url = _begun(api, 6)
    tag = api.get(url).headers["etag"]
    assert api.client.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert api.client.get(f"{url}?variable=steps", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    "query", ["variable=nothing", "limit=10001", "cursor=7", "variable=" + "&variable=".join(["steps"] * 9)]
)
def test_what_is_no_result_or_no_page_is_refused(api: Service, query: str) -> None:
    """With the parameter that is wrong."""
    problem = assert_problem(api.get(f"{_begun(api, 1)}?{query}"), 422)
    assert problem["errors"][0]["parameter"].startswith(query.partition("=")[0])
