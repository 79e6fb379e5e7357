"""Hostile requests are answered as they are meant to be, and say nothing of what they were."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.service import EXPERIMENTS, Service, service, spec
from tests.contract.hostile import MARK, ROWS, Hostile


@pytest.fixture(scope="module")
def target() -> Iterator[tuple[Service, str]]:
    """A service, and an experiment of it that stays."""
    one = service()
    with one.client:
        identifier = one.submit()
        yield one, identifier
        assert [each["id"] for each in one.get(EXPERIMENTS).json()["experiments"]] == [identifier]
        assert one.post(spec()).status_code == 200


def said(document: dict[str, Any]) -> str:
    """A problem without the names of what is wrong: a pointer or parameter has to name it."""
    return str(document | {"errors": [each["detail"] for each in document["errors"]]})


def test_there_are_as_many_as_were_thought_of() -> None:
    """And no two are the same."""
    assert len(ROWS) >= 300
    assert len({(row.method, row.path, row.body, str(row.headers)) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", [pytest.param(row, id=str(number)) for number, row in enumerate(ROWS)])
def test_a_hostile_request_is_refused(row: Hostile, target: tuple[Service, str]) -> None:
    """With its status, as a problem document, and without a word of it."""
    one, identifier = target
    path = row.path.replace("{id}", identifier)
    response = one.client.request(row.method, path, content=row.body, headers=row.headers)
    assert response.status_code == row.status, (row.name, response.text[:300])
    assert response.headers["content-type"] == "application/problem+json"
    assert MARK not in said(response.json()), row.name
