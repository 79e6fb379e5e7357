"""The explorer as somebody uses it: from a file, offline, by keyboard and by pointer, in light and in dark."""

import re
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from stepbias.explorer.document import document
from tests.browser.conftest import axe_findings

PICTURES = ["plane", "loss", "sharpness", "ends", "edges"]
SHOWN: Final = """
async (link) => {
  location.hash = link;
  for (let frame = 0; frame < 3; frame++) await new Promise((next) => requestAnimationFrame(next));
}
"""
"""Follow a link, and wait until what it leads to is drawn."""
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
AFTER_A_MOMENT: Final = 5000
"""Milliseconds; for what a page says when nothing has changed for a moment."""


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Of the page in a file."""
    file = tmp_path / "page.html"
    file.write_text(document(), encoding="utf-8")
    return file.as_uri()


@pytest.mark.thorough
@pytest.mark.parametrize("story", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_stop_opens_without_a_serious_finding(page: Page, address: str, story: int, scheme: str) -> None:
    """Axe looks at contrast, names and roles; every picture has words with its numbers."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{address}#story={story}")
    for name in PICTURES:
        page.wait_for_function("id => /\\d/.test(document.getElementById(id).getAttribute('aria-label'))", arg=name)
    assert axe_findings(page) == []


def test_a_sentence_tells_what_the_picture_shows(page: Page, address: str) -> None:
    """Seen at once, and said when nothing has changed for a moment."""
    page.goto(f"{address}#story=4")
    caption = "After 406 steps it rests at β = (0.22, 1.57), just inside the edge: ηλ = 1.94 < 2."
    expect(page.locator("#caption")).to_contain_text(caption)
    expect(page.locator("#said")).to_contain_text(caption, timeout=AFTER_A_MOMENT)


def test_keys_move_the_step_size_and_the_address_follows(page: Page, address: str) -> None:
    """A reader who opens that address sees the same."""
    page.goto(f"{address}#story=3")
    page.locator("#eta").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#eta-value")).to_contain_text("0.700 η*")
    assert page.url.endswith("#story=3&eta=0.7")
    seen = page.locator("#caption").text_content()
    page.goto("about:blank")
    page.goto(f"{address}#story=3&eta=0.7")
    expect(page.locator("#caption")).to_have_text(seen or "nothing")


def test_a_step_size_is_dragged_in_the_plots_below(page: Page, address: str) -> None:
    """Where the pointer is let go."""
    page.goto(f"{address}#story=3")
    box = page.locator("#ends").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 60, steps=5)
    page.mouse.up()
    expect(page.locator("#eta-value")).to_contain_text("1.200 η*")
    expect(page.locator("#caption")).to_contain_text("no interpolator is flat enough")
    assert "eta=1.2" in page.url


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [("alpha", "-1", "0.100"), ("mean", "2.5", "2.5"), ("momentum", "0.9", "0.90"), ("rho", "0.1", "0.100")],
)
def test_every_other_slider_changes_the_run(page: Page, address: str, name: str, value: str, shown: str) -> None:
    """Its number stands beside it, and its name in the address."""
    page.goto(f"{address}#story=3")
    before = page.locator("#caption").text_content() or ""
    page.locator(f"#{name}").fill(value)
    page.locator(f"#{name}").dispatch_event("change")
    expect(page.locator(f"#{name}-value")).to_have_text(shown)
    expect(page.locator("#caption")).not_to_have_text(before)
    assert f"&{name}=" in page.url


@pytest.mark.thorough
def test_weights_samples_and_depth_are_chosen(page: Page, address: str) -> None:
    """Three weights can be turned; two have nothing to turn."""
    page.goto(f"{address}#story=1")
    expect(page.locator("#turn-row")).to_be_hidden()
    page.locator("#dim").select_option("3")
    page.locator("#samples").select_option("2")
    page.locator("#depth").select_option("3")
    expect(page.locator("#turn-row")).to_be_visible()
    assert page.url.endswith("#story=1&dim=3&samples=2&depth=3")
    path = page.locator("#plane path.stable").get_attribute("d")
    page.locator("#turn").fill("40")
    expect(page.locator("#plane path.stable")).not_to_have_attribute("d", path or "")


