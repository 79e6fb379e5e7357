"""Submitting experiments."""

import json

import pytest
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.requests.body import MOST_SPEC_BYTES
from jobs.records import Queue
from tests.api.service import EXPERIMENTS, Service, assert_problem, pointers, service, spec
from tests.reference.memory_store import MemoryDoorbell


def test_a_new_experiment_is_accepted_and_rung_for(api: Service) -> None:
    """202 with the object, its place, when to ask again, and one ring for somebody who plans it."""
    response = api.post(spec(name="first", tags=["thesis"]))
    document = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == document["links"]["self"] == f"{EXPERIMENTS}/{document['id']}"
    assert int(response.headers["retry-after"]) >= 1
    assert (document["name"], document["tags"], document["status"]) == ("first", ["thesis"], "planning")
    assert document["counts"]["runs"] == {"total": 2, "done": 0, "reused": 0}
    assert api.bell.rings == dict.fromkeys(Queue, 1)


def test_the_same_spec_submitted_twice_is_one_experiment(api: Service) -> None:
    """However it is spelled: a range and its values are the same grid."""
    first = api.post(spec(optimizer={"kind": "gradient_descent", "step_size": {"values": [0.1, 0.2, 0.3]}}))
    step_size = {"start": 0.1, "stop": 0.3, "num": 3, "spacing": "linear"}
    second = api.post(spec(optimizer={"step_size": step_size, "kind": "gradient_descent"}))
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["location"] == first.headers["location"]
    assert api.bell.rings == dict.fromkeys(Queue, 1)


@pytest.mark.parametrize("action", ["", "/cancel", "/retry"])
def test_a_query_that_means_nothing_is_refused(api: Service, action: str) -> None:
    """Whoever wrote ?fresh=true meant something by it, and would not get it."""
    path = f"{EXPERIMENTS}/{api.submit()}{action}" if action else EXPERIMENTS
    document = assert_problem(api.post(spec(), f"{path}?fresh=true"), 422)
    assert [error["parameter"] for error in document["errors"]] == ["fresh"]


def test_the_same_spec_under_another_name_is_another_experiment(api: Service) -> None:
    """Names tell experiments apart."""
    assert api.submit(name="one") != api.submit(name="two")


def test_a_cancelled_spec_submitted_again_is_a_new_experiment(api: Service) -> None:
    """Asking again after a cancel means asking."""
    first = api.submit()
    api.client.post(f"{EXPERIMENTS}/{first}/cancel")
    response = api.post(spec())
    assert response.status_code == 202
    assert response.json()["id"] != first


def test_an_experiment_at_the_limit_of_runs_is_accepted(api: Service) -> None:
    """100,000 runs are recorded by one small write."""
    parts = {
        "data": spec()["data"] | {"seed": {"start": 0, "stop": 999, "num": 1000}},
        "initialization": {"kind": "uniform", "scale": {"start": 0.001, "stop": 1, "num": 100, "spacing": "log"}},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
    }
    response = api.post(spec(**parts))
    assert response.status_code == 202
    assert response.json()["counts"]["runs"]["total"] == 100_000


def test_an_experiment_over_the_limit_of_runs_is_refused_with_the_numbers(api: Service) -> None:
    """Every axis is pointed at, with its length."""
    data = spec()["data"] | {"seed": {"start": 0, "stop": 50_000, "num": 50_001}}
    document = assert_problem(api.post(spec(data=data)), 422)
    assert "100002" in document["detail"]
    assert "100000" in document["detail"]
    assert pointers(document) == ["/data/seed", "/optimizer/step_size"]
    assert "50001" in document["errors"][0]["detail"]


@pytest.mark.parametrize("samples", [101, {"values": [1, 101]}, {"start": 1, "stop": 101, "num": 101}])
def test_a_data_set_over_the_limit_is_refused_with_the_numbers(api: Service, samples: object) -> None:
    """The largest of the grid counts; at the limit is allowed."""
    data = {"kind": "sparse_regression", "samples": samples, "dimension": 100}
    document = assert_problem(api.post(spec(data=data)), 422)
    assert pointers(document) == ["/data/samples", "/data/dimension"]
    assert "10100" in document["errors"][0]["detail"]
    assert api.post(spec(data=data | {"samples": 100})).status_code == 202


