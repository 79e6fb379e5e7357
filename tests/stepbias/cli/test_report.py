"""`stepbias report`, on an experiment that has really been computed."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from stepbias import Client
from stepbias.cli.main import app
from tests.stepbias.client.living_service import LivingService, living_service, small_spec


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file."""
    with living_service() as service:
        yield service


@pytest.fixture(scope="module")
def finished(service: LivingService) -> str:
    """The id of an experiment whose six runs are computed."""
    with Client(service.url) as client, service.at_work():
        return client.submit(small_spec(name="reported")).wait(timeout=60).id


def _report(service: LivingService, *words: str) -> Result:
    return CliRunner().invoke(app, ["report", *words], env={"STEPBIAS_URL": service.url})


def test_every_inequality_holds_on_real_runs(service: LivingService, finished: str) -> None:
    """Or does not apply, for a reason; stability and the bounds of the sharpness apply to every run."""
    result = _report(service, finished, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    converged = document["basis"]["converged"]
    assert converged > 0
    assert document["statuses"]["violated"] == 0, document["inequalities"]
    for row in document["inequalities"]:
        assert row["status"] == "holds" or row["reasons"], row
        if row["scope"] == "run":
            assert row["holds"] == converged, row
    (problem,) = document["problems"]
    assert 0 < problem["largest_converged_step"] < problem["max_stable_step"]


def test_the_page_is_for_people(service: LivingService, finished: str) -> None:
    """On stdout, without an empty line at its end."""
    result = _report(service, finished)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "REPORT  reported (succeeded)"
    assert lines[-1]
    assert "VIOLATED" not in result.stdout


def test_a_report_of_nobody_is_one_sentence(service: LivingService) -> None:
    """On stderr, with exit code 1."""
    result = _report(service, "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no experiment of that id" in result.stderr


def test_the_command_explains_itself() -> None:
    """It has a help text."""
    result = CliRunner().invoke(app, ["report", "--help"])
    assert result.exit_code == 0
    assert "stepbias report" in result.stdout
    assert "--json" in result.stdout
