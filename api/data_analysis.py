"""The analysis of an uploaded data set: what a large step would do, asked of a worker before any training."""

from functools import partial

from anyio import to_thread

from api.datasets import described
from api.drawing import awaited
from core.analysis.data_analysis import DataAnalysis
from jobs.document_keys import data_analysis_key
from jobs.ports import Doorbell, Store
from jobs.records import DATA_ANALYSIS, FigureRequest
from jobs.tracing import traceparent


async def analysis_of(dataset_id: str, *, store: Store, bell: Doorbell, patience: float) -> DataAnalysis:
    """What is known of the data set before training, found now unless it is stored.

    Raises:
        NothingHere: there is no data set of that id.
        DrawingFailed: a worker has tried lately, and could not.
        NotDrawnInTime: it takes longer than `patience` seconds; asking again helps.
    """
    await to_thread.run_sync(partial(described, dataset_id, store=store))
    key = data_analysis_key(dataset_id)
    request = FigureRequest(
        experiment_id=dataset_id, figure=DATA_ANALYSIS, format="json", key=key, traceparent=traceparent()
    )
    return DataAnalysis.from_json(await awaited(request, store=store, bell=bell, patience=patience))
