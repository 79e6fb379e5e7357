"""Names, tags, notes, short ids, lists, wishes and idempotency keys over HTTP."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from jobs.records import Order, Priority, Wishes
from tests.api.service import EXPERIMENTS, Service, assert_problem, pointers, spec


def patch(api: Service, identifier: str, document: Any, media_type: str = "application/merge-patch+json") -> Any:
    """The answer to an edit."""
    content = document if isinstance(document, bytes) else json.dumps(document)
    return api.client.patch(f"{EXPERIMENTS}/{identifier}", content=content, headers={"Content-Type": media_type})


def listed(api: Service, query: str) -> list[str]:
    """The names that a query finds."""
    response = api.get(f"{EXPERIMENTS}?{query}")
    assert response.status_code == 200, response.text
    return [each["name"] for each in response.json()["experiments"]]


def test_the_same_spec_under_other_tags_says_what_it_took_over(api: Service) -> None:
    """200, and it is found by each tag."""
    first = api.post(spec(tags=["one"])).json()
    response = api.post(spec(tags=["two", "one"]))
    assert response.status_code == 200
    document = response.json()
    assert (document["id"], document["tags"]) == (first["id"], ["one", "two"])
    assert (first["is_new"], first["tags_added"]) == (True, [])
    assert (document["is_new"], document["tags_added"]) == (False, ["two"])
    for tag in ("one", "two"):
        assert len(listed(api, f"tag={tag}")) == 1


def test_a_merge_patch_changes_what_it_names(api: Service) -> None:
    """Null takes away; the spec stays as it was submitted."""
    identifier = api.submit(name="old", tags=["a"])
    document = patch(api, identifier, {"name": "né", "notes": "line one\nline two"}).json()
    assert (document["name"], document["tags"], document["notes"]) == ("né", ["a"], "line one\nline two")
    document = patch(api, identifier, {"tags": ["b", "c"], "notes": None}, "application/json").json()
    assert (document["name"], document["tags"], document["notes"]) == ("né", ["b", "c"], "")
    assert patch(api, identifier, {}).json()["tags"] == ["b", "c"]
    assert api.get(f"{EXPERIMENTS}/{identifier}/spec").json()["name"] == "old"
    assert_problem(patch(api, "0" * 32, {"name": "x"}), 404)


def test_tags_are_added_and_removed_whatever_others_do(api: Service) -> None:
    """Many at once lose none."""
    identifier = api.submit(tags=["old"])
    with ThreadPoolExecutor(4) as threads:
        edits = [{"add_tags": [f"t{number}"]} for number in range(12)]
        assert {each.status_code for each in threads.map(lambda edit: patch(api, identifier, edit), edits)} == {200}
    document = patch(api, identifier, {"remove_tags": ["old"], "add_tags": ["new", "t0"]}).json()
    assert sorted(document["tags"]) == sorted(["new", *(f"t{number}" for number in range(12))])
    many = [str(number) for number in range(95)]
    assert_problem(patch(api, identifier, {"add_tags": many}), 409)


def test_an_edit_may_be_of_what_was_seen_alone(api: Service) -> None:
    """By the strong tag of the experiment object, plain or packed; a weak one names nothing here."""
    place = f"{EXPERIMENTS}/{api.submit()}"
    for edit, wish in (({"name": "one"}, "identity"), ({"notes": "n" * 3000}, "identity"), ({"name": "two"}, "gzip")):
        tag = api.client.get(place, headers={"Accept-Encoding": wish}).headers["etag"]
        assert tag.endswith('-gzip"') == (wish == "gzip")
        for other in ('"other"', f"W/{tag}", ""):
            refused = api.client.patch(place, json=edit, headers={"If-Match": other})
            assert assert_problem(refused, 412)["type"].endswith("not-as-known")
        assert api.client.patch(place, json=edit, headers={"If-Match": f'"x", {tag}'}).status_code == 200
        assert_problem(api.client.patch(place, json={"name": "late"}, headers={"If-Match": tag}), 412)
    assert api.client.patch(place, json={"name": "any"}, headers={"If-Match": "*"}).json()["name"] == "any"
    assert_problem(api.client.patch(f"{EXPERIMENTS}/{'0' * 32}", json={}, headers={"If-Match": "*"}), 404)


def test_an_edit_between_the_look_and_the_edit_is_not_lost(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held against the tag is what is there when it is edited."""
    place = f"{EXPERIMENTS}/{api.submit()}"
    tag, edit = api.get(place).headers["etag"], api.store.edit

    def late(experiment_id: str, **changes: Any) -> Any:
        edit(experiment_id, name="quick")
        return edit(experiment_id, **changes)

    monkeypatch.setattr(api.store, "edit", late)
    assert_problem(api.client.patch(place, json={"name": "slow"}, headers={"If-Match": tag}), 412)
    assert api.get(place).json()["name"] == "quick"


