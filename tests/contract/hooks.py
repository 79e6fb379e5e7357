"""Schemathesis as this contract is tested: requests are made to fit, and a refusal of one has a reason with a name."""

import atexit
import json
import os
import secrets
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx2
import schemathesis
from schemathesis import GenerationMode

from api.contract.examples import DATASETS
from tests.contract.fitting import archive, fitted_arrays, fitted_query, fitted_spec, rule_of, table

FITTED: Final = "CONTRACT_RAW" not in os.environ
"""Whether requests that the schema allows are made to fit; otherwise they are sent as they were generated."""

STATISTICS: Final = os.environ.get("CONTRACT_STATISTICS")
"""A file in which is counted."""

URL: Final = os.environ.get("CONTRACT_URL")
"""Of a service that is asked from another process."""

CHECKS: Final = (
    "no_error_of_ours",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "refused_for_a_reason",
)

seen: Counter[str] = Counter()
"""How many requests the schema allows, how many of them were refused, and by which rule."""

dataset_id = "0" * 64
"""Of a data set of two rows and columns that is there."""

_REFUSALS: Final = frozenset({400, 415, 422})


def is_allowed(case: Any) -> bool:
    """Whether the schema allows the request."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make a request fit that the schema allows."""
    del context, kwargs
    if not (FITTED and is_allowed(case)):
        return
    name = case.operation.definition.raw["operationId"]
    ending = (case.path_parameters or {}).get("ending")
    case.query = fitted_query(name, dict(case.query or {}), media_type=case.media_type, ending=ending)
    if case.headers:
        case.headers.pop("prefer", None)
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:180]}{secrets.token_hex(8)}"
    # What was made to be odd in some way of which the schema does not know may not be of the form that is fitted.
    with suppress(KeyError, TypeError, AttributeError, IndexError):
        case.body = _fitted_body(name, case.media_type, case.body)


def _fitted_body(name: str, media_type: str | None, body: Any) -> Any:
    if name in {"submit_experiment", "estimate_experiment"}:
        return fitted_spec(body, dataset_id=dataset_id)
    if name == "upload_dataset":
        return (
            fitted_arrays(body)
            if media_type == "application/json"
            else table()
            if media_type == "text/csv"
            else archive()
        )
    return body


@schemathesis.check
def refused_for_a_reason(context: Any, response: Any, case: Any) -> None:
    """A request that the schema allows is refused by a rule that has a name, or accepted."""
    del context
    seen["sent"] += 1
    if not is_allowed(case):
        return
    seen["allowed"] += 1
    if response.status_code in _REFUSALS:
        rule = rule_of(response.json())
        seen["refused"] += 1
        seen[f"refused: {rule}"] += 1
        assert rule is not None, f"refused without a named rule: {response.text}"


@schemathesis.check
def no_error_of_ours(context: Any, response: Any, case: Any) -> None:
    """No 5xx but 503, which says when to ask again."""
    del context, case
    assert response.status_code < 500 or (response.status_code == 503 and "retry-after" in response.headers), (
        response.text
    )


def upload(url: str) -> str:
    """The id of a data set that is there from now on."""
    response = httpx2.post(f"{url}/v1/datasets", json=DATASETS["smallest"], timeout=60.0)
    return str(response.raise_for_status().json()["id"])


if URL is not None:
    dataset_id = upload(URL)


@atexit.register
def _write() -> None:
    if STATISTICS:
        Path(STATISTICS).write_text(json.dumps(seen), encoding="utf-8")
