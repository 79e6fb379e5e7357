"""The documents as they are served: files of the site, and what stands there where none is built."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.documents import site
from tests.api.service import Service, service

INLINE = "document.title = 'made by a script';"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site of three files; a fourth lies beside it."""
    made = tmp_path / "site"
    (made / "how-to").mkdir(parents=True)
    (made / "index.html").write_text(f"<script>{INLINE}</script><style>p {{}}</style><a href=how-to/keys.html>é</a>")
    (made / "how-to" / "keys.html").write_text("<p>Keys")
    (made / "searchtools.js").write_text("let words;")
    (tmp_path / "secret.html").write_text("nobody's business")
    monkeypatch.setattr(site, "SITE", made)
    return made


@pytest.fixture
def api() -> Iterator[Service]:
    """The application."""
    one = service()
    with one.client:
        yield one


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.usefixtures("built")
def test_the_start_page_lies_under_docs(api: Service) -> None:
    """With a slash at its end, so that its links are relative to it; with a validator, as every answer."""
    assert api.client.get("/docs", follow_redirects=False).headers["location"] == "/docs/"
    page = api.get("/docs/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "é" in page.text
    again = api.client.get("/docs/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    assert api.get("/docs/how-to/keys.html").text == "<p>Keys"


@pytest.mark.usefixtures("built")
def test_a_page_may_run_what_stands_in_it_and_nothing_else(api: Service) -> None:
    """Its policy has the digests of its own script and style; a file of scripts has none to have."""
    policy = api.get("/docs/").headers["content-security-policy"].split("; ")
    assert {
        "default-src 'none'",
        f"script-src 'self' {_source(INLINE)}",
        f"style-src 'self' {_source('p {}')}",
        "frame-ancestors 'none'",
    } <= set(policy)
    assert "script-src 'self'" in api.get("/docs/how-to/keys.html").headers["content-security-policy"].split("; ")
    assert api.get("/docs/searchtools.js?v=1a2b").headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "path",
    [
        "no-such.html",
        "how-to",
        "how-to/",
        "../secret.html",
        "%2e%2e/secret.html",
        "..%2fsecret.html",
        "a%00b",
        "x" * 5000,
    ],
)
def test_nothing_but_the_site_is_told(api: Service, path: str) -> None:
    """No folder, nothing beside it, and no name that no file can have."""
    answer = api.client.get(f"/docs/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_where_none_is_built_it_says_how_and_the_api_is_described(
    api: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a page, which leads on; other pages are not found."""
    monkeypatch.setattr(site, "SITE", tmp_path / "nowhere")
    page = api.get("/docs/")
    assert "make site" in page.text
    assert 'href="api"' in page.text
    assert "openapi.json" in api.get("/docs/api").text
    assert api.client.get("/docs/index.html").status_code == 404


@pytest.mark.usefixtures("built")
def test_links_hold_under_a_prefix() -> None:
    """The redirect is to the place as whoever asks sees it."""
    one = service(root_path="/stepbias")
    with one.client:
        assert one.client.get("/docs", follow_redirects=False).headers["location"] == "/stepbias/docs/"
