"""The manifest: whoever follows it finds what it says."""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from fastapi import FastAPI

from api.exports.manifest import Manifest
from core.identity import NUMERICS_VERSION
from jobs.settings import Settings
from tests.api.service import assert_problem
from tests.api.working_service import WorkingService
from tests.reference.memory_store import MemoryStore

SPEC: dict[str, Any] = {
    "data": {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2, "seed": {"values": [0, 1]}},
    "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.5]}},
    "optimizer": {"kind": "gradient_descent", "step_size": 0.005},
    "stopping": {"loss_tolerance": 1e-8, "max_steps": 100_000, "finish": "iterate"},
}


@pytest.fixture(scope="module")
def service() -> Iterator[WorkingService]:
    """A service in memory."""
    settings = Settings()
    one = WorkingService.over(MemoryStore(settings), settings)
    with one.client:
        yield one


def _assert_true(service: WorkingService, documents: list[dict[str, Any]]) -> None:
    for document in documents:
        answer = service.get(document["href"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].partition(";")[0] == document["media_type"]
        assert len(answer.content) == document["bytes"]
        assert hashlib.sha256(answer.content).hexdigest() == document["sha256"]


def test_every_document_of_a_finished_experiment_is_where_the_manifest_says(service: WorkingService) -> None:
    """To the byte; the second time as the first, when what was read of the runs is kept."""
    place = service.done(SPEC)
    manifests = [service.document(f"{place}/manifest") for _ in range(2)]
    assert manifests[0] == manifests[1]
    documents = manifests[0]["documents"]
    _assert_true(service, documents)
    parts = ["spec", "results.json", "analysis?limit=1&cursor=0", "analysis?limit=1&cursor=1"]
    parts += ["analysis/0/interpolators.npz", "analysis/1/interpolators.npz"]
    assert [document["href"] for document in documents] == [f"{place}/{part}" for part in parts]
    kernels = {run["summary"]["kernel_id"] for run in service.document(f"{place}/runs")["runs"]}
    assert manifests[0]["kernel_ids"] == sorted(kernels)
    assert manifests[0]["numerics"] == NUMERICS_VERSION
    assert set(manifests[0]["software"]) >= {"stepbias", "numpy"}
    assert service.document(place)["links"]["manifest"] == f"{place}/manifest"


def test_every_run_is_what_its_digests_say(service: WorkingService) -> None:
    """The file to the byte, and each array in it; a run that is not stored has no line, one that is lost is missed."""
    place = service.done(SPEC | {"name": "digests", "stopping": {"max_steps": 70}})
    answer = service.get(service.document(f"{place}/manifest")["run_digests"])
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2, 3]
    for line in lines:
        content = service.get(line["href"]).content
        assert (len(content), hashlib.sha256(content).hexdigest()) == (line["bytes"], line["sha256"])
        assert line["key"] == service.grid(place).run(line["index"]).key
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            assert line["arrays"] == {
                name: hashlib.sha256(arrays[name].astype("<f8").tobytes()).hexdigest() for name in arrays
            }
            assert {"u_plus", "u_minus", "predictor", "true_predictor"} <= set(arrays)
    unbegun = service.submit(SPEC | {"name": "no runs", "stopping": {"max_steps": 77}})
    assert service.get(f"{unbegun}/manifest/runs.ndjson").text == ""
    assert isinstance(service.store, MemoryStore)
    service.store._runs.pop(lines[1]["key"])
    assert_problem(service.get(f"{place}/manifest/runs.ndjson"), 503)


def test_the_digests_of_finished_runs_have_an_entity_tag(service: WorkingService) -> None:
    """Who has them is not sent them again."""
    place = service.done(SPEC | {"name": "digests to keep", "stopping": {"max_steps": 70}})
    address = f"{place}/manifest/runs.ndjson"
    for coding in ("identity", "gzip"):
        tag = service.client.get(address, headers={"Accept-Encoding": coding}).headers["etag"]
        again = service.client.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.headers["etag"], again.content) == (304, tag, b"")


def test_a_figure_is_there_once_it_is_drawn(service: WorkingService, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not before: to look draws nothing."""
    place = service.done(SPEC | {"name": "drawn"})
    monkeypatch.setattr("api.figures.drawing.ring", lambda *_, **__: service.work_off())
    drawn = f"{place}/figures/risk.svg"
    assert service.get(drawn).status_code == 200
    figures = [each for each in service.document(f"{place}/manifest")["documents"] if "/figures/" in each["href"]]
    assert [each["href"] for each in figures] == [drawn]
    _assert_true(service, figures)


def test_an_experiment_that_is_not_finished_has_less(service: WorkingService) -> None:
    """No results that could be held to their digest later."""
    place = service.submit(SPEC | {"name": "not begun"})
    manifest = service.document(f"{place}/manifest")
    assert (manifest["runs_done"], manifest["kernel_ids"]) == (0, [])
    assert "results.json" not in {each["href"].rpartition("/")[2] for each in manifest["documents"]}
    _assert_true(service, manifest["documents"])
    assert_problem(service.get(f"{place}/manifest?format=xml"), 422)


def test_a_manifest_in_the_making_keeps_no_results_waiting(
    service: WorkingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes pauses, for as long as others are answered: two of them would hold both places of those who send."""
    state: Any = cast("FastAPI", service.client.app).state
    to_document, busy = Manifest.to_document, list[int]()

    def noting(manifest: Manifest) -> dict[str, Any]:
        busy.append(state.exporters.borrowed_tokens)
        return to_document(manifest)

    monkeypatch.setattr(Manifest, "to_document", noting)
    assert service.get(f"{service.submit(SPEC | {'name': 'in the making'})}/manifest").status_code == 200
    assert busy == [0]
