"""The analysis of an uploaded data set: what a large step would do, asked of a worker before any training."""

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from pydantic import BeforeValidator, Field, ValidationError

from api.datasets.kept import described
from api.figures.drawing import awaited
from api.problems.request_errors import UnusableBody
from api.problems.spec_violations import sentence
from api.requests import i_json
from api.requests.paging import QueryModel
from core.analysis.data_analysis import DataAnalysis
from core.spec.experiment_spec import Transform
from jobs.document_keys import data_analysis_key
from jobs.ports import Doorbell, Store
from jobs.records import DATA_ANALYSIS, FigureRequest
from jobs.tracing import traceparent

_UNCHANGED = Transform()


def _transform(given: Any) -> Any:
    """The transform in the text of a parameter.

    Raises:
        ValueError: it is none; what was given is not repeated.
    """
    if not isinstance(given, str):
        return given
    try:
        transform = Transform.model_validate_json(given)
        i_json.read(given.encode())
    except UnusableBody as error:
        raise ValueError(error.violations[0].detail) from None
    except ValidationError as error:
        finding = error.errors()[0]
        where = "".join(f"{part}: " for part in finding["loc"] if part in Transform.model_fields)
        finding["loc"] = ("data", "transform", *finding["loc"])
        raise ValueError(f"{where}{sentence(finding)}") from None
    return transform


class AnalysisQuery(QueryModel):
    """The query of the analysis of a data set."""

    transform: Annotated[
        Transform,
        BeforeValidator(_transform),
        Field(description='As in a spec, in JSON: {"X": "centre", "y": "none"}; default: the data as they are.'),
    ] = _UNCHANGED


async def analysis_of(
    dataset_id: str, transform: Transform, *, store: Store, bell: Doorbell, patience: float
) -> DataAnalysis:
    """What is known of the data set, so transformed, before training, found now unless it is stored.

    Raises:
        NothingHere: there is no data set of that id.
        DrawingFailed: a worker has tried lately, and could not.
        NotDrawnInTime: it takes longer than `patience` seconds; asking again helps.
    """
    await to_thread.run_sync(partial(described, dataset_id, store=store))
    shift = "" if transform == _UNCHANGED else transform.model_dump_json()
    key = data_analysis_key(dataset_id, transform=shift)
    request = FigureRequest(
        experiment_id=dataset_id,
        figure=DATA_ANALYSIS,
        format="json",
        key=key,
        transform=shift,
        traceparent=traceparent(),
    )
    return DataAnalysis.from_json(await awaited(request, store=store, bell=bell, patience=patience))
