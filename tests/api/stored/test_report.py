"""The report of a stored experiment."""

from typing import Any

from core.analysis.problem_analysis import ProblemAnalysis
from core.results.result import decode_summary, encode_summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key
from tests.api.service import EXPERIMENTS, Service, assert_problem


def _summary(step_size: float, **changes: Any) -> dict[str, Any]:
    summary = {
        "outcome": "converged",
        "step_size": step_size,
        "stability_threshold": 2 / step_size,
        "sharpness": 1500.0,
    }
    stored: dict[str, Any] = decode_summary(encode_summary(summary | changes))
    return stored


def _trained(api: Service, *summaries: dict[str, Any], **parts: Any) -> str:
    """An experiment of two step sizes with these summaries of its first runs; where it is."""
    identifier = api.submit(**parts)
    api.train(identifier, summaries)
    return f"{EXPERIMENTS}/{identifier}"


def _row(document: dict[str, Any], key: str) -> dict[str, Any]:
    (row,) = [row for row in document["inequalities"] if row["key"] == key]
    return dict(row)


def test_the_report_checks_what_is_stored(api: Service) -> None:
    """Each inequality with its count, its closest case, and where that is."""
    url = _trained(api, _summary(0.001), _summary(0.002), name="mine")
    response = api.get(f"{url}/report")
    document = response.json()
    assert (document["name"], document["status"]) == ("mine", "succeeded")
    assert document["experiment_id"] == url.rpartition("/")[2]
    assert document["basis"]["stored"] == 2
    row = _row(document, "linear_stability")
    assert (row["status"], row["applicable"], row["holds"]) == ("violated", 2, 1)
    assert row["worst"] == {"run": 1, "coordinates": {"step_size": 0.002}, "left": 1500.0, "right": 1000.0}
    assert row["worst_slack"] == -0.5
    assert "retry-after" not in response.headers


def test_the_report_of_a_running_experiment_is_of_what_is_there(api: Service) -> None:
    """It says how many runs are missing, and when to ask again."""
    url = _trained(api, _summary(0.001))
    response = api.get(f"{url}/report")
    assert response.json()["basis"] | {"runs": 2, "stored": 1, "missing": 1} == response.json()["basis"]
    assert "retry-after" in response.headers


def test_analyses_enter_as_soon_as_they_are_made(api: Service) -> None:
    """Before that the rows that need them say so."""
    url = _trained(api, _summary(0.001), _summary(0.001))
    waiting = _row(api.get(f"{url}/report").json(), "no_larger_step")
    assert (waiting["status"], waiting["reasons"][0]["cases"]) == ("not_applicable", 2)
    grid = Grid(ExperimentSpec.model_validate_json(api.store.spec(url.rpartition("/")[2])))
    analysis = ProblemAnalysis(
        data_key="",
        network="",
        depth=2,
        digest="",
        samples=1,
        dimension=1,
        min_sharpness_lower=2500.0,
        min_sharpness_upper=2500.0,
    )
    api.store.put_document(analysis_key(grid.run(0).problem_key), analysis.to_json())
    document = api.get(f"{url}/report").json()
    assert _row(document, "no_larger_step")["worst_slack"] == -0.25
    assert document["problems"][0]["min_sharpness_upper"] == 2500.0


def test_the_page_is_plain_text(api: Service) -> None:
    """With the name as its title, and in UTF-8."""
    url = _trained(api, _summary(0.001), _summary(0.002), name="mine")
    response = api.get(f"{url}/report.txt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    lines = response.content.decode("utf-8").splitlines()
    assert lines[0] == "REPORT  mine (succeeded)"
    assert any(line.startswith("VIOLATED 1/2 ") and "λ_max ≤ 2/η" in line for line in lines)


def test_an_experiment_that_has_not_begun_has_a_report(api: Service) -> None:
    """In which nothing applies."""
    url = f"{EXPERIMENTS}/{api.submit()}"
    assert api.get(f"{url}/report").json()["statuses"]["holds"] == 0
    assert api.get(f"{url}/report.txt").text.startswith("REPORT  of an unnamed experiment (planning)")


def test_there_is_no_report_of_nothing(api: Service) -> None:
    """An id that is not known is not found, in either form."""
    for part in ("report", "report.txt"):
        assert_problem(api.get(f"{EXPERIMENTS}/nobody/{part}"), 404)
