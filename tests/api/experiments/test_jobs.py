"""The jobs of an experiment, as an operator sees them."""

from typing import Any

from jobs.records import Queue
from tests.api.service import EXPERIMENTS, Service, assert_problem


def test_each_job_says_where_it_stands_and_why(api: Service) -> None:
    """The planning job first; its id, by which it could be claimed, is not told."""
    identifier = api.submit()
    claim = api.store.claim(Queue.INTERACTIVE, worker="w")
    assert claim is not None
    api.store.fail(claim, "RuntimeError: boom")
    (job,) = api.get(f"{EXPERIMENTS}/{identifier}/jobs").json()["jobs"]
    assert job == {
        "kind": "plan",
        "queue": "interactive",
        "state": "queued",
        "runs": 0,
        "predicted_seconds": 1.0,
        "attempt": 1,
        "failures": 1,
        "losses": 0,
        "error": "RuntimeError: boom",
    }


def test_jobs_come_in_pages(api: Service) -> None:
    """Each on one of them; the cursor leads on, also as a Link."""
    identifier = api.submit()
    api.plan(identifier)
    address, found = f"{EXPERIMENTS}/{identifier}/jobs?limit=1", list[dict[str, Any]]()
    cursor: str | None = ""
    while cursor is not None:
        response = api.get(address + (f"&cursor={cursor}" if cursor else ""))
        page = response.json()
        found += page["jobs"]
        cursor = page["next_cursor"]
        assert ("link" in response.headers) == (cursor is not None)
    assert [(job["kind"], job["state"]) for job in found] == [("plan", "succeeded"), ("train", "queued")]
    assert_problem(api.get(f"{EXPERIMENTS}/{identifier}/jobs?cursor=9"), 422)
