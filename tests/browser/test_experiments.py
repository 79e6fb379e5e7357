"""Experiments in a browser: watched to their end, looked into, taken away, cancelled; by keys alone as well."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from stepbias import ExperimentHandle
from stepbias.local_service import LocalClient
from tests.browser.conftest import axe_findings

pytestmark = pytest.mark.services

_SPEC: dict[str, Any] = {
    "name": "two scales, three steps",
    "tags": ["thesis"],
    "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2, "seed": {"values": [0, 1, 2]}},
    "initialization": {"kind": "uniform", "scale": {"values": [0.5, 0.1]}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"values": [0.001, 0.002, 50.0]}},
    "recording": {"points": 20},
}

_GAP = 'event: gap\ndata: {"after": 0, "before": 9}\n\n'


def _endless(name: str) -> dict[str, Any]:
    """A spec that would take hours."""
    steps = {"steps": 1_000_000_000}
    data = {"kind": "sparse_regression", "samples": 60, "dimension": 120, "sparsity": 5}
    sizes = {"kind": "gradient_descent", "step_size": {"values": [1e-6, 2e-6]}}
    return {
        "name": name,
        "data": data,
        "initialization": _SPEC["initialization"],
        "optimizer": sizes,
        "stopping": steps,
    }


@pytest.fixture(scope="module")
def done(lab: LocalClient) -> ExperimentHandle:
    """One that has ended, of three seeds, two scales and three step sizes, of which the largest diverges."""
    handle = lab.submit(_SPEC).wait(120)
    assert set(handle.experiment.outcomes) == {"converged", "diverged"}
    return handle


def _open(page: Page, root: str, handle: ExperimentHandle) -> None:
    page.goto(f"{root}/#/experiments/{handle.id}")
    expect(page.locator(".matrix svg")).to_be_visible()


def test_an_experiment_is_watched_until_it_has_ended(page: Page, root: str, lab: LocalClient) -> None:
    """Nobody reloads the page: the bar, the counts and the matrix follow the events."""
    handle = lab.submit(_SPEC | {"name": "watched", "stopping": {"loss_tolerance": 1e-13}})
    _open(page, root, handle)
    expect(page.locator(".status b")).to_have_text("succeeded", timeout=60_000)
    outcomes = handle.wait().experiment.outcomes
    for name, count in outcomes.items():
        expect(page.locator(".head .legend")).to_contain_text(re.compile(rf"{name} {count}\b"))
    expect(page.locator(".status")).to_contain_text("18 of 18 runs")
    page.wait_for_function("() => document.querySelectorAll('.matrix path[d*=M]').length > 0")
    cells = page.locator(".matrix path").evaluate_all(
        "paths => paths.map(path => (path.getAttribute('d').match(/M/g) ?? []).length)"
    )
    assert sum(cells) == 6


@pytest.mark.thorough
def test_of_very_many_runs_no_events_are_listened_to(page: Page, root: str, lab: LocalClient) -> None:
    """They name every run; it is asked how it stands instead, until it has ended."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    steps = {"start": 1e-5, "stop": 1e-3, "num": 1001, "spacing": "log"}
    optimizer = {"kind": "gradient_descent", "step_size": steps}
    handle = lab.submit(_SPEC | {"name": "very many", "optimizer": optimizer, "stopping": {"max_steps": 64}})
    page.goto(f"{root}/#/experiments/{handle.id}")
    expect(page.locator(".status b")).to_have_text("succeeded", timeout=60_000)
    expect(page.locator(".head .legend")).to_contain_text("6,006")
    assert "events" not in asked
    assert handle.id in asked


@pytest.mark.thorough
def test_without_a_stream_of_events_it_is_asked_how_it_stands(page: Page, root: str, lab: LocalClient) -> None:
    """As behind a proxy that cuts the stream, or where events are no longer kept."""
    page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=_GAP))
    handle = lab.submit(_SPEC | {"name": "polled", "stopping": {"loss_tolerance": 1e-12}})
    _open(page, root, handle)
    expect(page.locator(".status b")).to_have_text("succeeded", timeout=60_000)


