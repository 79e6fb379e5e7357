"""New experiments, data of one's own, comparisons and keys on the page, as somebody uses them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import stepbias
from stepbias.local_service import LocalClient
from tests.browser.conftest import axe_findings

pytestmark = pytest.mark.services

CSV = "x1,x2,x3,note,price\n1.5,2.0,3.5,a,1.0\n2.5,1.0,4.5,b,2.0\n"
SPEC: dict[str, Any] = {
    "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
    "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.3]}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.3, 0.8]}},
    "stopping": {"max_steps": 20000},
}


@pytest.fixture
def new(page: Page, root: str) -> Page:
    """The form of a new experiment, with an estimate of what stands in it."""
    page.goto(f"{root}/#/new")
    expect(page.locator("#cost .large")).to_be_visible()
    return page


@pytest.fixture(scope="session")
def two(lab: LocalClient) -> list[str]:
    """Two finished experiments that share half of their runs."""
    other = {**SPEC, "optimizer": {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.3, 0.5]}}}
    handles = [
        lab.submit({**spec, "name": name}) for name, spec in (("to compare", SPEC), ("to compare as well", other))
    ]
    return [handle.wait().id for handle in handles]


def _stored(page: Page, root: str, experiment_id: str) -> Any:
    return page.request.get(f"{root}/v1/experiments/{experiment_id}/spec").json()


def _execution(page: Page, root: str, experiment_id: str) -> Any:
    return page.request.get(f"{root}/v1/experiments/{experiment_id}").json()["execution"]


def _field(page: Page, at: str) -> Locator:
    return page.locator(f'[data-at="{at}"]').first


@pytest.fixture(scope="session")
def ids(lab: LocalClient, two: list[str]) -> dict[str, str]:
    """What stands in addresses: two experiments, and a data set that was uploaded by a script."""
    rows = [[1.0, 0.5, 2.0, 1.5], [0.5, 2.0, 1.0, 3.0], [2.0, 1.0, 0.5, 1.0]]
    found = lab.upload_dataset({"X": rows, "y": [1.0, 2.0, 0.5]}, name="by a script")
    return {"data": found["id"], "one": two[0], "another": two[1]}


def _spec(page: Page) -> Any:
    return json.loads(page.locator("#spec").input_value())


def test_what_is_wrong_stands_beside_its_field_and_a_list_leads_there(new: Page) -> None:
    """While it is typed nothing moves the focus; a submission that is refused does."""
    samples = _field(new, "/data/samples")
    samples.locator("input").fill("-3")
    expect(samples.locator(".fault").first).to_contain_text("at least 1")
    expect(samples.locator("input")).to_have_attribute("aria-invalid", "true")
    new.get_by_role("button", name="Submit").click()
    expect(new.locator("#faults")).to_be_focused()
    new.locator("#faults a").click()
    expect(samples.locator("input")).to_be_focused()
    samples.locator("input").fill("4")
    expect(new.locator("#faults")).to_be_empty()
    expect(samples.locator("input")).not_to_have_attribute("aria-invalid", "true")


def test_the_form_and_the_document_change_each_other(new: Page) -> None:
    """Kinds, numbers and names, in both directions; what is no JSON is said."""
    _field(new, "/data/samples").locator("input").fill("7")
    assert _spec(new)["data"]["samples"] == 7
    _field(new, "/optimizer").locator("select").first.select_option(label="Heavy ball")
    assert _spec(new)["optimizer"]["kind"] == "heavy_ball"
    new.locator("#spec").fill(json.dumps({**SPEC, "name": "by hand"}))
    expect(new.get_by_label("Name", exact=True)).to_have_value("by hand")
    expect(_field(new, "/data/samples").locator("input")).to_have_value("4")
    expect(_field(new, "/initialization/scale").locator("input")).to_have_value("0.1, 0.3")
    new.locator("#spec").fill("{")
    expect(new.locator("#spec-fault")).not_to_be_empty()


@pytest.mark.thorough
def test_a_number_is_swept_in_each_way_that_the_schema_has(new: Page) -> None:
    """The numbers of one way are kept in the next, where they mean the same."""
    new.locator("#spec").fill(json.dumps(SPEC))
    scale = _field(new, "/initialization/scale")
    scale.get_by_label("how it is given").select_option(label="a range")
    assert _spec(new)["initialization"]["scale"] == {"start": 0.1, "stop": 0.3, "num": 5}
    scale.get_by_label("Spacing").select_option(label="Log")
    assert _spec(new)["initialization"]["scale"]["spacing"] == "log"
    step = _field(new, "/optimizer/step_size")
    step.get_by_label("how it is given").select_option(label="largest convergent")
    assert _spec(new)["optimizer"]["step_size"] == {"largest_convergent": {}}
    expect(new.locator("#cost .large")).to_have_text("5 runs")


@pytest.mark.parametrize("name", ["smallest", "sweep", "own_data", "standardised"])
def test_a_spec_goes_through_the_form_as_it_is(new: Page, lab: LocalClient, root: str, name: str) -> None:
    """Every kind of data, and parts that have no field of their own."""
    contract = new.request.get(f"{root}/openapi.json").json()
    body = contract["paths"]["/v1/experiments"]["post"]["requestBody"]["content"]["application/json"]
    spec = body["examples"][name]["value"]
    new.locator("#spec").fill(json.dumps(spec))
    new.get_by_label("Name", exact=True).fill("changed")
    found = lab.estimate(_spec(new))
    assert found == lab.estimate(spec)
    assert _spec(new)["data"] == spec["data"]
    assert _spec(new)["initialization"] == spec["initialization"]


def test_a_preset_is_submitted_from_the_form(new: Page, lab: LocalClient) -> None:
    """It is what the page opens next."""
    new.locator("#preset").select_option("depth?size=quick")
    new.get_by_role("button", name="Fill in").click()
    expect(new.locator("#spec")).to_have_value(re.compile('"tags"'))
    new.get_by_role("button", name="Submit").click()
    new.wait_for_url("**/#/experiments/*")
    assert lab.experiment(new.url.rsplit("/", 1)[1]).experiment.name


@pytest.mark.thorough
@pytest.mark.parametrize("query", ["preset=depth&size=quick", "preset=depth", "from={one}"])
def test_a_form_begins_with_what_its_address_says(page: Page, root: str, ids: dict[str, str], query: str) -> None:
    """A preset in a size, or in its least one, or the spec of an experiment."""
    page.goto(f"{root}/#/new?{query.format_map(ids)}")
    expect(page.locator("#cost .large")).to_be_visible()
    path = "v1/experiments/{one}/spec" if "from" in query else "v1/presets/depth?size=quick"
    assert _spec(page) == page.request.get(f"{root}/{path.format_map(ids)}").json()


def test_everything_is_done_with_the_keyboard(new: Page, root: str) -> None:
    """From the name to the submission, with an error on the way."""
    new.locator("#spec").fill(json.dumps(SPEC))
    new.get_by_label("Name", exact=True).focus()
    new.keyboard.type("by keys")
    seen = []
    for _ in range(150):
        new.keyboard.press("Tab")
        seen.append(new.evaluate("() => document.activeElement.id || document.activeElement.textContent"))
        if seen[-1] == "f-optimizer":
            new.keyboard.press("ArrowDown")
        if seen[-1] == "Submit":
            break
    assert {"f-data-samples", "f-initialization-scale-values", "f-optimizer", "Submit"} <= set(seen)
    assert _spec(new)["optimizer"]["kind"] == "sgd"
    new.keyboard.press("Enter")
    expect(_field(new, "/optimizer/batch_size").locator(".fault").first).to_contain_text("required")
    new.locator("#f-optimizer-batch_size").focus()
    new.keyboard.type("2")
    new.keyboard.press("Enter")
    new.wait_for_url("**/#/experiments/*")
    assert _stored(new, root, new.url.rsplit("/", 1)[1])["optimizer"]["batch_size"] == 2


@pytest.mark.thorough
@pytest.mark.parametrize("form", ["curl", "Python", "command line"])
def test_a_spec_is_copied_as_something_that_submits_it(
    new: Page, lab: LocalClient, root: str, form: str, tmp_path: Path
) -> None:
    """With quotes and words of other languages in it, to be worked off as is chosen there."""
    name = f'copied, as {form}: it\'s "true"'
    new.locator("#spec").fill(json.dumps({**SPEC, "name": name, "stopping": {"perturb": False, "max_steps": 50}}))
    new.get_by_text("How it is worked off").click()
    new.get_by_label("Priority").select_option(label="Batch")
    new.get_by_label("Order").select_option(label="Shuffled")
    new.get_by_label("Stop at first failure").select_option(label="Yes")
    new.get_by_role("button", name=f"Copy as {form}").click()
    text = new.locator(".copies pre").inner_text()
    script = tmp_path / "script"
    script.write_text(text.replace("stepbias submit", f"{sys.executable} -m stepbias submit"), encoding="utf-8")
    subprocess.run([sys.executable if form == "Python" else "sh", script], check=True, timeout=60, capture_output=True)
    found = [each for each in lab.experiments() if each.experiment.name == name]
    assert [_stored(new, root, each.id)["stopping"]["perturb"] for each in found] == [False]
    assert _execution(new, root, found[0].id) == {
        "order": "shuffled",
        "stop_at_first_failure": True,
        "priority": "batch",
    }


def _chosen(page: Page, content: bytes) -> None:
    page.locator("#file").set_input_files({"name": "own.csv", "mimeType": "text/csv", "buffer": content})


def _dropped(page: Page, content: bytes) -> None:
    transfer = page.evaluate_handle(
        "text => { const all = new DataTransfer(); all.items.add(new File([text], 'own.csv')); return all; }",
        content.decode(),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})


@pytest.mark.parametrize("bring", [_chosen, _dropped])
def test_a_file_is_understood_analysed_and_used(page: Page, root: str, bring: Callable[[Page, bytes], None]) -> None:
    """Chosen or dropped: refused with its column, understood once that is left out, analysed, used."""
    page.goto(f"{root}/#/data")
    bring(page, CSV.replace("a,1.0", f"{bring.__name__[1:3]},1.0").encode())
    expect(page.locator("#upload-said")).to_contain_text("note")
    page.get_by_label("Drop", exact=True).fill("note")
    page.get_by_role("button", name="Upload again").click()
    expect(page.locator("#reading")).to_contain_text("price")
    expect(page.locator("h1")).to_have_text("own.csv")
    expect(page.locator("#found .large")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("region", name="Step sizes")).to_contain_text("η*")
    page.get_by_role("link", name="Use in a new experiment").click()
    expect(page.locator("#f-data-id option:checked")).to_contain_text("own.csv, 2 × 3")
    expect(page.locator("#cost .large")).to_be_visible()


@pytest.mark.thorough
def test_a_wrong_column_is_told_beside_the_option(page: Page, root: str) -> None:
    """The options are a form like any other."""
    page.goto(f"{root}/#/data")
    page.get_by_text("What its columns mean").click()
    page.get_by_label("Target").fill("cost")
    _chosen(page, CSV.encode())
    expect(_field(page, "/target").locator(".fault")).to_contain_text("cost")
    expect(page.locator("#upload-said")).to_be_focused()


@pytest.mark.thorough
def test_a_transform_is_analysed_and_data_are_deleted_after_a_question(page: Page, lab: LocalClient, root: str) -> None:
    """The question may be answered with no."""
    found = lab.upload_dataset({"X": [[100.0, 2.0, 3.0], [300.0, 1.0, 2.0]], "y": [1.0, 2.0]}, name="to go")
    page.goto(f"{root}/#/data/{found['id']}")
    before = page.locator("#found .large")
    expect(before).to_be_visible(timeout=30_000)
    shares = page.get_by_role("row", name="Mean share")
    first = shares.text_content() or ""
    page.get_by_text("Centre or standardise first").click()
    page.locator("#f-X").select_option(label="Centre")
    expect(shares).not_to_have_text(first, timeout=30_000)
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Leave it").click()
    assert lab.dataset(found["id"])["name"] == "to go"
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url("**/#/data")
    with pytest.raises(stepbias.ProblemError):
        lab.dataset(found["id"])


@pytest.mark.usefixtures("two")
def test_two_experiments_are_compared(page: Page, root: str) -> None:
    """The fields that differ, the runs that both have, and a chart of both."""
    page.goto(f"{root}/#/compare")
    for name in ("to compare, succeeded", "to compare as well, succeeded"):
        page.get_by_label(name, exact=True).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("region", name="Experiments", exact=True)).to_contain_text("4 of 4")
    rows = page.get_by_role("region", name="Experiments", exact=True).locator("tbody tr")
    assert sorted(rows.locator("td:nth-child(5)").all_inner_texts()) == ["2", "4"]
    differences = page.get_by_role("region", name="Differences of the specs").locator("tbody tr")
    assert differences.locator("td:first-child").all_inner_texts() == ["optimizer › step size"]
    expect(page.locator(".key")).to_have_count(4)
    page.get_by_label("show", exact=True).select_option("l1_norm")
    expect(rows.first.locator("td").last).to_contain_text("‖β‖₁")


@pytest.mark.thorough
def test_what_is_compared_without_one_that_is_lost_says_so(page: Page, root: str, two: list[str]) -> None:
    """The others are there; of the lost one there is its id."""
    lost = "0" * 32
    page.goto(f"{root}/#/compare?ids={two[0]},{lost},{two[1]}")
    expect(page.get_by_role("alert").filter(has_text=f"Not there: {lost}.")).to_be_visible()
    expect(page.get_by_role("region", name="Experiments", exact=True).locator("tbody tr")).to_have_count(2)
    expect(page.locator(".key")).to_have_count(4)


@pytest.mark.thorough
@pytest.mark.usefixtures("two")
def test_the_system_says_that_it_is_ready(page: Page, lab: LocalClient, root: str) -> None:
    """Its numbers are those of the metrics."""
    page.goto(f"{root}/#/system")
    expect(page.locator("#ready .large")).to_contain_text("Ready")
    expect(page.get_by_role("region", name="Queues")).to_contain_text("interactive")
    count = sum(1 for _ in lab.experiments())
    expect(page.locator("[data-metric=stepbias_experiments]")).to_have_text(str(count))
    expect(page.locator("#versions")).to_contain_text(lab.version()["numerics_version"])


@pytest.mark.thorough
def test_what_the_service_lacks_is_said(page: Page, root: str) -> None:
    """Not to be ready is an answer; the other numbers are there all the same."""
    lack = json.dumps({"title": "Not ready", "status": 503, "detail": "Missing: a live worker for the batch queue."})
    page.route("**/readyz", lambda route: route.fulfill(status=503, content_type="application/problem+json", body=lack))
    page.goto(f"{root}/#/system")
    expect(page.locator("#ready .trouble")).to_contain_text("Missing: a live worker for the batch queue.")
    expect(page.locator("#versions")).to_contain_text("numerics version")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A service that requires keys, and a key of each scope."""
    directory = tmp_path_factory.mktemp("locked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEPBIAS_KEYS", "required")
        with stepbias.local(state_dir=directory, workers=1) as lab:
            yield str(lab._options["base_url"]), {scope: _key(directory, scope) for scope in ("read", "submit")}


