"""The site of the documents, built as it is served: warnings are errors, every link leads somewhere, nothing is far."""

import os
import posixpath
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest

from docs.make_site import ROOT, SERVED, sources

THINGS: Final = {
    "a first picture": "tutorials/first-figure.html",
    "what becomes of data of one's own": "tutorials/own-data.html",
    "a sweep in a notebook": "tutorials/notebook.html",
    "how workers run on other hosts": "how-to/many-hosts.html",
    "how keys are given out and taken back": "how-to/keys.html",
    "how a backup is restored": "how-to/backup.html#restore",
    "what an upgrade does to stored work": "how-to/upgrade.html",
    "an exercise for a class": "examples/exercise.html",
    "what a new optimiser touches": "how-to/optimiser.html",
    "what an endpoint answers": "api",
    "an option of a command": "reference/commands.html#submit",
    "a method of the client": "reference/client.html#experimenthandle-trajectory",
    "what a field of a spec takes": "reference/spec.html#stopping",
    "formula and unit of a result": "reference/variables.html",
    "a setting": "reference.html#settings",
    "what α is": "glossary.html#for-students",
    "the proof of the completion bound": "science/completion.html#the-theorem-d-2-and-uv",
    "what moves a job may make": "explanation/jobs.html",
    "where the code of something is": "map.html#where-is",
    "why a message is only a doorbell": "decisions/0005-the-store-is-the-truth.html",
    "what is promised when machines fail": "reliability.html#what-is-promised",
    "what was measured, and by which command": "performance.html",
    "which suites run for hours": "CONTRIBUTING.html#slow-suites",
    "what the last version changed": "CHANGELOG.html",
}
"""What one who carries the project on looks for, and where it stands."""


class Page(HTMLParser):
    """A page of the site: its anchors, its links, those of its text alone, what it loads, names of attributes."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.text_links: set[str] = set()
        self.loaded: set[str] = set()
        self.told: set[str] = set()
        self.alternatives: list[str] = []
        self._is_text = False
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what there is of interest."""
        found = {name: value or "" for name, value in attrs}
        self._is_text |= tag == "article"
        self.told |= found.keys()
        self.anchors |= {found["id"]} if "id" in found else set()
        self.loaded |= {found["src"]} if "src" in found else set()
        self.alternatives += [found.get("alt", "")] if tag == "img" else []
        if tag == "link" and found.get("rel") in {"stylesheet", "icon", "prefetch"}:
            self.loaded.add(found["href"])
        elif tag == "a" and "href" in found:
            self.links.add(found["href"])
            self.text_links |= {found["href"]} if self._is_text else set()

    def handle_endtag(self, tag: str) -> None:
        """Remember where the text ends."""
        self._is_text &= tag != "article"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "docs.make_site", str(target)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return target


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Its pages, by their addresses."""
    return {file.relative_to(site).as_posix(): Page(file) for file in site.rglob("*.html")}


def _place(page: str, link: str) -> tuple[str, str]:
    """Where a link within the site leads: to which address, and to which anchor there."""
    parts = urlsplit(link)
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path))) if parts.path else page
    return path, unquote(parts.fragment)


def _inner(links: set[str]) -> Iterator[str]:
    return (link for link in links if not urlsplit(link).scheme)


def test_every_link_and_every_anchor_is_there(site: Path, pages: dict[str, Page]) -> None:
    """In the text, in the tables of contents, and to files; what the service itself answers is named in one table."""
    assert len(pages) > 60
    strays = set()
    for name, page in pages.items():
        for link in _inner(page.links):
            path, anchor = _place(name, link)
            is_there = path in SERVED.values() or (site / path).is_file()
            if not is_there or (anchor and path in pages and anchor not in pages[path].anchors):
                strays.add((name, link))
    assert strays == set()


def test_links_to_elsewhere_are_encrypted_or_to_this_machine(pages: dict[str, Page]) -> None:
    """A page names no host that one would ask in the clear."""
    outer = {link for page in pages.values() for link in page.links if urlsplit(link).scheme}
    assert len(outer) > 5
    assert {link for link in outer if not link.startswith(("https://", "http://127.0.0.1:8000"))} == set()


def test_what_is_looked_for_is_two_clicks_away(pages: dict[str, Page]) -> None:
    """By the links of the texts alone, from the start page: the menu beside them has every page in one."""
    clicks = {"index.html": 0}
    for distance in (1, 2, 3):
        near = [name for name, known in clicks.items() if known == distance - 1 and name in pages]
        for name in near:
            for link in _inner(pages[name].text_links):
                clicks.setdefault(_place(name, link)[0], distance)
    far = {thing: clicks.get(_place("index.html", place)[0]) for thing, place in THINGS.items()}
    assert {thing: number for thing, number in far.items() if number not in {1, 2}} == {}
    assert len(THINGS) >= 20
    anchors = [_place("index.html", place) for place in THINGS.values() if "#" in place]
    assert [(path, anchor) for path, anchor in anchors if anchor not in pages[path].anchors] == []


def test_pages_load_nothing_from_elsewhere_and_tell_elements_no_styles(pages: dict[str, Page]) -> None:
    """What a strict policy forbids is not there to be forbidden."""
    assert {link for page in pages.values() for link in page.loaded if urlsplit(link).netloc} == set()
    told = {name for page in pages.values() for name in page.told}
    assert {name for name in told if name == "style" or name.startswith("on")} == set()


def test_pictures_have_words_that_stand_for_them(pages: dict[str, Page]) -> None:
    """A sentence, not a name."""
    words = [alternative for page in pages.values() for alternative in page.alternatives]
    assert len(words) > 20
    assert [alternative for alternative in words if len(alternative.split()) < 8] == []


def test_an_image_is_built_of_all_that_the_site_is_made_of() -> None:
    """What lies outside of `docs/` is copied into the stage that builds it, and is not ignored."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    outside = {name for name in sources() if not name.startswith("docs/")}
    assert len(outside) > 3
    for name in sorted(outside):
        parts = [name, *map(str, Path(name).parents)]
        assert any(f"!{part}" in ignored for part in parts), name
        assert any(f"COPY {part} " in dockerfile or f" {part} ./" in dockerfile for part in parts), name


def test_a_page_without_a_place_in_the_order_is_refused(tmp_path: Path) -> None:
    """Nor is a link that leads nowhere let pass, nor an anchor."""
    (tmp_path / "index.md").write_text("# Start\n\n[away](nowhere.md) and [here](#not-here)\n")
    (tmp_path / "lost.md").write_text("# Lost\n")
    options = ["-b", "html", "-c", str(ROOT / "docs" / "site"), "-W", "--keep-going", "-q"]
    command = [sys.executable, "-m", "sphinx", *options, str(tmp_path), str(tmp_path / "out")]
    built = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"})
    assert built.returncode == 1
    for complaint in ("nowhere.md", "not-here", "lost.md"):
        assert complaint in built.stderr
