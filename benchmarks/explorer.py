"""Frames of the explorer while a slider is dragged, in a headless browser without a graphics card."""

import itertools
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.turns import Effort
from stepbias.explorer.document import document

FULL_FRAMES: Final = 400
QUICK_FRAMES: Final = 60
DRAGGED: Final = (("eta", 3), ("eta", 4), ("eta", 5), ("alpha", 3), ("mean", 5))
"""Which slider is dragged from end to end, at which stop of the story."""

_DRAG: Final = """
async ([name, count]) => {
  const slider = document.getElementById(name), [low, high] = [Number(slider.min), Number(slider.max)];
  const starts = [];
  for (let i = 0; i < count; i++) {
    slider.value = low + (high - low) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / count));
    slider.dispatchEvent(new Event("input"));
    starts.push(await new Promise((next) => requestAnimationFrame(next)));
  }
  return starts;
}
"""
"""There and back, one change a frame, as a pointer makes them; when each frame began."""


def measure_explorer(effort: Effort) -> dict[str, Any]:
    """Milliseconds between frames for each slider, and what a frame takes of the processor in the page's thread."""
    count = QUICK_FRAMES if effort.quick else FULL_FRAMES
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise RuntimeError("no Chromium is installed")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        file = Path(directory) / "page.html"
        file.write_text(document(), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        rows = [_dragged(page, f"{file.as_uri()}#story={story}", name, story, count) for name, story in DRAGGED]
        version = browser.version
        browser.close()
    return {"rows": rows, "browser": version, "bytes": len(document().encode())}


def _dragged(page: Page, address: str, name: str, story: int, count: int) -> dict[str, Any]:
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_timeout(1500)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _spent(session)
    starts = page.evaluate(_DRAG, [name, count])
    spent = _spent(session)
    between = sorted(b - a for a, b in itertools.pairwise(starts))
    row = {
        "slider": name,
        "stop": story,
        "frames": count,
        "per_second": 1000 * (count - 1) / (starts[-1] - starts[0]),
        "between_ms": statistics.median(between),
        "between_p95_ms": between[int(0.95 * len(between))],
        **{f"{kind}_ms": 1000 * (spent[kind] - before[kind]) / count for kind in spent},
    }
    print({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}, flush=True)
    return row


def _spent(session: CDPSession) -> dict[str, float]:
    """Processor seconds of the page's thread so far: of its script, and of all that it does."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return {"script": metrics["ScriptDuration"], "thread": metrics["TaskDuration"]}
