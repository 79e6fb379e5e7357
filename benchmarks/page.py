"""The page in a browser with an experiment of ten thousand runs: first sight, how late it answers, what it asks for."""

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.living_service import LivingService, living_service
from benchmarks.turns import Effort
from core.spec.experiment_spec import ExperimentSpec
from stepbias import Client
from stepbias.building import logspace

CELLS: Final = """() => {
    const paths = [...document.querySelectorAll(".matrix path")];
    return paths.reduce((sum, path) => sum + path.getAttribute("d").split("M").length - 1, 0);
}"""
TO_THE_NEXT_FRAME: Final = """async (act) => {
    const begun = performance.now();
    act();
    await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
    return performance.now() - begun;
}"""
ACTS: Final = {
    "a cell by key": """
        document.querySelector(".matrix").dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
    """,
    "a cell under the pointer": """
        const place = {clientX: 600, clientY: 400 + Math.random()};
        document.querySelector(".matrix").dispatchEvent(new PointerEvent("pointermove", place));
    """,
    "axes exchanged": """
        const axes = document.querySelector("[aria-label=across]");
        axes.selectedIndex = 1 - axes.selectedIndex;
        axes.dispatchEvent(new Event("change"));
    """,
    "a point of a curve by key": """
        document.querySelector(".chart").dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
    """,
    "a line hidden or shown": """
        document.querySelector(".key").click();
    """,
}
"""What somebody does with the page, by name."""


def measure_page(effort: Effort) -> dict[str, Any]:
    """First sight and acts to the frame that shows them, in milliseconds; bytes a minute while it trains."""
    side, rounds = (20, 3) if effort.quick else (100, 7)
    with living_service(1) as service, _browser() as browser:
        live = _live(browser, service, side)
        done = f"{service.url}/#/experiments/{live.pop('id')}"
        found = {
            "runs": side * side,
            "first_sight_ms": statistics.median(_first_sight(browser, done, side * side) for _ in range(rounds)),
            "acts_ms": _acts(browser, done, side * side, rounds),
            "live": live,
        }
    _tell(found)
    return found


def _grid(side: int, name: str) -> ExperimentSpec:
    """So many scales and as many step sizes on a small problem."""
    return ExperimentSpec.model_validate(
        {
            "name": name,
            "data": {"kind": "sparse_regression", "samples": 10, "dimension": 20, "sparsity": 2},
            "initialization": {"kind": "uniform", "scale": logspace(0.01, 1.0, side)},
            "optimizer": {"kind": "gradient_descent", "step_size": logspace(1e-4, 0.1, side)},
            "stopping": {"max_steps": 2_000},
        }
    )


@contextmanager
def _browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


def _first_sight(browser: Browser, address: str, runs: int) -> float:
    """From the first request of a fresh browser to all cells and a curve."""
    page = browser.new_context().new_page()
    begun = time.perf_counter()
    page.goto(address)
    _await_cells(page, runs)
    page.wait_for_function("() => document.querySelector('.chart .line path[d*=M]')", polling="raf")
    taken = 1e3 * (time.perf_counter() - begun)
    page.context.close()
    return taken


def _acts(browser: Browser, address: str, runs: int, rounds: int) -> dict[str, float]:
    page = browser.new_context().new_page()
    page.goto(address)
    _await_cells(page, runs)
    page.wait_for_selector(".chart .line path")
    found = {
        name: statistics.median(page.evaluate(f"() => ({TO_THE_NEXT_FRAME})(() => {{ {act} }})") for _ in range(rounds))
        for name, act in ACTS.items()
    }
    page.context.close()
    return found


def _live(browser: Browser, service: LivingService, side: int) -> dict[str, Any]:
    """What a page asks for while it shows an experiment that trains, its own files and the first answers aside."""
    page = browser.new_context().new_page()
    received = _counted(page)
    with Client(service.url) as client:
        handle = client.submit(_grid(side, "watched").model_dump(mode="json"))
        page.goto(f"{service.url}/#/experiments/{handle.id}")
        page.wait_for_selector(".matrix svg")
        page.wait_for_timeout(500)
        first, begun = received(), time.perf_counter()
        while handle.refresh().status != "succeeded":
            page.wait_for_timeout(200)
        trained, seconds = received() - first, time.perf_counter() - begun
        page.wait_for_timeout(5000)
    found = {
        "id": handle.id,
        "first_bytes": first,
        "seconds": seconds,
        "bytes": trained,
        "bytes_after": received() - first - trained,
    }
    page.context.close()
    return found | {"bytes_per_minute": 60 * trained / seconds}


def _counted(page: Page) -> Any:
    """How many bytes have come so far, headers and all, as they travelled."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    seen = [0]

    def count(event: dict[str, Any]) -> None:
        seen[0] += int(event["encodedDataLength"])

    session.on("Network.dataReceived", count)
    return lambda: seen[0]


def _await_cells(page: Page, runs: int) -> None:
    page.wait_for_function(f"(runs) => ({CELLS})() === runs", arg=runs, polling="raf")


def _tell(found: dict[str, Any]) -> None:
    print(f"{found['runs']} runs: first sight {found['first_sight_ms']:.0f} ms")
    for name, taken in found["acts_ms"].items():
        print(f"  {name}: {taken:.0f} ms")
    live = found["live"]
    print(
        f"while it trains ({live['seconds']:.0f} s): {live['bytes'] / 1e3:.1f} kB, "
        f"{live['bytes_per_minute'] / 1e3:.1f} kB a minute; before that {live['first_bytes'] / 1e3:.1f} kB"
    )
