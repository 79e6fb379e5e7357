"""The page, as somebody uses it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import axe_findings

EVENTS = """async () => {
    const { events } = await import(new URL("page/api.js", document.baseURI));
    let isCancelled = false;
    const body = new ReadableStream({
        start: (stream) => stream.enqueue(new TextEncoder().encode('id: 7\\ndata: {"said": "one\u2028two"}\\n\\n')),
        cancel: () => { isCancelled = true; },
    });
    globalThis.fetch = async () => new Response(body);
    const found = [];
    for await (const event of events("anything", new AbortController().signal)) {
        found.push(event);
        break;
    }
    await new Promise((resolve) => setTimeout(resolve));
    return [found, isCancelled];
}"""
PAUSES = """async () => {
    const { pause } = await import(new URL("page/api.js", document.baseURI));
    const { signal } = new AbortController();
    let listeners = 0;
    signal.addEventListener = () => { listeners += 1; };
    signal.removeEventListener = () => { listeners -= 1; };
    for (let round = 0; round < 3; round++) await pause(0.001, signal);
    return listeners;
}"""
VIEWS = ["#/", "#/new", "#/compare", "#/data", "#/system"]


@pytest.mark.services
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_without_a_serious_finding(page: Page, root: str, view: str) -> None:
    """Each has a heading, and axe-core finds nothing serious in it."""
    page.goto(f"{root}/{view}")
    expect(page.locator("h1")).to_be_visible()
    assert axe_findings(page) == []


@pytest.mark.services
def test_events_hold_any_words_and_a_stream_that_is_left_is_closed(page: Page, root: str) -> None:
    """Separators of lines that are none to JSON; a browser has six connections."""
    page.goto(f"{root}/#/system")
    expect(page.locator("#ready .large")).to_be_visible()
    assert page.evaluate(EVENTS) == [[{"id": "7", "event": "message", "data": {"said": "one\u2028two"}}], True]


@pytest.mark.services
def test_a_pause_that_is_over_leaves_no_listener(page: Page, root: str) -> None:
    """A view that polls for days would collect one for each."""
    page.goto(f"{root}/#/data")
    assert page.evaluate(PAUSES) == 0