@pytest.mark.parametrize("act", ["cancel", "retry", "delete"])
def test_nothing_is_done_to_what_has_changed_between_the_look_and_the_act(
    api: Service, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """What is held against the tag is what is there when it is done; `*` is whatever is there."""
    identifier = api.submit()
    if act != "cancel":
        api.fail(identifier)
    place = f"{EXPERIMENTS}/{identifier}"
    method, url = ("DELETE", place) if act == "delete" else ("POST", f"{place}/{act}")
    tag, done, status = api.get(place).headers["etag"], getattr(api.store, act), api.get(place).json()["status"]

    def late(experiment_id: str, **more: Any) -> Any:
        api.store.edit(experiment_id, notes="leave it")
        return done(experiment_id, **more)

    monkeypatch.setattr(api.store, act, late)
    refused = api.client.request(method, url, headers={"If-Match": tag})
    assert assert_problem(refused, 412)["type"].endswith("not-as-known")
    assert (api.get(place).json()["notes"], api.get(place).json()["status"]) == ("leave it", status)
    assert api.client.request(method, url, headers={"If-Match": "*"}).is_success


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"name": 3}, "/name"),
        ({"add_tags": "a"}, "/add_tags"),
        ({"add_tags": ["a\u202e"]}, "/add_tags/0"),
        ({"remove_tags": None}, "/remove_tags"),
        ({"name": "a\u202eb"}, "/name"),
        ({"tags": ["a", "b\u2028"]}, "/tags/1"),
        ({"tags": "a"}, "/tags"),
        ({"tags": [""]}, "/tags/0"),
        ({"notes": "n" * 10_001}, "/notes"),
        ({"notes": "a\u2066b"}, "/notes"),
        ({"notes": "a\0b"}, "/notes"),
        ({"status": "succeeded"}, "/status"),
        ([], ""),
    ],
)
def test_an_edit_that_is_none_is_pointed_at(api: Service, document: Any, pointer: str) -> None:
    """And changes nothing."""
    identifier = api.submit(name="old")
    assert pointers(assert_problem(patch(api, identifier, document), 422)) == [pointer]
    assert api.get(f"{EXPERIMENTS}/{identifier}").json()["name"] == "old"


def test_an_edit_has_a_media_type_and_a_size(api: Service) -> None:
    """415 and 413."""
    identifier = api.submit()
    assert_problem(patch(api, identifier, {}, "text/plain"), 415)
    assert_problem(patch(api, identifier, {"notes": "a" * 30_000}), 413)
    assert_problem(patch(api, identifier, b"{"), 400)


@pytest.mark.parametrize("character", ["\u202e", "\u2067", "\u2028", "\u2029", "\x85"])
def test_labels_that_would_reorder_or_break_a_line_are_refused(api: Service, character: str) -> None:
    """At submission and estimate, with the code point and not the character."""
    hostile = spec(name=f"a{character}b", tags=["fine", f"c{character}"])
    for path in (EXPERIMENTS, f"{EXPERIMENTS}/estimate"):
        response = api.post(hostile, path)
        document = assert_problem(response, 422)
        assert pointers(document) == ["/name", "/tags/1"]
        assert character not in response.text
        assert (character == "\x85") or f"U+{ord(character):04X}" in document["errors"][0]["detail"]


