"""The page that shows the document."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

from api.openapi.page import page
from tests.api.service import service


class _Read(HTMLParser):
    """Elements, what they are called, and where they lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.attributes |= found.keys()
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(found["href"])] if "href" in found else []


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """Its policy allows its own style and nothing else."""
    one = service()
    with one.client:
        response = one.get("/docs/api")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    style = re.search(r"<style>(.*)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", f"style-src 'sha256-{digest}'", "frame-ancestors 'none'"} <= set(policy)
    read = _Read(response.text)
    assert not read.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not {each for each in read.attributes if each.startswith("on")} | (read.attributes & {"src", "style"})
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_every_operation_and_schema_is_on_the_page_and_every_link_leads_there(document: dict[str, Any]) -> None:
    """Once each."""
    read = _Read(page(document))
    wanted = {each["operationId"] for path in document["paths"].values() for each in path.values()}
    wanted |= {f"schema-{name}" for name in document["components"]["schemas"]}
    assert sorted(read.ids) == sorted(wanted)
    assert {link.removeprefix("#") for link in read.links} - {"../openapi.json", "./"} == wanted


def test_what_a_document_says_stays_text(document: dict[str, Any]) -> None:
    """Also where it looks like markup."""
    odd = "<script>alert(1)</script>\"'"
    info = document["info"] | {"title": odd, "description": odd, "version": odd}
    tags = [document["tags"][0] | {"description": odd}, *document["tags"][1:]]
    text = page(document | {"info": info, "tags": tags})
    assert "<script" not in text
    assert "&lt;script&gt;" in text