def test_a_run_is_played_stepped_and_rewound(page: Page, address: str) -> None:
    """A step at a time, or as fast as is wished, up to its end."""
    page.goto(f"{address}#story=1")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#progress")).to_contain_text("step 0 of 63")
    page.get_by_role("button", name="Step").click()
    page.get_by_role("button", name="Step").click()
    expect(page.locator("#progress")).to_contain_text("step 2 of 63")
    page.locator("#speed").fill("3")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#progress")).to_contain_text("step 63 of 63", timeout=AFTER_A_MOMENT)
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_links_lead_through_the_story(page: Page, address: str) -> None:
    """From stop to stop, to what is to be tried, and back in the browser's history."""
    page.goto(address)
    expect(page.locator("#story-title")).to_have_text("Many answers, one run")
    page.get_by_role("link", name="Next: A large start chooses otherwise").click()
    expect(page.locator("#story-title")).to_have_text("A large start chooses otherwise")
    page.get_by_role("link", name="Small again").click()
    assert page.url.endswith("#story=2&alpha=0.05")
    expect(page.locator("#alpha-value")).to_have_text("0.0500")
    page.go_back()
    expect(page.locator("#alpha-value")).to_have_text("1.50")


@pytest.mark.thorough
@pytest.mark.parametrize("link", ["story=9", "eta=7&alpha=-3&dim=x&no=1", "dim=99&samples=0&depth=2.4&mean=", "%%%"])
def test_whatever_a_link_says_a_picture_is_shown(page: Page, address: str, link: str) -> None:
    """Within the ranges, and without a word in the console."""
    page.goto(f"{address}#{link}")
    expect(page.locator("#caption")).to_contain_text("η =")


@pytest.mark.thorough
def test_no_picture_of_any_choice_has_a_number_that_is_none(page: Page, address: str) -> None:
    """On forty random choices, calm ones and such as blow up, of every number of weights and samples, and of SAM."""
    rng = np.random.default_rng(3)
    page.goto(address)
    seen = set()
    for _ in range(40):
        choice = {
            "dim": rng.integers(2, 4),
            "samples": rng.integers(1, 3),
            "depth": rng.integers(2, 5),
            "alpha": 10 ** rng.uniform(-2, 0.3),
            "eta": rng.uniform(0.01, 1.2),
            "mean": rng.choice([0, 0.5, 4]),
            "momentum": rng.choice([0, 0, 0.9]),
            "rho": rng.choice([0, 0, 0.05]),
        }
        page.evaluate(SHOWN, "&".join(f"{name}={value}" for name, value in choice.items()))
        drawing = page.evaluate("[...document.querySelectorAll('svg, #caption')].map((each) => each.outerHTML).join()")
        assert not re.search("NaN|Infinity|undefined|no number", drawing), choice
        seen.update(re.findall("It blows up|it rests|SAM|still", page.locator("#caption").text_content() or ""))
    assert seen == {"It blows up", "it rests", "SAM", "still"}


@pytest.mark.thorough
def test_nothing_is_wider_than_a_phone(page: Page, address: str) -> None:
    """Nor does what is touched be smaller than a finger needs."""
    page.set_viewport_size(PHONE)
    page.goto(f"{address}#story=5")
    expect(page.locator("#caption")).to_contain_text("η =")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    heights = page.evaluate(
        """[...document.querySelectorAll('input, button, select, nav a')]
             .filter((each) => each.offsetParent).map((each) => each.offsetHeight)"""
    )
    assert min(heights) >= 24


@pytest.mark.thorough
def test_who_wants_no_motion_sees_the_run_in_few_pictures(page: Page, address: str) -> None:
    """Two a second instead of sixty."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}#story=1")
    page.get_by_role("button", name="Start").click()
    page.evaluate(
        """() => { window.seen = new Set();
          new MutationObserver(() => seen.add(document.getElementById('progress').textContent))
            .observe(document.getElementById('progress'), {childList: true, characterData: true, subtree: true}); }"""
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1200)
    assert 1 <= page.evaluate("seen.size") <= 3
