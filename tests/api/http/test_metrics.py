"""What an operator is told."""

from collections.abc import Sequence

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.errors import StoreUnavailable
from jobs.records import LiveWorker, Queue
from tests.api.service import EXPERIMENTS, Service, assert_problem, spec


def numbers(api: Service) -> dict[tuple[str, ...], float]:
    """Every sample by its name and labels."""
    response = api.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_requests_are_counted_by_route_and_status(api: Service) -> None:
    """By the template: what strangers write into paths makes no new numbers."""
    identifier = api.submit()
    for name in (identifier, "none", "other"):
        api.get(f"{EXPERIMENTS}/{name}")
    for number in range(3):
        api.get(f"/nothing/{number}")
    api.client.request("FROBNICATE", "/healthz")
    api.client.get("/healthz", headers={"Host": "evil.example"})
    found = numbers(api)
    total, place = "stepbias_http_requests_total", f"{EXPERIMENTS}/{{experiment_id}}"
    assert found[total, "POST", EXPERIMENTS, "202"] == 1
    assert found[total, "GET", place, "200"] == 1
    assert found[total, "GET", place, "404"] == 2
    assert found[total, "GET", "none", "404"] == 3
    assert found[total, "other", "none", "405"] == 1
    assert found[total, "GET", "none", "421"] == 1
    assert found["stepbias_http_request_seconds_count", place] == 3
    routes = {key[2] for key in found if key[0] == total}
    assert routes <= {"none", "/metrics", *api.get("/openapi.json").json()["paths"]}


def test_the_state_of_the_store_is_told(api: Service) -> None:
    """Queues, workers, experiments, and jobs by how they ended."""
    api.store.register(LiveWorker(name="w", numerics="4", idle=2, processes=5), queues=[Queue.BATCH], seconds=60.0)
    first, second = api.submit(), api.submit(name="other")
    api.train(first, [{"outcome": "converged"}] * 2)
    found = numbers(api)
    assert found["stepbias_store_up",] == 1
    assert found["stepbias_queue_workers", "batch"] == 1
    assert found["stepbias_queue_idle_processes", "batch"] == 2
    assert found["stepbias_queue_waiting_jobs", "interactive"] == 1
    assert (found["stepbias_queue_demand", "interactive"], found["stepbias_queue_demand", "batch"]) == (1, 3)
    assert (found["stepbias_experiments",], found["stepbias_experiments_unfinished",]) == (2, 1)
    assert found["stepbias_jobs_ended_total", "succeeded"] == 2
    api.fail(second)
    assert numbers(api)["stepbias_jobs_ended_total", "dead"] == 1
    assert found["stepbias_damaged_values",] == 0


def test_a_broker_that_is_away_is_told_of(api: Service) -> None:
    """Workers are not rung for; the store is there."""
    assert numbers(api)["stepbias_broker_up",] == 1
    api.bell.away = "gone"
    found = numbers(api)
    assert (found["stepbias_broker_up",], found["stepbias_store_up",]) == (0, 1)


def test_a_store_that_is_away_is_told_of(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with an error: the numbers of this process are there."""

    def away() -> Sequence[str]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(api.store, "damaged", away)
    found = numbers(api)
    assert found["stepbias_store_up",] == 0
    assert ("stepbias_experiments",) not in found
    assert any(key[0] == "stepbias_http_requests_total" for key in numbers(api))


def test_new_work_is_refused_before_the_store_is_full(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of it is kept for the results of what was taken; readiness says so."""
    asked: list[float] = []

    def room(*, reserve: float = 0.0) -> str | None:
        asked.append(reserve)
        return "the store is full: 91 MB of 100 MB" if reserve >= 0.1 else None

    monkeypatch.setattr(api.store, "room", room)
    assert assert_problem(api.post(spec()), 503)["type"] == "urn:stepbias:problem:store-full"
    data = {"X": [[1.0, 2.0]], "y": [1.0]}
    assert assert_problem(api.post(data, "/v1/datasets"), 503)["type"] == "urn:stepbias:problem:store-full"
    assert "91 MB of 100 MB" in assert_problem(api.get("/readyz"), 503)["detail"]
    assert asked == [0.1, 0.1, 0.1]
