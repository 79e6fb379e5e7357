"""The report through the client."""

from tests.stepbias.client.stub import ScriptedService, experiment, ok


def test_the_report_is_the_document_of_the_service() -> None:
    """As JSON by name, as a page of text by its address."""
    service = ScriptedService([ok(experiment()), ok({"basis": {"runs": 20}}), ok("REPORT")])
    handle = service.client().experiment("e1")
    assert handle.report() == {"basis": {"runs": 20}}
    assert handle.read("report.txt") == b'"REPORT"'
    assert service.lines[1:] == ["GET /v1/experiments/e1/report", "GET /v1/experiments/e1/report.txt"]
