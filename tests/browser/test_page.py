"""The page, as somebody uses it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import axe_findings

VIEWS = ["#/", "#/new", "#/compare", "#/data", "#/system"]


@pytest.mark.services
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_without_a_serious_finding(page: Page, root: str, view: str) -> None:
    """Each has a heading, and axe-core finds nothing serious in it."""
    page.goto(f"{root}/{view}")
    expect(page.locator("h1")).to_be_visible()
    assert axe_findings(page) == []
