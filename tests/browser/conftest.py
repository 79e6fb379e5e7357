"""A browser, a service, and a page that must not complain or ask anybody else."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

import stepbias
from stepbias.local_service import LocalClient

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of (4(01|03|22)|503) ")
NOT_THERE = re.compile(r"Failed to load resource: the server responded with a status of 404 ")
AXE = Path(__file__).with_name("vendor") / "axe.min.js"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium of this machine; nothing else is started where there is none."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    return found or pytest.skip("no Chromium is installed")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """It, closed with the module: an event loop drives it, and others start theirs."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClient]:
    """A real service with one worker."""
    request.getfixturevalue("chromium")
    with stepbias.local(state_dir=tmp_path_factory.mktemp("state"), workers=1) as lab:
        yield lab


@pytest.fixture(scope="session")
def root(lab: LocalClient) -> str:
    """Where it answers."""
    return str(lab._options["base_url"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; the test fails if it complains, or asks another host than its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, troubles = context.new_page(), []
    page.on("console", lambda message: troubles.append(message.text) if _is_complaint(message) else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: troubles.append(request.url) if _is_elsewhere(request.url) else None)
    yield page
    context.close()
    assert troubles == []


def _is_complaint(message: ConsoleMessage) -> bool:
    """Whether the page complains; that the service refuses something is an answer, which the page tells in words."""
    is_lacking = NOT_THERE.match(message.text) is not None and "/v1/" in message.location["url"]
    return message.type in {"error", "warning"} and REFUSAL.match(message.text) is None and not is_lacking


def _is_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1"


def axe_findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical: the rule, and where."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run()")["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['target']}" for each in found if each["impact"] in {"serious", "critical"}
    ]