def _away(route: Route) -> None:
    route.fulfill(status=503, content_type="application/problem+json", body='{"detail": "The store is away."}')


@pytest.mark.thorough
def test_what_could_not_be_asked_is_asked_again(page: Page, root: str, lab: LocalClient) -> None:
    """One answer that does not come is not the end of the matrix."""
    handle = lab.submit(_endless("interrupted"))
    asked = itertools.count()

    def columns(route: Route) -> None:
        time, answer = next(asked), route.fetch()
        document = answer.json()
        document["columns"]["outcome"] = ["converged" if time else None] * 4
        if time == 1:
            _away(route)
        else:
            route.fulfill(response=answer, json=document)

    page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=_GAP))
    page.route("**/columns?*", columns)
    _open(page, root, handle)
    expect(page.locator(".readout")).to_contain_text("not there yet")
    expect(page.locator(".readout")).to_contain_text("converged", timeout=15_000)
    handle.cancel()


def test_that_the_service_is_away_is_said_with_the_time_of_what_is_shown(
    page: Page, root: str, lab: LocalClient
) -> None:
    """And that it is back, too."""
    handle = lab.submit(_endless("lonely"))
    page.route("**/events", _away)
    _open(page, root, handle)
    doubt = page.locator(".head .wrong[role=status]")
    expect(doubt).to_have_text(re.compile(r"^The store is away\. This is how it stood at \d\d:\d\d:\d\d\.$"))
    page.unroute("**/events")
    expect(doubt).to_have_text("", timeout=15_000)
    handle.cancel()


@pytest.mark.thorough
def test_a_run_that_there_is_not_is_told_and_not_marked(page: Page, root: str, done: ExperimentHandle) -> None:
    """Whatever its address says."""
    for index in ("18", "-1", "1.5", "abc"):
        page.goto("about:blank")
        page.goto(f"{root}/#/experiments/{done.id}?run={index}")
        expect(page.locator("#run")).to_have_text("The runs of this experiment are 0 to 17.")
        expect(page.locator(".readout")).to_contain_text("Run 3:")


@pytest.mark.thorough
def test_seeds_are_told_apart_by_all_of_their_digits(page: Page, root: str, lab: LocalClient) -> None:
    """On the axes, where one is, and at the run."""
    seeds = [999_999_999_998, 999_999_999_999]
    data = _SPEC["data"] | {"seed": {"values": seeds}}
    handle = lab.submit(
        _SPEC | {"name": "far seeds", "data": data, "optimizer": _SPEC["optimizer"] | {"step_size": 0.001}}
    )
    page.goto(f"{root}/#/experiments/{handle.wait(60).id}?run=0")
    expect(page.locator("article.run h3")).to_contain_text(str(seeds[0]))
    expect(page.locator(".readout")).to_contain_text(str(seeds[0]))
    for seed in seeds:
        expect(page.locator(".matrix svg").get_by_text(str(seed), exact=True)).to_be_attached()


def test_a_click_opens_a_run_which_says_how_it_ended(page: Page, root: str, done: ExperimentHandle) -> None:
    """Its place on the axes, its outcome in words, its course and its predictor; its address leads to it again."""
    _open(page, root, done)
    frame = page.locator(".matrix .frame").bounding_box()
    assert frame is not None
    page.mouse.click(frame["x"] + 0.75 * frame["width"], frame["y"] + frame["height"] / 6)
    run = page.locator("article.run")
    expect(run.locator("h3")).to_contain_text("α = 0.5, η = 50")
    expect(run).to_contain_text("diverged")
    document = next(
        each for each in done.runs() if each["coordinates"] == {"seed": 0, "init_scale": 0.5, "step_size": 50.0}
    )
    expect(run).to_contain_text(document["explanation"])
    page.reload()
    expect(page.locator("article.run h3")).to_contain_text(f"Run {document['index']}")
    page.get_by_label("on its way").select_option("l1_norm")
    expect(page.locator("article.run .chart .line path").first).to_be_attached()
    expect(run).to_contain_text("None of the 6 coordinates of its predictor is a number any more.")
    expect(run.locator(".stems")).to_have_count(0)
    page.goto(f"{root}/#/experiments/{done.id}?run=0")
    page.reload()
    expect(run.locator(".stems")).to_have_attribute("aria-label", re.compile("The predictor β in 6 coordinates"))


