"""Deleting over HTTP: experiments, and the data sets that they use."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from jobs.errors import ForeignStore
from jobs.settings import Settings
from tests.reference.memory_store import MemoryDoorbell, MemoryStore

EXPERIMENTS, DATASETS = "/v1/experiments", "/v1/datasets"
DATA = {"X": [[1.0, 2.0, 0.5], [0.5, 1.0, 2.0]], "y": [1.0, 0.5]}


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A service without a worker."""
    settings = Settings()
    with TestClient(create_app(settings, MemoryStore(settings), MemoryDoorbell())) as one:
        yield one


def submitted(client: TestClient, **parts: Any) -> str:
    """Where a new experiment is."""
    spec = {
        "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
    }
    response = client.post(EXPERIMENTS, json=spec | parts)
    assert response.status_code == 202, response.text
    return str(response.headers["location"])


def refusal(client: TestClient, place: str, status: int) -> tuple[str, str]:
    """The kind and the detail of the problem with which a deletion is refused."""
    response = client.delete(place)
    assert response.status_code == status
    document = response.json()
    return document["type"].rpartition(":")[2], document["detail"]


def test_a_finished_experiment_is_deleted(client: TestClient) -> None:
    """204 without a body; then it is not there, for any question and in no list."""
    place, other = submitted(client, name="one"), submitted(client, name="other")
    client.post(f"{place}/cancel")
    response = client.delete(place)
    assert (response.status_code, response.content) == (204, b"")
    assert client.get(place).status_code == 404
    assert refusal(client, place, 404)[0] == "no-such-experiment"
    listed = client.get(EXPERIMENTS).json()["experiments"]
    assert [each["links"]["self"] for each in listed] == [other]


def test_an_experiment_under_way_is_not_deleted(client: TestClient) -> None:
    """409 says how it stands and what to do; it goes on."""
    place = submitted(client)
    kind, detail = refusal(client, place, 409)
    assert kind == "still-active"
    assert "this one is planning: cancel it" in detail
    assert client.get(place).json()["status"] == "planning"


def test_a_data_set_is_deleted_once_no_experiment_uses_it(client: TestClient) -> None:
    """A finished experiment uses it as well; with the last one gone it is still there, until it is deleted itself."""
    uploaded = client.post(DATASETS, json=DATA).json()
    place = uploaded["links"]["self"]
    users = [submitted(client, data={"kind": "dataset", "id": uploaded["id"]}, name=name) for name in ("one", "two")]
    for user in users:
        assert refusal(client, place, 409)[0] == "in-use"
        client.post(f"{user}/cancel")
        assert refusal(client, place, 409)[0] == "in-use"
        assert client.delete(user).status_code == 204
    assert client.get(place).status_code == 200
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404
    assert refusal(client, place, 404)[0] == "not-found"
    assert client.post(DATASETS, json=DATA).status_code == 201


@pytest.mark.parametrize("place", [f"{EXPERIMENTS}/nobody", f"{EXPERIMENTS}/a:b", f"{DATASETS}/nobody"])
def test_what_is_not_there_is_not_deleted(client: TestClient, place: str) -> None:
    """404, also for what cannot be an id."""
    assert client.delete(place).status_code == 404


def test_a_store_of_another_version_is_named_as_the_reason(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, for it is the operator who has to do something."""

    def refuse(*_: Any, **__: Any) -> None:
        raise ForeignStore("3")

    monkeypatch.setattr(MemoryStore, "look_around", refuse)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:stepbias:problem:foreign-store"
    assert "a version of stepbias with schema 3" in response.json()["detail"]
