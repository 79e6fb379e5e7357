"""`stepbias delete`: a line for each experiment."""

import httpx2
import pytest
from click.testing import CliRunner, Result

from stepbias import Client
from stepbias.cli import submit
from stepbias.cli.main import app
from tests.stepbias.client.stub import ADDRESS, experiment


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The experiments of a service, with their status; those that are finished can be deleted."""
    experiments: dict[str, str] = {}

    def answer(request: httpx2.Request) -> httpx2.Response:
        name = request.url.path.rpartition("/")[2]
        if name == "version":
            return httpx2.Response(200, json={})
        if name not in experiments:
            return _problem(404, "There is no experiment of that id.")
        if request.method == "GET":
            return httpx2.Response(200, json=experiment(experiments[name], id=name))
        if experiments[name] == "running":
            return _problem(409, "this one is running: cancel it.")
        del experiments[name]
        return httpx2.Response(204)

    transport = httpx2.MockTransport(answer)
    monkeypatch.setattr(submit, "connect", lambda url, **_: Client(url, transport=transport))
    return experiments


def _problem(status: int, detail: str) -> httpx2.Response:
    return httpx2.Response(status, json={"title": "Not so", "detail": detail})


def _delete(*ids: str) -> Result:
    return CliRunner().invoke(app, ["delete", *ids, "--url", ADDRESS])


def test_each_experiment_is_deleted_with_a_line(there: dict[str, str]) -> None:
    """An id may begin with a hyphen."""
    there.update({"one": "succeeded", "-two": "cancelled", "three": "failed"})
    result = _delete("one", "-two")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "one: deleted\n-two: deleted\n", "")
    assert list(there) == ["three"]


def test_one_that_is_refused_does_not_keep_the_others(there: dict[str, str]) -> None:
    """The exit code tells, and a line says why."""
    there.update({"busy": "running", "done": "succeeded"})
    result = _delete("busy", "nobody", "done")
    assert (result.exit_code, result.stdout) == (1, "done: deleted\n")
    assert result.stderr.splitlines() == [
        "busy: Not so (409): this one is running: cancel it.",
        "nobody: Not so (404): There is no experiment of that id.",
    ]
    assert list(there) == ["busy"]
