"""The analysis of a data set as a spec would transform it, held to data that are transformed by hand."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from jobs.settings import Settings
from tests.api.service import assert_problem
from tests.api.working_service import WorkingService
from tests.reference.memory_store import MemoryStore

RNG = np.random.default_rng(5)
X, Y = RNG.normal(3.0, 1.0, (5, 8)), RNG.normal(2.0, 1.0, 5)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkingService]:
    """A service in memory, whose worker answers each ring."""
    settings = Settings()
    one = WorkingService.over(MemoryStore(settings), settings)
    monkeypatch.setattr("api.figures.drawing.ring", lambda *_, **__: one.work_off())
    with one.client:
        yield one


def _analysis(service: WorkingService, X: Any, y: Any, transform: dict[str, Any] | None = None) -> dict[str, Any]:
    uploaded = service.client.post("/v1/datasets", json={"X": X.tolist(), "y": y.tolist()}).json()["id"]
    query = {} if transform is None else {"transform": json.dumps(transform)}
    answer = service.client.get(f"/v1/datasets/{uploaded}/analysis", params=query)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def assert_alike(found: Any, expected: Any, name: str) -> None:
    """Equal but for the rounding of numbers, to any depth."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert_alike(found[key], value, f"{name}.{key}")
    elif isinstance(expected, list):
        for place, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_alike(one, other, f"{name}.{place}")
    else:
        is_number = isinstance(expected, float)
        assert found == (pytest.approx(expected, rel=1e-6, abs=1e-12) if is_number else expected), name


@pytest.mark.parametrize(
    ("transform", "by_hand"),
    [
        ({"X": "centre", "y": "centre"}, (X - X.mean(axis=0), Y - Y.mean())),
        ({"X": "none", "y": "centre"}, (X, Y - Y.mean())),
        ({"X": "standardise", "y": "centre"}, ((X - X.mean(axis=0)) / X.std(axis=0), Y - Y.mean())),
        ({"X": "offset", "offset": 1.5}, (X + 1.5, Y)),
        ({"y": "offset", "offset": -2.0}, (X, Y - 2.0)),
        ({"X": "centre"}, (X - X.mean(axis=0), Y)),
    ],
)
def test_a_transform_answers_for_the_data_so_transformed(
    service: WorkingService, transform: dict[str, Any], by_hand: tuple[Any, Any]
) -> None:
    """And not for those as they are, of which the answer stays what it was."""
    plain = _analysis(service, X, Y)
    found, expected = _analysis(service, X, Y, transform), _analysis(service, *by_hand)
    assert found != plain
    for name, value in expected.items():
        assert_alike(found[name], value, name)
    assert _analysis(service, X, Y) == _analysis(service, X, Y, {"X": "none", "offset": 0}) == plain


@pytest.mark.parametrize(
    "transform",
    [
        "{",
        "[]",
        "null",
        "",
        '{"X": "center"}',
        '{"Z": "none"}',
        '{"X": "offset"}',
        '{"offset": "secret"}',
        '{"X": "centre", "X": "none"}',
        '{"X": "offset", "offset": 1e101}',
    ],
)
def test_what_is_no_transform_is_refused(service: WorkingService, transform: str) -> None:
    """By the parameter; what was given is not repeated."""
    uploaded = service.client.post("/v1/datasets", json={"X": X.tolist(), "y": Y.tolist()}).json()["id"]
    answer = service.client.get(f"/v1/datasets/{uploaded}/analysis", params={"transform": transform})
    (error,) = assert_problem(answer, 422)["errors"]
    assert error["parameter"] == "transform"
    assert error["detail"]
    assert not any(word in answer.text for word in ("center", "secret", "pydantic", "input_value"))
