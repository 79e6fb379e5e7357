"""The life of an experiment, seen from outside."""

from datetime import UTC, datetime

import pytest

from jobs.records import Queue
from tests.api.service import EXPERIMENTS, Service, assert_problem


def test_an_experiment_says_how_far_it_is(api: Service) -> None:
    """Status, counts, outcomes and progress come from the record."""
    identifier = api.submit()
    api.train(identifier, [{"outcome": "converged"}])
    response = api.get(f"{EXPERIMENTS}/{identifier}")
    document = response.json()
    assert document["status"] == "running"
    assert document["counts"]["runs"] == {"total": 2, "done": 1, "reused": 0}
    assert document["counts"]["jobs"] == {"total": 2, "done": 1, "running": 1, "dead": 0}
    assert document["outcomes"] == {"converged": 1}
    assert 0 <= document["progress"] < 1
    assert document["finished_at"] is None
    assert int(response.headers["retry-after"]) >= 1


def test_a_finished_experiment_need_not_be_asked_again(api: Service) -> None:
    """No Retry-After, and the times are RFC 3339 in UTC."""
    identifier = api.submit()
    api.train(identifier, [{"outcome": "converged"}, {"outcome": "diverged"}])
    response = api.get(f"{EXPERIMENTS}/{identifier}")
    document = response.json()
    assert (document["status"], document["progress"]) == ("succeeded", 1.0)
    assert "retry-after" not in response.headers
    created, finished = (datetime.fromisoformat(document[name]) for name in ("created_at", "finished_at"))
    assert document["created_at"].endswith("Z")
    assert created.tzinfo == UTC
    assert created <= finished


def test_the_links_of_an_experiment_lead_somewhere(api: Service) -> None:
    """Each answers to GET, or to POST where it changes something; those of a run or a problem are templates."""
    identifier = api.submit()
    links = api.get(f"{EXPERIMENTS}/{identifier}").json()["links"]
    got = {"self", "spec", "jobs", "runs", "results", "columns", "manifest", "curves", "analysis", "report", "figures"}
    names = got | {"events", "cancel", "retry"}
    templates = {"run", "trajectory", "vectors", "arrays", "data", "interpolators"}
    assert set(links) == names | templates
    for name in got:
        assert api.get(links[name]).status_code == 200, name
    assert api.client.post(links["cancel"]).status_code == 200
    assert api.client.post(links["retry"]).status_code == 409


def test_cancelling_twice_is_cancelling_once(api: Service) -> None:
    """And an experiment that is finished stays as it is."""
    identifier = api.submit()
    for _ in range(2):
        response = api.client.post(f"{EXPERIMENTS}/{identifier}/cancel")
        assert (response.status_code, response.json()["status"]) == (200, "cancelled")


def test_only_a_failed_experiment_is_retried(api: Service) -> None:
    """409 says what it is instead; a failed one waits again, and both queues are rung for."""
    identifier = api.submit()
    assert "planning" in assert_problem(api.client.post(f"{EXPERIMENTS}/{identifier}/retry"), 409)["detail"]
    api.fail(identifier)
    failed = api.get(f"{EXPERIMENTS}/{identifier}").json()
    assert failed["status"] == "failed"
    assert "degenerate" in failed["error"]
    api.bell.rings.clear()
    response = api.client.post(f"{EXPERIMENTS}/{identifier}/retry")
    assert (response.status_code, response.json()["status"]) == (202, "planning")
    assert api.bell.rings == {Queue.INTERACTIVE: 1, Queue.BATCH: 1}


def test_an_experiment_with_missing_results_is_retried(api: Service) -> None:
    """It says that it failed as soon as somebody has seen that they are missing."""
    identifier = api.submit()
    api.train(identifier, [{"outcome": "converged"}] * 2)
    api.store._runs.clear()
    assert_problem(api.get(f"{EXPERIMENTS}/{identifier}/runs"), 503)
    assert [run["summary"] for run in api.get(f"{EXPERIMENTS}/{identifier}/runs").json()["runs"]] == [None, None]
    document = api.get(f"{EXPERIMENTS}/{identifier}").json()
    assert (document["status"], document["counts"]["runs"]["done"]) == ("failed", 0)
    assert "2 of 2 results are missing" in document["error"]
    response = api.client.post(f"{EXPERIMENTS}/{identifier}/retry")
    assert (response.status_code, response.json()["status"]) == (202, "planning")


def test_experiments_are_listed_newest_first_page_by_page(api: Service) -> None:
    """The Link header leads through all pages and keeps the filters."""
    made = []
    for number in range(5):
        made.append(api.submit(name=f"sweep {number}", tags=["a b"]))
        api.submit(name=f"other {number}", tags=["b"])
    seen, url = [], f"{EXPERIMENTS}?tag=a%20b&limit=2"
    while url:
        response = api.get(url)
        seen += [document["id"] for document in response.json()["experiments"]]
        url = response.links.get("next", {}).get("url", "")
        assert bool(url) == (response.json()["next_cursor"] is not None)
    assert seen == made[::-1]


@pytest.mark.parametrize(("query", "found"), [("status=cancelled", ["one"]), ("name=two", ["two"]), ("tag=x", [])])
def test_filters_choose_experiments(api: Service, query: str, found: list[str]) -> None:
    """By status, name, tag."""
    first = api.submit(name="one")
    api.submit(name="two")
    api.client.post(f"{EXPERIMENTS}/{first}/cancel")
    listed = api.get(f"{EXPERIMENTS}?{query}").json()["experiments"]
    assert [document["name"] for document in listed] == found


def test_a_service_is_alive_without_its_store_or_workers(api: Service) -> None:
    """And says which version it is."""
    assert api.get("/healthz").json() == {"status": "alive"}
    assert set(api.get("/v1/version").json()) == {"version", "schema_version", "numerics_version"}
