"""The explorer as one document: what it is made of, who hands it out, and that it asks nobody for anything."""

import base64
import hashlib
import re
from collections import Counter
from pathlib import Path

from click.testing import CliRunner

from stepbias.cli.main import app
from stepbias.explorer.document import MODULES, PARTS, document, policy
from tests.api.service import service

MOST_BYTES = 70_000
_TOP_LEVEL = re.compile(r"^(?:export )?(?:const|let|class|function) ([\w$]+)", re.MULTILINE)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _between(start: str, end: str) -> str:
    return document().partition(start)[2].partition(end)[0]


def test_the_policy_allows_the_script_and_the_style_of_the_page_alone() -> None:
    """By their digests, in the page and in front of it; frames can be forbidden by a header alone."""
    allowed = _between('<meta http-equiv="Content-Security-Policy" content="', '"')
    script, style = _between('<script type="module">', "</script>"), _between("<style>", "</style>")
    assert f"script-src {_digest(script)}; style-src {_digest(style)};" in allowed
    assert allowed.startswith("default-src 'none';")
    assert policy() == f"{allowed}; frame-ancestors 'none'"


def test_all_parts_are_in_it_and_nothing_is_left_to_fetch() -> None:
    """Every module; a `<script>` or a rule of style that names an address would be refused by the policy, too."""
    assert {path.name for path in PARTS.iterdir()} == {*MODULES, "index.html", "style.css"}
    script = _between('<script type="module">', "</script>")
    assert not re.search(
        r"^(import|export) |\bimport\(|\bfetch\(|https?://(?!www\.w3\.org/2000/svg)", script, re.MULTILINE
    )
    assert not re.search(r"(?:src|href)=\"(?!#|data:,)", document())
    assert "url(" not in _between("<style>", "</style>")
    assert len(document().encode()) <= MOST_BYTES


def test_modules_that_become_one_script_share_no_name() -> None:
    """A second definition of a name would be a page that does nothing."""
    names = Counter(name for module in MODULES for name in _TOP_LEVEL.findall((PARTS / module).read_text("utf-8")))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


def test_service_and_command_hand_out_the_same_bytes(tmp_path: Path) -> None:
    """On stdout and in a file as well."""
    one = service()
    with one.client:
        answer = one.get("/explorer")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"] == policy()
    assert answer.content == document().encode()
    assert CliRunner().invoke(app, ["explorer"]).stdout_bytes == answer.content
    assert CliRunner().invoke(app, ["explorer", "--out", str(tmp_path / "page.html")]).exit_code == 0
    assert (tmp_path / "page.html").read_bytes() == answer.content
