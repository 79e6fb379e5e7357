"""The data set that a run is trained on."""

from collections.abc import Mapping
from typing import Any

from core.data.regression import Dataset
from core.data.source import dataset_of
from jobs.ports import ResultStore


def load(store: ResultStore, document: Mapping[str, Any]) -> Dataset:
    """The data set that the `data` part of a run's document describes; of an uploaded one the arrays are in `store`.

    Raises:
        InvalidData: the arrays are no regression problem, or an upload is no longer there.
        MalformedArrays: what is kept of an upload is damaged.
    """
    return dataset_of(document, store.document)
