"""Curves that were asked for a moment ago: the same to the byte, and not for longer than they are true."""

import pickle
from typing import Any
from unittest.mock import patch

import pytest

from api.exports.recent_answers import RecentAnswers
from api.polls.quick_curves import QuickCurvesMiddleware
from core.results.result import decode_summary, encode_summary
from jobs.settings import Settings
from tests.api.keys.test_owners import House
from tests.api.service import EXPERIMENTS, Service, assert_problem, spec
from tests.reference.memory_store import MemoryDoorbell

_CHANGING = {"date", "x-request-id"}
_SCALES = {"initialization": {"kind": "uniform", "scale": {"start": 0.1, "stop": 1.0, "num": 60}}}


def finished(api: Service, **parts: Any) -> str:
    """An experiment whose curves are long enough to be sent as gzip; its id."""
    identifier = api.submit(**_SCALES, **parts)
    summary = decode_summary(encode_summary({"outcome": "converged", "excess_risk": 1 / 3}))
    api.train(identifier, [summary] * 120)
    return identifier


def sent(api: Service, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What comes over the wire."""
    with api.client.stream("GET", path, headers={"Accept-Encoding": "identity", **headers}) as answer:
        told = {name: value for name, value in answer.headers.items() if name not in _CHANGING}
        return answer.status_code, told, b"".join(answer.iter_raw())


def by_the_route(api: Service, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The same, where no answer is kept."""

    async def no_answer(*_: object) -> None:
        return None

    api.client.app.state.recent._kept = RecentAnswers()._kept  # type: ignore[attr-defined]  # the application is one
    with patch.object(QuickCurvesMiddleware, "_answer", no_answer):
        return sent(api, path, **headers)


@pytest.mark.parametrize("query", ["", "?y=steps", "?points=2", "?x=init_scale&y=excess_risk&where.step_size=0.002"])
@pytest.mark.parametrize("coding", ["identity", "gzip", "gzip;q=0, *"])
def test_a_kept_answer_is_what_the_route_sends(api: Service, query: str, coding: str) -> None:
    """Status, headers and bytes; also to who knows it already."""
    path = f"{EXPERIMENTS}/{finished(api)}/curves{query}"
    asked = {"Accept-Encoding": coding}
    made = by_the_route(api, path, **asked)
    with patch("api.routes.runs._curves", side_effect=AssertionError("it is kept")):
        assert sent(api, path, **asked) == made
        known = sent(api, path, **asked, **{"If-None-Match": made[1]["etag"]})
        assert (known[0], known[2]) == (304, b"")
        assert api.client.head(path, headers=asked).headers["etag"] == made[1]["etag"]
    assert known == by_the_route(api, path, **asked, **{"If-None-Match": made[1]["etag"]})


def test_what_is_kept_of_a_query_does_not_grow_with_it(api: Service) -> None:
    """Whoever asks chooses how long it is: a long question is found again, and kept in few bytes."""
    path = f"{EXPERIMENTS}/{finished(api)}/curves?points={'0' * 4000}2"
    made = by_the_route(api, path)
    assert made[0] == 200
    (question,) = api.client.app.state.recent._kept._kept  # type: ignore[attr-defined]  # the application is one
    assert len(pickle.dumps(question)) < 1000
    assert sent(api, path) == made


def test_a_rename_makes_no_other_answer_and_a_deletion_none(api: Service) -> None:
    """Kept answers are of what is there."""
    identifier = finished(api)
    path = f"{EXPERIMENTS}/{identifier}/curves"
    api.get(path)
    api.store.edit(identifier, name="other")
    assert sent(api, path) == by_the_route(api, path)
    api.store.delete(identifier)
    assert_problem(api.get(path), 404)


def test_what_has_lost_a_run_is_answered_anew(api: Service) -> None:
    """With the gap that there is."""
    identifier = finished(api)
    path = f"{EXPERIMENTS}/{identifier}/curves"
    assert api.get(path).json()["counts"]["missing"] == 0
    api.store._runs.clear()
    assert api.get(f"{EXPERIMENTS}/{identifier}/runs/0").status_code == 503
    assert api.get(f"{EXPERIMENTS}/{identifier}/runs/0").json()["summary"] is None
    assert api.get(path).json()["counts"]["missing"] > 0


def test_a_wrong_question_is_refused_each_time(api: Service) -> None:
    """Nothing of it is kept."""
    path = f"{EXPERIMENTS}/{finished(api)}/curves?z=1"
    for _ in range(2):
        assert_problem(api.get(path), 422)


def test_kept_answers_are_counted_like_others(api: Service) -> None:
    """By the template of their route."""
    path = f"{EXPERIMENTS}/{finished(api)}/curves"
    for _ in range(3):
        api.get(path)
    line = 'stepbias_http_requests_total{method="GET",route="/v1/experiments/{experiment_id}/curves",status="200"} 3.0'
    assert line in api.get("/metrics").text


def test_a_kept_answer_is_for_those_who_may_read_it() -> None:
    """Also where its owner has ceased to share the experiment since it was made."""
    house = House(Settings(keys="required"))
    submitted = house.ask("ada", "POST", EXPERIMENTS, json=spec(**_SCALES)).json()["id"]
    summary = decode_summary(encode_summary({"outcome": "converged", "excess_risk": 1 / 3}))
    Service(client=house.client, store=house.store, bell=MemoryDoorbell()).train(submitted, [summary] * 120)
    path = f"{EXPERIMENTS}/{submitted}/curves"

    def statuses() -> list[int]:
        return [house.ask(who, "GET", path).status_code for who in ("ada", "ben", "operator")]

    assert statuses() == [200, 404, 200]
    house.store.edit(submitted, shared=True)
    assert statuses() == [200, 200, 200]
    house.store.edit(submitted, shared=False)
    with patch("api.routes.runs._curves", side_effect=AssertionError("it is kept")):
        assert statuses() == [200, 404, 200]