@pytest.mark.thorough
def test_outcomes_that_were_not_answered_are_asked_for_again(page: Page, root: str, done: ExperimentHandle) -> None:
    """A service that is away for a moment leaves no hole in the matrix until it is reloaded."""
    running = page.request.get(f"{root}/v1/experiments/{done.id}").json() | {"status": "running"}
    ended = {"status": "running", "runs": list(range(18)), "runs_done": 18, "outcomes": {}}
    answers = [f"event: runs\nid: 1\ndata: {json.dumps(ended)}\n\n"]
    columns = [{"json": {"axes": [], "columns": {"outcome": []}}}, {"status": 503, "json": {"detail": "away"}}]
    columns[0]["json"]["axes"] = page.request.get(f"{root}/v1/experiments/{done.id}/columns?limit=1").json()["axes"]
    page.route(f"**/{done.id}", lambda route: route.fulfill(json=running))
    page.route("**/events", lambda route: route.fulfill(body=answers.pop() if answers else ": still there\n\n"))
    page.route("**/columns?*", lambda route: route.fulfill(**columns.pop(0)) if columns else route.continue_())
    _open(page, root, done)
    page.wait_for_function("() => document.querySelectorAll('.matrix path[d*=M]').length > 0", timeout=15_000)
    assert columns == []


@pytest.mark.thorough
def test_a_figure_that_is_not_there_yet_says_what_it_waits_for(page: Page, root: str, done: ExperimentHandle) -> None:
    """As the service says it, until it is there."""
    waits = {"status": 503, "json": {"detail": "The figure waits for a live worker."}}
    page.route("**/figures/*.png*", lambda route: route.fulfill(**waits))
    _open(page, root, done)
    expect(page.locator("#curves .chart svg")).to_be_visible()
    card = page.locator("#figures article").first
    card.scroll_into_view_if_needed()
    expect(page.locator("#figures")).to_contain_text("The figure waits for a live worker.")
    page.unroute("**/figures/*.png*")
    expect(card.locator("img")).to_be_visible(timeout=60_000)


