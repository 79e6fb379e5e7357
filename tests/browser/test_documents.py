"""The site of the documents in a browser: it is searched, read on a phone and in the dark, under its strict policy."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from api.documents import site
from tests.browser.conftest import axe_findings
from tests.stepbias.client.living_service import living_service

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service shows the site, which is built for it."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "docs.make_site", str(target)], cwd=ROOT, check=True)
    with pytest.MonkeyPatch.context() as patch, living_service() as living:
        patch.setattr(site, "SITE", target)
        yield f"{living.url}/docs"


def test_a_word_is_found(page: Page, documents: str) -> None:
    """By the search that runs in the browser, from the start page to the place."""
    page.goto(documents)
    page.get_by_placeholder("Search").first.fill("delayed bifurcation")
    page.keyboard.press("Enter")
    found = page.locator("#search-results a").first
    expect(found).to_be_visible()
    found.click()
    expect(page.get_by_role("main")).to_contain_text("delayed bifurcation")


def test_formulas_are_set_without_a_script(page: Page, documents: str) -> None:
    """As MathML, with the paper's numbers beside them."""
    page.goto(f"{documents}/science/mathematics.html")
    assert page.locator(".equation math").count() > 10
    expect(page.locator(".equation", has_text="(14)").locator("math")).to_be_visible()
    assert page.locator(".equation math").first.bounding_box()["height"] > 15


@pytest.mark.parametrize("path", ["index.html", "reference.html", "explanation/jobs.html", "api"])
def test_a_phone_does_not_scroll_sideways(page: Page, documents: str, path: str) -> None:
    """Wide tables scroll by themselves."""
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{documents}/{path}")
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 390


def test_it_is_dark_where_the_reader_is(page: Page, documents: str) -> None:
    """And light elsewhere; a click chooses, and is remembered on the next page."""
    page.emulate_media(color_scheme="dark")
    page.goto(f"{documents}/glossary.html")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) != dark
    page.locator(".theme-toggle-content button").click()
    page.locator(".theme-toggle-content button").click()
    chosen = page.evaluate("() => document.body.dataset.theme")
    page.goto(f"{documents}/index.html")
    assert page.evaluate("() => document.body.dataset.theme") == chosen != "auto"


@pytest.mark.parametrize("path", ["", "science/mathematics.html", "reference/spec.html", "search.html?q=sharpness"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everybody(page: Page, documents: str, path: str, scheme: Literal["light", "dark"]) -> None:
    """Contrast, names, levels, and keys that reach what scrolls."""
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{documents}/{path}")
    assert axe_findings(page) == []


def test_every_page_is_shown_under_its_policy(page: Page, documents: str) -> None:
    """The fixture complains of whatever a policy forbids, and of files that are not there."""
    page.goto(f"{documents}/index.html")
    links = page.eval_on_selector_all(".sidebar-tree a", "all => all.map(link => link.href)")
    assert len(links) > 30
    for link in links:
        assert page.goto(link).ok