def test_names_of_every_script_are_taken(api: Service) -> None:
    """Right to left, joined, and combined."""
    for name in ("تجربة", "ניסוי 1", "क्षेत्र", "👩‍🔬 η*", "می‌خواهم"):
        assert api.post(spec(name=name)).status_code == 202


def test_filters_are_repeated(api: Service) -> None:
    """Statuses are alternatives, tags add up; names match in part."""
    first = api.submit(name="Größe one", tags=["a", "b"])
    api.submit(name="two", tags=["a"])
    api.client.post(f"{EXPERIMENTS}/{first}/cancel")
    assert listed(api, "status=planning&status=cancelled") == ["two", "Größe one"]
    assert listed(api, "tag=a&tag=b") == ["Größe one"]
    assert listed(api, "name=GR%C3%B6%C3%9FE") == ["Größe one"]
    assert listed(api, "since=2000-01-01T00:00:00Z&until=2999-01-01T00:00:00%2B02:00") == ["two", "Größe one"]
    assert listed(api, "until=2000-01-01T00:00:00Z") == []
    assert listed(api, "preset=figure-1") == []
    api.post(api.get("/v1/presets/figure-1").json())
    assert listed(api, "preset=figure-1") == ["figure-1, demo"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=1_0", "limit"),
        ("limit=+5", "limit"),
        ("limit=1.0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("name=a&name=b", "name"),
        ("since=1700000000", "since"),
        ("since=2026-01-01", "since"),
        ("until=2026-01-01T00:00:00+01:00", "until"),
        ("preset=nobody's", "preset"),
        ("status=asleep", "status"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(api: Service, query: str, parameter: str) -> None:
    """Rather than taken for something."""
    document = assert_problem(api.get(f"{EXPERIMENTS}?{query}"), 422)
    assert [error["parameter"] for error in document["errors"]] == [parameter]


@pytest.mark.parametrize("time", ["2026-01-31T24:00:00Z", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z"])
def test_a_time_that_there_never_is_is_called_so(api: Service, time: str) -> None:
    """It is written as a time; what is wrong is another thing."""
    (error,) = assert_problem(api.get(f"{EXPERIMENTS}?since={time}"), 422)["errors"]
    assert error["detail"] == "there is no such time"


def test_the_next_page_keeps_repeated_filters(api: Service) -> None:
    """Each of them."""
    for number in range(3):
        api.submit(name=str(number), tags=["a", "b"])
        api.submit(name=f"other {number}", tags=["b"])
    seen, url = [], f"{EXPERIMENTS}?tag=a&tag=b&limit=1"
    while url:
        response = api.get(url)
        seen += [each["name"] for each in response.json()["experiments"]]
        url = response.links.get("next", {}).get("url", "")
    assert seen == ["2", "1", "0"]


def test_an_id_may_be_cut_short(api: Service) -> None:
    """To eight digits of either case, wherever it is taken; what is answered has the whole one."""
    identifier = api.submit()
    for short in (identifier[:8], identifier[:8].upper(), identifier[:31], identifier.upper()):
        assert api.get(f"{EXPERIMENTS}/{short}").json()["id"] == identifier
    assert api.get(f"{EXPERIMENTS}/{identifier[:8]}/runs").status_code == 200
    for short, told in ((identifier[:7], "7 digits"), ("A", "1 digit:")):
        assert told in assert_problem(api.get(f"{EXPERIMENTS}/{short}/runs"), 404)["detail"]
    assert "digits" not in assert_problem(api.get(f"{EXPERIMENTS}/my-own"), 404)["detail"]
    assert api.client.post(f"{EXPERIMENTS}/{identifier[:9]}/cancel").json()["id"] == identifier
    assert api.client.delete(f"{EXPERIMENTS}/{identifier[:9]}").status_code == 204
    assert_problem(api.get(f"{EXPERIMENTS}/{identifier[:8]}"), 404)


def test_an_ambiguous_id_names_the_candidates(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """409, until a digit decides."""
    ids = [f"0123456789abcdef{digit}fedcba987654321" for digit in "ab"]
    remaining = iter(ids)
    monkeypatch.setattr("secrets.token_hex", lambda _: next(remaining))
    for name in "ab":
        api.store.submit(spec=b"", content_hash=name, name=name, tags=(), runs=1)
    monkeypatch.undo()
    document = assert_problem(api.get(f"{EXPERIMENTS}/0123456789"), 409)
    assert [error["detail"] for error in document["errors"]] == ids
    assert api.get(f"{EXPERIMENTS}/0123456789abcdefb").json()["name"] == "b"


def test_wishes_are_no_part_of_a_spec(api: Service) -> None:
    """They are told back; submitted again, an experiment keeps its own."""
    query = "?order=shuffled&stop_at_first_failure=true&priority=batch"
    document = api.post(spec(), f"{EXPERIMENTS}{query}").json()
    assert document["execution"] == {"order": "shuffled", "stop_at_first_failure": True, "priority": "batch"}
    again = api.post(spec())
    assert (again.status_code, again.json()["execution"]) == (200, document["execution"])
    wishes = Wishes(order=Order.SHUFFLED, stop_at_first_failure=True, priority=Priority.BATCH)
    assert api.store.experiment(document["id"]).wishes == wishes
    assert_problem(api.post(spec(), f"{EXPERIMENTS}?order=random"), 422)
    assert_problem(api.post(spec(), f"{EXPERIMENTS}/estimate?order=grid"), 422)


def test_an_experiment_says_where_it_waits(api: Service) -> None:
    """While it does."""
    first, second = api.submit(name="one"), api.submit(name="two")
    place = api.get(f"{EXPERIMENTS}/{second}").json()["queue"]
    assert place == {"queue": "interactive", "position": 2, "experiments_ahead": 1, "seconds_ahead": 1.0}
    api.plan(first)
    assert api.get(f"{EXPERIMENTS}/{first}").json()["queue"]["queue"] == "batch"
    api.client.post(f"{EXPERIMENTS}/{first}/cancel")
    assert api.get(f"{EXPERIMENTS}/{first}").json()["queue"] is None


def test_what_is_not_there_yet_says_when_to_ask_again(api: Service) -> None:
    """And what never comes does not."""
    identifier = api.submit()
    place = f"{EXPERIMENTS}/{identifier}"
    asked = [lambda: api.get(f"{place}/figures/risk.png"), lambda: api.get(f"{place}/runs/0/arrays")]
    for ask in (*asked, lambda: api.client.delete(place)):
        response = ask()
        assert_problem(response, 409)
        assert int(response.headers["retry-after"]) >= 1
    api.client.post(f"{place}/cancel")
    for ask in asked:
        response = ask()
        assert_problem(response, 409)
        assert "retry-after" not in response.headers


def keyed(api: Service, method: str, path: str, key: str, **request: Any) -> httpx2.Response:
    """The answer to a request with a key."""
    headers = {"Idempotency-Key": key} | request.pop("headers", {})
    return api.client.request(method, path, headers=headers, **request)


def test_a_request_sent_again_under_its_key_is_done_once(api: Service) -> None:
    """Submitted, edited, cancelled and deleted: the same answer, though everything has changed meanwhile."""
    first = keyed(api, "POST", EXPERIMENTS, "s", json=spec())
    place = f"{EXPERIMENTS}/{first.json()['id']}"
    edited = keyed(api, "PATCH", place, "e", json={"name": "x"})
    cancelled = keyed(api, "POST", f"{place}/cancel", "c")
    again = keyed(api, "POST", EXPERIMENTS, "s", json=spec())
    assert (again.status_code, again.json(), again.headers["location"]) == (202, first.json(), place)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert keyed(api, "PATCH", place, "e", json={"name": "x"}).json() == edited.json()
    assert keyed(api, "POST", f"{place}/cancel", "c").json()["status"] == "cancelled"
    deleted = keyed(api, "DELETE", place, "d")
    assert (first.status_code, edited.status_code, cancelled.status_code, deleted.status_code) == (202, 200, 200, 204)
    last = keyed(api, "DELETE", place, "d")
    assert (last.status_code, last.content) == (204, b"")
    for method, path, key, body in [
        ("POST", EXPERIMENTS, "s", spec()),
        ("PATCH", place, "e", {"name": "x"}),
        ("POST", f"{place}/cancel", "c", None),
    ]:
        # Neither done again, nor told as if it were still so.
        gone = keyed(api, method, path, key, **({} if body is None else {"json": body}))
        assert assert_problem(gone, 410)["type"].endswith(":gone")
    assert api.store.experiments().experiments == ()


def test_a_key_belongs_to_one_request(api: Service) -> None:
    """Another body, path or query under it is refused."""
    keyed(api, "POST", EXPERIMENTS, "k", json=spec())
    assert_problem(keyed(api, "POST", EXPERIMENTS, "k", json=spec(name="other")), 422)
    assert_problem(keyed(api, "POST", f"{EXPERIMENTS}?order=shuffled", "k", json=spec()), 422)
    assert len(api.store.experiments().experiments) == 1


def test_a_refusal_is_judged_anew(api: Service) -> None:
    """What could not be deleted can be later, under the same key."""
    place = f"{EXPERIMENTS}/{api.submit()}"
    assert_problem(keyed(api, "DELETE", place, "k"), 409)
    api.client.post(f"{place}/cancel")
    assert keyed(api, "DELETE", place, "k").status_code == 204
    assert_problem(keyed(api, "POST", EXPERIMENTS, "m", content=b"{"), 415)
    assert keyed(api, "POST", EXPERIMENTS, "m", json=spec()).status_code == 202


def test_a_request_that_is_being_answered_says_so(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """409 with Retry-After, and the answer once it is there."""
    begun, go_on = threading.Event(), threading.Event()
    submit = api.store.submit

    def slow(**arguments: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return submit(**arguments)

    monkeypatch.setattr(api.store, "submit", slow)
    answers: list[httpx2.Response] = []
    thread = threading.Thread(target=lambda: answers.append(keyed(api, "POST", EXPERIMENTS, "k", json=spec())))
    thread.start()
    assert begun.wait(20)
    response = keyed(api, "POST", EXPERIMENTS, "k", json=spec())
    go_on.set()
    thread.join()
    assert assert_problem(response, 409)["type"].endswith("still-answering")
    assert response.headers["retry-after"] == "1"
    assert keyed(api, "POST", EXPERIMENTS, "k", json=spec()).json() == answers[0].json()


def test_a_request_is_under_way_for_as_long_as_it_takes(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so again and again, and no more once it is answered: what a process leaves that died passes soon."""
    monkeypatch.setattr("api.experiments.answered_once.UNDER_WAY_SECONDS", 0.03)
    submit, keep = api.store.submit, api.store.keep_answer
    kept: list[float] = []
    often = threading.Event()

    def slow(**arguments: Any) -> Any:
        assert often.wait(20)
        return submit(**arguments)

    def noted(key: str, answer: bytes, *, seconds: float, is_first: bool) -> bytes:
        kept.append(seconds)
        if kept.count(0.03) > 4:
            often.set()
        return keep(key, answer, seconds=seconds, is_first=is_first)

    monkeypatch.setattr(api.store, "submit", slow)
    monkeypatch.setattr(api.store, "keep_answer", noted)
    assert keyed(api, "POST", EXPERIMENTS, "k", json=spec()).status_code == 202
    assert set(kept[:-1]) == {0.03}
    assert kept[-1] > 80_000
    assert keyed(api, "POST", EXPERIMENTS, "k", json=spec()).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "a b", "ä".encode(), "k" * 201])
def test_a_key_that_is_none_is_refused(api: Service, key: Any) -> None:
    """And nothing is done."""
    assert_problem(keyed(api, "POST", EXPERIMENTS, key, json=spec()), 422)
    assert api.store.experiments().experiments == ()
