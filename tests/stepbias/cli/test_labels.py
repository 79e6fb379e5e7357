"""`stepbias rename`, `tag`, `note` and the filters of `list`: what is asked of the service, and what is printed."""

import json
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result

from stepbias import Client
from stepbias.cli import submit
from stepbias.cli.main import app
from tests.stepbias.client.stub import ADDRESS, experiment


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Request]:
    """What is asked of a service with one experiment, which is edited as it should be."""
    known: dict[str, Any] = experiment("succeeded", tags=["a", "b"], notes="first")
    requests: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("version"):
            return httpx2.Response(200, json={})
        requests.append(request)
        if request.method == "PATCH":
            edit = json.loads(request.content)
            removed, added = edit.pop("remove_tags", []), edit.pop("add_tags", [])
            known["tags"] = list(dict.fromkeys([*(tag for tag in known["tags"] if tag not in removed), *added]))
            known.update(edit)
        listed = {"experiments": [] if "none" in str(request.url) else [known]}
        return httpx2.Response(200, json=listed if request.url.path.endswith("experiments") else known)

    transport = httpx2.MockTransport(answer)
    monkeypatch.setattr(submit, "connect", lambda url, **_: Client(url, transport=transport))
    return requests


def run(*words: str) -> Result:
    """The end of a command."""
    return CliRunner().invoke(app, [*words, "--url", ADDRESS])


def test_tags_are_added_and_taken_away(asked: list[httpx2.Request]) -> None:
    """Each once, in order; all that there are now are printed."""
    assert run("tag", "e1", "c", "a").stdout.split() == ["a", "b", "c"]
    assert run("tag", "e1", "--remove", "a", "c").stdout.split() == ["b"]
    assert [request.method for request in asked] == ["GET", "PATCH"] * 2
    edits = [json.loads(request.content) for request in asked if request.method == "PATCH"]
    assert edits == [{"add_tags": ["c", "a"]}, {"remove_tags": ["a", "c"]}]


def test_notes_are_printed_and_replaced(asked: list[httpx2.Request]) -> None:
    """Without a text nothing is changed."""
    assert run("note", "e1").stdout == "first\n"
    assert [request.method for request in asked] == ["GET"]
    assert run("note", "e1", "second").exit_code == 0
    assert run("note", "e1").stdout == "second\n"


def test_an_experiment_is_renamed(asked: list[httpx2.Request]) -> None:
    """Nothing else changes."""
    assert run("rename", "e1", "näher").exit_code == 0
    assert json.loads(asked[-1].content) == {"name": "näher"}


def test_a_list_is_filtered(asked: list[httpx2.Request]) -> None:
    """By what was given; where nothing has it, the list says so."""
    result = run("list", "--name", "sweep", "--tag", "a", "--tag", "b", "--since", "2026-01-01T00:00:00Z")
    assert "a sweep" in result.stdout
    query = asked[0].url.params
    assert (query["name"], query.get_list("tag"), query["since"]) == ("sweep", ["a", "b"], "2026-01-01T00:00:00Z")
    assert "status" not in query
    assert run("list", "--preset", "none").stderr == "there is no such experiment\n"
