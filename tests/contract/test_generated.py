"""Requests made from the document: whatever it allows is answered as it says, and what it forbids is refused."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.generation.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from typing_extensions import override  # in typing itself from Python 3.12 on

from tests.api.service import Service, service
from tests.contract import hooks

_CHECKS = [
    hooks.no_error_of_ours,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    hooks.refused_for_a_reason,
]
_SETTINGS = hypothesis.settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _service() -> Service:
    one = service(patience=0.0, max_runs=100_000)
    upload = one.client.post("/v1/datasets", json={"X": [[0.5, 1.5], [0.25, 1.0]], "y": [2.0, 3.0]})
    hooks.dataset_id = upload.json()["id"]
    one.submit()
    return one


pytestmark = pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload")
_SCHEMA: Any = schemathesis.openapi.from_asgi("/openapi.json", _service().client.app).exclude(
    operation_id="follow_experiment"
)
# Its thousands of cases are those of `make fuzz`.
_SCHEMA.config.phases.coverage.enabled = False


@_SCHEMA.parametrize()
@_SETTINGS
def test_a_request_is_answered_as_the_document_says(case: Any) -> None:
    """Status, type, headers and document of the answer."""
    case.call_and_validate(checks=_CHECKS)


def test_requests_that_follow_links_are_answered_as_the_document_says() -> None:
    """What one answer has made is looked at, edited, cancelled, deleted, and asked for again."""

    class Followed(_SCHEMA.as_state_machine()):  # type: ignore[misc]  # the class is made at run time
        @override
        def validate_response(self, response: Any, case: Any, *_: Any, **__: Any) -> None:
            case.validate_response(response, checks=_CHECKS)

    run_state_machine_as_test(Followed, settings=hypothesis.settings(_SETTINGS, stateful_step_count=8))