def test_files_are_what_the_service_has(page: Page, root: str, done: ExperimentHandle, tmp_path: Path) -> None:
    """A figure as PNG, all runs as CSV."""
    _open(page, root, done)
    page.locator("#figures").scroll_into_view_if_needed()
    card = page.locator("#figures article").first
    card.scroll_into_view_if_needed()
    expect(card.locator("img")).to_be_visible(timeout=60_000)
    alt = card.locator("img").get_attribute("alt")
    assert alt
    assert re.search(r"\d", alt)
    with page.expect_download() as saving:
        card.get_by_role("button", name="PNG", exact=True).click()
    saving.value.save_as(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as saving:
        page.locator("[title$='-results.csv']").click()
    saving.value.save_as(tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_bytes() == done.read("results.csv")
    card.get_by_role("button", name=re.compile("^Show large")).click()
    expect(page.locator("dialog img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


def test_cancelling_is_a_click_and_deleting_is_asked_about(page: Page, root: str, lab: LocalClient) -> None:
    """Escape is no; what is deleted is gone from the list."""
    handle = lab.submit(_endless("to be cancelled"))
    _open(page, root, handle)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".status b")).to_have_text("cancelled")
    assert handle.refresh().status == "cancelled"
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert handle.refresh().status == "cancelled"
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_have_text("Experiments")
    assert handle.id not in [each.id for each in lab.experiments()]


@pytest.mark.thorough
def test_a_question_is_no_longer_asked_elsewhere(page: Page, root: str, done: ExperimentHandle) -> None:
    """A yes on another page would delete what is not shown."""
    page.goto(f"{root}/#/")
    expect(page.locator(f"tr a[href$='{done.id}']")).to_be_visible()
    page.locator(f"tr a[href$='{done.id}']").click()
    page.locator(".head").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.locator("h1")).to_have_text("Experiments")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert done.refresh().status == "succeeded"


@pytest.mark.thorough
def test_a_matrix_of_very_many_rows_is_no_tower(page: Page, root: str, done: ExperimentHandle) -> None:
    """Thousands of seeds at two step sizes."""
    known = page.request.get(f"{root}/v1/experiments/{done.id}/columns").json()
    axes = [each | {"values": list(range(5000))} if each["name"] == "seed" else each for each in known["axes"]]
    two = [axes[0], next(each | {"values": each["values"][:2]} for each in axes if each["name"] == "step_size")]
    answer = {"first": 0, "axes": two, "columns": {"outcome": ["converged"] * 10_000}, "next_cursor": None}
    page.route("**/columns?*", lambda route: route.fulfill(json=answer))
    _open(page, root, done)
    box = page.locator(".matrix svg").bounding_box()
    assert box is not None
    assert 300 < box["height"] < 1500


def test_matrix_and_curves_are_walked_through_by_keys(page: Page, root: str, done: ExperimentHandle) -> None:
    """What is under the keys is said, and is what the service says."""
    _open(page, root, done)
    _tab_to(page, ".matrix")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#said")).to_contain_text("α = 0.5, η = 0.002 – converged")
    page.keyboard.press("Enter")
    expect(page.locator("article.run h3")).to_contain_text("α = 0.5, η = 0.002")
    curves = done.curves()
    _tab_to(page, "#curves .chart")
    page.keyboard.press("ArrowRight")
    at = curves["x"]["values"].index(0.1)
    median = curves["curves"][0]["median"][at]
    expect(page.locator("#said")).to_contain_text(f"{curves['x']['label']} = 0.1")
    key = page.locator("#curves .key").first
    assert float(key.locator("b").inner_text()) == pytest.approx(median, rel=5e-4)
    _tab_to(page, "#curves .key")
    page.keyboard.press("Enter")
    expect(key).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.thorough
def test_another_quantity_has_other_curves_and_the_same_numbers_in_the_table(
    page: Page, root: str, done: ExperimentHandle
) -> None:
    """A line for each step size; what did not converge is counted."""
    _open(page, root, done)
    page.get_by_label("show", exact=True).select_option("steps")
    part = page.locator("#curves")
    expect(part.locator(".chart")).to_have_attribute("aria-label", re.compile("^steps t against"))
    part.get_by_text("Show as table").click()
    expected = done.curves(y="steps")
    rows = part.locator("tbody tr")
    expect(rows).to_have_count(2)
    shown = [float(text.replace(",", "")) for text in rows.last.locator("td").all_inner_texts()]
    last = expected["x"]["values"].index(0.5)
    assert shown == pytest.approx([0.5, *(curve["median"][last] for curve in expected["curves"])], rel=5e-4)


def test_the_list_is_filtered_and_remembers_it(page: Page, root: str, lab: LocalClient, done: ExperimentHandle) -> None:
    """The filters are in the address; two that are chosen can be compared."""
    other = lab.submit(_SPEC | {"name": "another", "tags": []}).wait(120)
    page.goto(f"{root}/#/")
    for handle in (done, other):
        page.locator("tr").filter(has=page.locator(f"a[href$='{handle.id}']")).get_by_role("checkbox").check()
    expect(page.get_by_role("link", name="Compare 2")).to_have_attribute("href", f"#/compare?ids={done.id},{other.id}")
    page.get_by_label("tag").fill("thesis")
    expect(page.locator(f"tr a[href$='{other.id}']")).to_have_count(0)
    expect(page.locator(f"tr a[href$='{done.id}']")).to_be_visible()
    assert page.url.endswith("#/?tag=thesis")
    page.reload()
    expect(page.get_by_label("tag")).to_have_value("thesis")
    expect(page.locator(f"tr a[href$='{done.id}']")).to_be_visible()
    page.get_by_label("name").fill("no such name")
    expect(page.get_by_text("No experiment is like that.")).to_be_visible()


@pytest.mark.thorough
def test_the_list_says_the_least_test_loss(page: Page, root: str, done: ExperimentHandle) -> None:
    """Of all runs that have one."""
    losses = done.to_pandas()["test_loss"].dropna()
    page.goto(f"{root}/#/?name={done.experiment.name}")
    expect(page.locator("#rows tr", has_text=f"{losses.min():.3g}")).to_have_count(1)


@pytest.mark.thorough
def test_a_filter_holds_at_once_though_an_answer_is_on_its_way(
    page: Page, root: str, lab: LocalClient, done: ExperimentHandle
) -> None:
    """That of before does not stay until the next one is due."""
    other = lab.submit(_SPEC | {"name": "without a tag", "tags": []}).wait(120)
    slow = [True]

    def answer(route: Route) -> None:
        if slow:
            slow.clear()
            page.wait_for_timeout(1000)
        route.continue_()

    page.route("**/v1/experiments?*", answer)
    page.goto(f"{root}/#/")
    page.get_by_label("tag").fill("thesis")
    expect(page.locator(f"tr a[href$='{done.id}']")).to_be_visible()
    expect(page.locator(f"tr a[href$='{other.id}']")).to_have_count(0, timeout=3000)


@pytest.mark.thorough
def test_a_filter_that_is_left_at_once_does_not_change_the_next_address(
    page: Page, root: str, done: ExperimentHandle
) -> None:
    """It is taken up a moment after it was typed."""
    page.goto(f"{root}/#/")
    link = page.locator(f"tr a[href$='{done.id}']")
    expect(link).to_be_visible()
    page.evaluate(
        """id => {
            const tag = document.querySelector("[name=tag]");
            tag.value = "thesis";
            tag.dispatchEvent(new Event("input", {bubbles: true}));
            document.querySelector(`a[href$='${id}']`).click();
        }""",
        done.id,
    )
    expect(page.locator(".matrix svg")).to_be_visible()
    page.wait_for_timeout(400)
    assert page.url.endswith(f"#/experiments/{done.id}")


@pytest.mark.thorough
def test_a_long_name_leaves_room_for_the_other_columns(page: Page, root: str, lab: LocalClient) -> None:
    """Also one without a place to break it."""
    one = _SPEC | {"name": "long" * 50, "initialization": {"kind": "uniform", "scale": 0.2}}
    handle = lab.submit(one).wait(60)
    for view in (f"?name={'long' * 50}", f"compare?ids={handle.id}"):
        page.goto(f"{root}/#/{view}")
        expect(page.locator("td a").first).to_be_visible()
        assert page.locator(".wide").first.evaluate("box => box.scrollWidth <= box.clientWidth")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#choose").evaluate("each => { each.open = true; }")
    page.wait_for_function("() => document.scrollingElement.scrollWidth <= 390")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_in_an_experiment(page: Page, root: str, done: ExperimentHandle, scheme: Any) -> None:
    """With a run, its curves, a figure and the report."""
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{root}/#/experiments/{done.id}?run=4")
    expect(page.locator("article.run .chart svg")).to_be_visible()
    page.locator("#report").scroll_into_view_if_needed()
    expect(page.locator("#report table")).to_be_visible(timeout=60_000)
    assert axe_findings(page) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(page: Page, root: str, done: ExperimentHandle) -> None:
    """Tables scroll in boxes of their own."""
    page.set_viewport_size({"width": 390, "height": 844})
    for view in ("#/", f"#/experiments/{done.id}?run=4"):
        page.goto(f"{root}/{view}")
        expect(page.locator("article.run .stems" if "run" in view else ".list a").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.thorough
def test_on_paper_the_legend_and_the_figures_stay(page: Page, root: str, done: ExperimentHandle) -> None:
    """And what can only be pressed is left out."""
    _open(page, root, done)
    page.locator("#figures").scroll_into_view_if_needed()
    expect(page.locator("#figures img").first).to_be_visible(timeout=60_000)
    page.emulate_media(media="print")
    expect(page.locator("#curves .key").first).to_be_visible()
    expect(page.locator("#figures img").first).to_be_visible()
    expect(page.get_by_role("button", name="CSV").first).to_be_hidden()


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the first element of the selector has the focus."""
    wanted = page.locator(selector).first
    expect(wanted).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {selector}")
