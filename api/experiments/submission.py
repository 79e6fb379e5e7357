"""From the bytes of a spec to a recorded experiment."""

import logging
import math
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import ValidationError

from api.datasets.kept import used_documents
from api.problems import spec_violations
from api.problems.request_errors import OverLimit, UnusableBody, Violation
from api.requests import i_json
from api.requests.body import JsonBody, read
from api.requests.labels import require_plain_labels
from core.spec.experiment_spec import MAX_RUNS, ExperimentSpec, InlineData, SparseRegression
from core.sweep.grid import Grid
from jobs.ports import NO_WISHES, Doorbell, Store
from jobs.records import Queue, Submission, Wishes
from jobs.settings import Settings
from jobs.tracing import traceparent

_LOG = logging.getLogger(__name__)


def read_spec(body: bytes) -> ExperimentSpec:
    """The spec in a request body.

    Raises:
        MalformedBody, UnusableBody: it is not JSON, or not a spec; each violation with its place.
    """
    document = i_json.read(body)
    _require_countable(document)
    try:
        # From the bytes again: strict validation knows JSON's types there, and lists need not become tuples first.
        spec = ExperimentSpec.model_validate_json(body.removeprefix(BOM_UTF8))
    except ValidationError as error:
        violations = spec_violations.violations(error, document)
        raise UnusableBody("The spec breaks the rules listed under errors.", violations=violations) from None
    require_plain_labels(spec)
    return spec


def _require_countable(document: Any) -> None:
    """Refuse a grid beyond all measure before its axes are spelled out: a hundred thousand values take a while each."""
    parts = document.values() if isinstance(document, dict) else ()
    fields = (field for part in parts if isinstance(part, dict) for field in part.values() if isinstance(field, dict))
    counts = (field.get("num") for field in fields)
    known = [count for count in counts if type(count) is int and count > 0]
    is_linked = isinstance(document, dict) and bool(document.get("zip"))
    runs = max(known, default=1) if is_linked else math.prod(known)  # of linked axes the product is no count of runs
    if runs > MAX_RUNS:
        violation = Violation(pointer="", detail=f"the grid has {runs} runs; an experiment has at most {MAX_RUNS}")
        raise UnusableBody("The spec breaks the rules listed under errors.", violations=(violation,))


async def _spec(request: Request, body: JsonBody) -> ExperimentSpec:
    return await read(request, read_spec, body)


SpecHere = Annotated[ExperimentSpec, Depends(_spec)]
"""The spec in the body of a request."""


def require_within_limits(spec: ExperimentSpec, settings: Settings) -> None:
    """Return if the deployment takes experiments of this size.

    Raises:
        OverLimit: it has too many runs, or a data set of too many entries; with the numbers.
    """
    grid = Grid(spec)
    if len(grid) > settings.max_runs:
        raise OverLimit(
            f"The grid has {len(grid)} runs; at most {settings.max_runs} are taken in one experiment.",
            violations=tuple(
                Violation(pointer=f"/{axis.part}/{axis.field}", detail=f"this axis has {len(axis.values)} values")
                for axis in grid.axes
            ),
        )
    violations = tuple(_oversized(spec, settings.max_data_entries))
    if violations:
        limit = settings.max_data_entries
        raise OverLimit(f"A data set may have at most {limit} entries, samples × dimension.", violations=violations)


def submit(spec: ExperimentSpec, wishes: Wishes = NO_WISHES, *, store: Store, bell: Doorbell) -> Submission:
    """Record the experiment, then ring for somebody to plan it; a ring that is lost is made up for by the workers.

    Workers for batches hear of it too: those that have nothing to do may be the first to plan it.
    """
    submission = store.submit(
        spec=spec.canonical(),
        content_hash=spec.content_hash(),
        name=spec.name,
        tags=spec.tags,
        runs=len(Grid(spec)),
        documents=used_documents(spec),
        wishes=replace(wishes, traceparent=traceparent()),
    )
    if submission.is_new:
        for queue in Queue:
            ring(queue, bell=bell)
    return submission


def ring(queue: Queue, *, bell: Doorbell) -> None:
    """Ring; a failure is logged and no more, for the work is on record and is found without it."""
    try:
        bell.ring(queue)
    except Exception:  # noqa: BLE001 - whatever a broker's client raises: the ring was only a hint
        _LOG.warning("the %s queue was not rung for; the workers will find the work", queue, exc_info=True)


def _oversized(spec: ExperimentSpec, limit: int) -> Iterator[Violation]:
    match spec.data:
        case SparseRegression():
            rows, columns = max(spec.extremes_of("data", "samples", "dimension"), key=math.prod)
            if rows * columns > limit:
                detail = f"{rows:.0f} samples × {columns:.0f} dimensions are {rows * columns:.0f} entries"
                yield Violation(pointer="/data/samples", detail=detail)
                yield Violation(pointer="/data/dimension", detail=detail)
        case InlineData(X=X, held_out_X=held_out):
            for name, matrix in (("X", X), ("held_out_X", held_out or ((),))):
                if len(matrix) * len(matrix[0]) > limit:
                    detail = f"{len(matrix)} rows × {len(matrix[0])} columns are {len(matrix) * len(matrix[0])} entries"
                    yield Violation(pointer=f"/data/{name}", detail=detail)
