"""The headers of answers, by rule."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from api.experiments.answered_once import HEADER, REPLAYED
from api.http.outermost import REQUEST_ID

Operation = dict[str, Any]
"""An operation of the document."""

_TEXT: Final = {"type": "string"}

COMPONENTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        REQUEST_ID: {"description": "The id of the request in the service's log.", "schema": _TEXT},
        "ETag": {"description": "Of exactly these bytes; absent where results are not finished.", "schema": _TEXT},
        "Retry-After": {
            "description": "Seconds after which to ask again; absent where nothing changes by itself.",
            "schema": {"type": "integer", "minimum": 0},
        },
        "Location": {"description": "Where it is.", "schema": {"type": "string", "format": "uri-reference"}},
        "Link": {"description": 'Where it goes on, as `rel="next"` (RFC 8288); absent at the end.', "schema": _TEXT},
        REPLAYED: {"description": "The answer of the first time, under the same key.", "schema": {"const": "true"}},
    }
)

_LOCATED: Final = frozenset({"submit_experiment", "retry_experiment", "upload_dataset"})
_POLLED: Final = frozenset(
    {
        "submit_experiment",
        "get_experiment",
        "cancel_experiment",
        "retry_experiment",
        "get_results",
        "get_results_file",
        "get_curves",
        "get_report",
        "get_report_page",
        "get_manifest",
    }
)
_CONTINUED: Final = frozenset({"get_results", "get_results_file"})


def headers(method: str, status: str, operation: Operation) -> dict[str, Any]:
    """Those of an answer of this status that is no problem."""
    name, parameters = operation["operationId"], {each["name"] for each in operation.get("parameters", ())}
    has = {
        "ETag": is_tagged(method, operation) and status in {"200", "304"},
        "Location": name in _LOCATED,
        "Retry-After": name in _POLLED and status != "304",
        "Link": ("cursor" in parameters or name in _CONTINUED) and status == "200",
        REPLAYED: HEADER in parameters,
    }
    return referred([REQUEST_ID, *(header for header, is_there in has.items() if is_there)])


def is_tagged(method: str, operation: Operation) -> bool:
    """Whether the answers have entity tags: those that have an end."""
    return method == "get" and operation["operationId"] != "follow_experiment"


def referred(names: list[str]) -> dict[str, Any]:
    """References to the headers of these names."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
