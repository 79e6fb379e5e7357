"""The data set that a run is trained on, whichever way its spec gives it."""

from collections.abc import Mapping
from typing import Any

from core.data.regression import Dataset, sparse_regression
from core.data.transforms import user_dataset
from core.data.user_arrays import UserArrays
from core.errors import InvalidData
from core.identity import dataset_key
from jobs.ports import ResultStore


def load(store: ResultStore, document: Mapping[str, Any]) -> Dataset:
    """The data set that the `data` part of a run's document describes; of an uploaded one the arrays are in `store`.

    Raises:
        InvalidData: the arrays are no regression problem, or an upload is no longer there.
        MalformedArrays: what is kept of an upload is damaged.
    """
    fields = {name: value for name, value in document.items() if name != "kind"}
    match document["kind"]:
        case "sparse_regression":
            return sparse_regression(**fields)
        case "inline":
            return user_dataset(**fields)
        case _:
            uploaded = _uploaded(store, fields["id"])
            return user_dataset(**uploaded.arrays, transform=fields["transform"])


def _uploaded(store: ResultStore, dataset_id: str) -> UserArrays:
    block = store.document(dataset_key(dataset_id))
    if block is None:
        raise InvalidData("the uploaded data set is no longer kept: upload it again, then retry the experiment")
    return UserArrays.unpack(block)
