"""The page's files: how they are sent, how much they weigh, and that what comes from others is what they made."""

import hashlib
import json
from pathlib import Path

import pytest

from api.page.files import POLICY, page_files
from tests.api.service import Service

ROOT = Path(__file__).parents[3]
VENDORED = ROOT / "tests/browser/vendor/vendored.json"
MOST_BYTES_OF_SCRIPT = 100_000


def test_the_page_and_each_of_its_files_are_sent_as_what_they_are(api: Service) -> None:
    """With the policy that lets nothing else in, and an entity tag."""
    answer = api.client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    for name, file in page_files().items():
        if name != "index.html":
            answer = api.client.get(f"/page/{name}")
            assert (answer.content, answer.headers["content-type"]) == (file.body, file.media_type)
            assert api.client.get(f"/page/{name}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("name", ["index.html", "static", "..%2Ffiles.py", "nothing.js"])
def test_nothing_else_is_sent(api: Service, name: str) -> None:
    """Neither what lies beside them nor what lies elsewhere."""
    assert api.client.get(f"/page/{name}").status_code == 404


def test_all_scripts_together_are_small() -> None:
    """As they are before any compression; there are none but ours."""
    scripts = [file.body for name, file in page_files().items() if name.endswith(".js")]
    assert sum(map(len, scripts)) <= MOST_BYTES_OF_SCRIPT


def test_what_others_made_is_as_they_made_it() -> None:
    """Every file is known by its digest, and no other is there."""
    told = json.loads(VENDORED.read_text(encoding="utf-8"))
    files = {name: file["sha256"] for each in told for name, file in each["files"].items()}
    found = {each.name for each in VENDORED.parent.iterdir()} - {VENDORED.name}
    assert found == set(files)
    for name, digest in files.items():
        assert hashlib.sha256((VENDORED.parent / name).read_bytes()).hexdigest() == digest
    assert all(each["licence"] and each["version"] and each["package"] for each in told)