def _key(directory: Path, scope: str) -> str:
    command = [sys.executable, "-m", "stepbias", "keys", "add", f"a-{scope}", "--scope", scope]
    made = subprocess.run([*command, "--state-dir", directory], check=True, capture_output=True, text=True, timeout=60)
    return made.stdout.strip()


def _enter(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Enter").click()


def test_where_keys_are_wanted_one_is_asked_for_kept_and_forgotten(
    page: Page, locked: tuple[str, dict[str, str]]
) -> None:
    """A wrong one is told as such."""
    root, keys = locked
    page.goto(f"{root}/#/data")
    expect(page.locator("#key-title")).to_have_text("A key is wanted here")
    assert axe_findings(page) == []
    _enter(page, "sb_… with words")
    expect(page.locator("#key:invalid")).to_be_visible()
    _enter(page, "sb_000000000000_wrong")
    expect(page.locator("#key-title")).to_have_text("This key opens nothing")
    _enter(page, keys["submit"])
    expect(page.get_by_role("heading", name="Data")).to_be_visible()
    _chosen(page, b"a,b,y\n1,2,3\n4,5,7\n")
    expect(page.locator("#found .large")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="System").click()
    page.get_by_role("button", name="Forget it").click()
    expect(page.locator("#key-title")).to_be_visible()


@pytest.mark.thorough
def test_a_key_that_may_only_read_is_told_so(page: Page, locked: tuple[str, dict[str, str]]) -> None:
    """It may look, and ask what something would cost."""
    root, keys = locked
    page.goto(f"{root}/#/new")
    _enter(page, keys["read"])
    expect(page.locator("#cost .large")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#faults")).to_contain_text("scope submit is wanted; this one has read")


PLACES = ["#/new", "#/data", "#/data/{data}", "#/compare?ids={one},{another}", "#/system"]


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_every_view_is_accessible_and_fits_a_phone(
    page: Page, root: str, ids: dict[str, str], place: str, scheme: Any
) -> None:
    """In both colour schemes, with everything unfolded."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{root}/{place.format_map(ids)}")
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("networkidle")
    for each in page.locator("details").all():
        each.evaluate("each => { each.open = true; }")
    assert axe_findings(page) == []
    assert page.evaluate("() => document.scrollingElement.scrollWidth") <= 390