def test_linked_data_sets_count_as_they_are(api: Service) -> None:
    """Many samples of few dimensions and few of many; of all with all one would be over the limit."""
    data = {
        "kind": "sparse_regression",
        "samples": {"values": [500, 5]},
        "dimension": {"values": [12, 1000]},
        "sparsity": 1,
    }
    assert api.post(spec(data=data, zip=[["samples", "dimension"]])).status_code == 202
    document = assert_problem(api.post(spec(data=data)), 422)
    assert "500 samples × 1000 dimensions are 500000 entries" in document["errors"][0]["detail"]


def test_inline_data_over_the_limit_are_refused() -> None:
    """Held-out data as well."""
    data = {"kind": "inline", "X": [[1, 2, 3]], "y": [1], "held_out_X": [[1, 2, 3]] * 2, "held_out_y": [1, 2]}
    one = service(max_data_entries=5)
    with one.client:
        assert pointers(assert_problem(one.post(spec(data=data)), 422)) == ["/data/held_out_X"]


def test_inline_data_are_accepted(api: Service) -> None:
    """User data without a transform run."""
    response = api.post(spec(data={"kind": "inline", "X": [[1, 0.5], [0, 1]], "y": [1, 2]}))
    assert response.status_code == 202


def test_the_stored_spec_says_what_was_asked_with_defaults(api: Service) -> None:
    """And posting it again finds the experiment."""
    identifier = api.submit(name="mine")
    stored = api.get(f"{EXPERIMENTS}/{identifier}/spec")
    assert stored.headers["content-type"] == "application/json"
    assert stored.json()["stopping"]["loss_tolerance"] == 1e-10
    assert api.post(stored.json()).json()["id"] == identifier


class _BrokenBell(MemoryDoorbell):
    @override
    def ring(self, queue: Queue, times: int = 1) -> None:
        raise ConnectionError("no broker")


def test_a_lost_ring_does_not_lose_the_experiment() -> None:
    """The record stands; workers find it by themselves."""
    one = service(bell=_BrokenBell())
    with one.client:
        identifier = one.submit()
        assert one.get(f"{EXPERIMENTS}/{identifier}").json()["status"] == "planning"


def test_a_body_at_the_limit_is_read_and_a_longer_one_is_not(api: Service) -> None:
    """Whether its length is declared or not."""
    headers = {"Content-Type": "application/json"}
    body = json.dumps(spec()).encode()
    fitting = body + b" " * (20_000 - len(body))
    assert api.client.post(EXPERIMENTS, content=fitting, headers=headers).status_code == 202
    assert_problem(api.client.post(EXPERIMENTS, content=fitting + b" ", headers=headers), 413)
    chunks = (piece for piece in (fitting, b" "))
    assert_problem(api.client.post(EXPERIMENTS, content=chunks, headers=headers), 413)


@pytest.mark.parametrize("text", ["1e+05", "100000.0", "1.0E5", "10000000e-2", "100000"])
def test_a_whole_number_is_whole_however_it_is_written(api: Service, text: str) -> None:
    """R, Go and JavaScript write large ones so; the experiment is the same."""
    plain = spec(optimizer={"kind": "gradient_descent", "step_size": 0.003, "warmup_steps": 100_000})
    body = json.dumps(plain).replace("100000", text)
    answer = api.client.post(EXPERIMENTS, content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["id"] == api.post(plain).json()["id"]


def test_a_byte_order_mark_before_a_spec_is_passed_over(api: Service) -> None:
    """Windows writes one, as before CSV."""
    body = b"\xef\xbb\xbf" + json.dumps(spec()).encode()
    answer = api.client.post(EXPERIMENTS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["id"]) == (202, api.post(spec()).json()["id"])


def test_a_spec_has_at_most_a_million_bytes() -> None:
    """Data that take more are uploaded."""
    large = service(max_body_bytes=5_000_000)
    with large.client:
        fitting = json.dumps(spec()).encode().ljust(MOST_SPEC_BYTES)
        headers = {"Content-Type": "application/json"}
        assert large.client.post(EXPERIMENTS, content=fitting, headers=headers).status_code == 202
        document = assert_problem(large.client.post(EXPERIMENTS, content=fitting + b" ", headers=headers), 413)
        assert "upload" in document["detail"]
