"""Which problems an operation may answer with, by rule: what it reads and changes decides, not a list for each."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from api.contract.json_schema import IN_COMPONENTS
from api.http.outermost import REQUEST_ID
from api.openapi.headers import Operation, referred
from api.problems.documents import MEDIA_TYPE, TYPE, Problem
from api.problems.explained import ErrorDocument, every_error

Answer = dict[str, Any]

_EVERYWHERE: Final = ("foreign-host", "invalid-query", "internal-error", "stopping")
_OF_HOLDERS: Final = ("no-key", "unknown-key", "expired-key", "insufficient-scope", "too-many-requests")
_OPEN: Final = frozenset({"health", "readiness", "list_errors", "get_error"})
"""What is answered without a key."""

_OF_QUOTAS: Final = ("over-quota", "too-many-active")
_OF_CHANGES: Final = ("foreign-origin",)
_OF_BODIES: Final = ("malformed-body", "body-too-slow", "body-too-large", "wrong-media-type")
_OF_KEYS: Final = ("key-taken", "still-answering", "gone")
_OF_THE_STORE: Final = ("store-unavailable", "foreign-store", "damaged-record")
_OF_EXPERIMENTS: Final = ("no-such-experiment", "ambiguous-id")
_OF_WAITING: Final = ("not-drawn-yet", "drawing-failed")

_STORELESS: Final = frozenset(
    {"health", "versions", "get_metrics", "list_presets", "get_preset", "list_errors", "get_error"}
)
_OWN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "readiness": ("not-ready",),
        "submit_experiment": (
            "invalid-spec",
            "over-limit",
            "over-quota",
            "too-many-active",
            "too-many-tags",
            "store-full",
        ),
        "estimate_experiment": ("invalid-spec", "over-limit"),
        "edit_experiment": ("invalid-edit", "too-many-tags", "store-full"),
        "retry_experiment": ("wrong-status", "store-full"),
        "delete_experiment": ("still-active",),
        "upload_dataset": ("invalid-dataset", "over-limit", "store-full"),
        "delete_dataset": ("in-use",),
        "list_keys": ("not-found",),
        "create_key": ("invalid-key", "not-found", "store-full"),
        "get_data_analysis": _OF_WAITING,
        "get_figure": ("unsuitable-figure", "nothing-to-draw", "results-changed", *_OF_WAITING),
        "get_results": ("not-acceptable", "results-changed"),
        "get_results_file": ("not-acceptable", "results-changed"),
        **dict.fromkeys(
            (
                "list_runs",
                "get_run",
                "get_columns",
                "get_curve_table",
                "get_curve_lines",
                "get_report",
                "get_report_page",
                "get_manifest",
            ),
            ("results-changed",),
        ),
        **{
            f"get_{what}{form}": ("not-stored-yet",)
            for what in ("trajectory", "vectors", "arrays", "interpolators")
            for form in ("_file", "_table", "_lines")
        },
        **{
            f"get_{what}": ("not-acceptable", "not-stored-yet")
            for what in ("trajectory", "vectors", "arrays", "interpolators")
        },
        "get_data": ("not-acceptable",),
        "get_curves": ("not-acceptable", "results-changed"),
    }
)


def refusals(method: str, operation: Operation) -> dict[str, tuple[str, Answer]]:
    """The answers of an operation that are problems, by status: the name of each, and what it is."""
    known = every_error()
    found = sorted((known[slug] for slug in set(_slugs(method, operation))), key=lambda each: (each.status, each.type))
    return {
        str(status): _named(status, list(errors)) for status, errors in groupby(found, key=lambda error: error.status)
    }


def _slugs(method: str, operation: Operation) -> Iterator[str]:
    parameters = {each["name"]: each["in"] for each in operation.get("parameters", ())}
    name = operation["operationId"]
    yield from _EVERYWHERE
    yield from () if method == "get" else _OF_CHANGES
    yield from () if name in _OPEN else _OF_HOLDERS
    yield from ("shared-to-read",) if method != "get" and "experiment_id" in parameters else ()
    yield from () if name in _STORELESS else _OF_THE_STORE
    yield from _OF_BODIES if "requestBody" in operation else ()
    yield from _OF_KEYS if "Idempotency-Key" in parameters else ()
    yield from ("not-as-known",) if "If-Match" in parameters else ()
    yield from _OF_EXPERIMENTS if "experiment_id" in parameters else ()
    yield from (
        ("not-found",) if "path" in {where for each, where in parameters.items() if each != "experiment_id"} else ()
    )
    yield from _OWN.get(name, ())


def _named(status: int, errors: list[ErrorDocument]) -> tuple[str, Answer]:
    slugs = [error.type.removeprefix(TYPE) for error in errors]
    names = [REQUEST_ID, "Link", *(["Retry-After"] if any(error.may_pass for error in errors) else [])]
    return f"{status}-{'-or-'.join(slugs)}", {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{slug}`' for slug in slugs)}.",
        "headers": referred(names),
        "content": {MEDIA_TYPE: {"schema": {"$ref": IN_COMPONENTS.format(model=Problem.__name__)}}},
    }
