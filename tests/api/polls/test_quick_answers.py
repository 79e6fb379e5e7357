"""Polls that are answered before any other layer: the same to the byte, and only where no layer has anything to say."""

from typing import Any
from unittest.mock import patch

import pytest

from api.http.outermost import OutermostMiddleware
from api.polls.quick_answers import MOST_BYTES, QuickAnswersMiddleware
from core.kept_within import ENTRY_BYTES
from jobs.records import Queue
from tests.api.polls.test_quick_curves import finished, sent
from tests.api.service import EXPERIMENTS, Service, service, spec

_LAYER = "api.http.outermost.OutermostMiddleware.__call__"
_PARTS = ("", "/curves", "/curves?points=2")


def by_all_layers(api: Service, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What comes over the wire where nothing is answered quickly."""
    with patch.object(QuickAnswersMiddleware, "_asked", lambda *_: None):
        return sent(api, path, **headers)


@pytest.mark.parametrize("part", _PARTS)
@pytest.mark.parametrize("coding", ["identity", "gzip", "gzip;q=0, *"])
def test_a_second_poll_meets_no_layer_and_is_the_same(api: Service, part: str, coding: str) -> None:
    """Status, headers and bytes; also to who knows the answer already."""
    path, asked = f"{EXPERIMENTS}/{finished(api, name='x' * 100)}{part}", {"Accept-Encoding": coding}
    made = by_all_layers(api, path, **asked)
    known = by_all_layers(api, path, **asked, **{"If-None-Match": made[1]["etag"]})
    other = {"If-None-Match": '"another"'}
    assert sent(api, path, **asked) == made
    with patch(_LAYER, side_effect=AssertionError("it is answered before")):
        assert sent(api, path, **asked) == made
        assert sent(api, path, **asked, **other) == made
        assert sent(api, path, **asked, **{"If-None-Match": made[1]["etag"]}) == known
    assert known[0] == 304


def test_every_answer_has_an_id_of_its_own(api: Service) -> None:
    """By which it is found in a log."""
    path = f"{EXPERIMENTS}/{finished(api)}"
    ids = {api.get(path).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert {len(each) for each in ids} == {32}


def test_what_has_changed_is_answered_anew(api: Service) -> None:
    """A name, notes, the end of the work, and a deletion."""
    identifier = api.submit()
    path = f"{EXPERIMENTS}/{identifier}"
    api.plan(identifier)
    claim = api.store.claim(Queue.BATCH, worker="worker")
    assert claim is not None
    for _ in range(2):
        assert api.get(path).json()["status"] == "running"
    api.store.complete(claim)
    assert api.get(path).json()["status"] == "failed"
    for change in ({"name": "other"}, {"notes": "of today"}, {"tags": ["new"]}):
        api.get(path)
        api.client.patch(path, json=change)
        assert api.get(path).json().items() >= change.items()
    assert api.client.delete(path).status_code == 204
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example.com"}, 421),
        ({"Prefer": "wait=0"}, 200),
        ({"X-Request-ID": "mine"}, 200),
        ({"X-Unknown": "1"}, 200),
        ({"Accept": "x" * 2000}, 200),
    ],
)
def test_what_says_more_meets_every_layer(api: Service, headers: dict[str, str], status: int) -> None:
    """Though the answer to who says nothing is kept."""
    path = f"{EXPERIMENTS}/{finished(api)}"
    assert [sent(api, path)[0] for _ in range(2)] == [200, 200]
    assert sent(api, path, **headers)[0] == status
    with patch(_LAYER, side_effect=AssertionError("it is answered by all layers")), pytest.raises(AssertionError):
        sent(api, path, **headers)


@pytest.mark.parametrize("settings", [{"keys": "required"}, {"root_path": "/here"}, {"trusted_proxies": "10.0.0.0/8"}])
def test_nothing_is_quick_where_an_answer_is_not_the_same_for_all(settings: dict[str, Any]) -> None:
    """Where keys are asked for, or a prefix stands before every link."""
    with service(**settings).client as client:
        assert client.app.quick is None  # type: ignore[attr-defined]  # the application is one


def test_what_waits_is_told_where_each_time(api: Service) -> None:
    """Its place in the line does not stand in its record."""
    first, second = (api.submit(data=spec()["data"] | {"seed": seed}) for seed in (1, 2))
    path = f"{EXPERIMENTS}/{second}"
    assert [api.get(path).json()["queue"]["position"] for _ in range(2)] == [2, 2]
    api.fail(first)
    assert api.get(path).json()["queue"]["position"] == 1


def test_no_more_is_kept_than_there_is_room_for(api: Service) -> None:
    """Whoever asks chooses how many questions there are."""
    path = f"{EXPERIMENTS}/{finished(api)}"
    for number in range(MOST_BYTES // ENTRY_BYTES):
        sent(api, path, Accept=f"application/json;n={number}")
    with patch(_LAYER, side_effect=AssertionError("it is forgotten")), pytest.raises(AssertionError):
        sent(api, path, Accept="application/json;n=0")


@pytest.mark.parametrize("part", _PARTS)
def test_an_answer_is_kept_under_the_record_that_it_was_made_of(api: Service, part: str) -> None:
    """Renamed while all layers answer, and back again: what was told in between is not told of what was before."""
    identifier = finished(api, name="mine")
    path, original = f"{EXPERIMENTS}/{identifier}{part}", OutermostMiddleware.__call__
    made = by_all_layers(api, path)

    async def renamed_meanwhile(*request: Any) -> None:
        api.store.edit(identifier, name="other")
        await original(*request)
        api.store.edit(identifier, name="mine")

    with patch(_LAYER, renamed_meanwhile):
        for _ in range(2):
            sent(api, path)
    assert sent(api, path) == made
