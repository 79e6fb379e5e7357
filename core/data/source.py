"""The data set of a run, whichever way its spec gives it: drawn, written out, or uploaded before."""

from collections.abc import Callable, Mapping
from typing import Any

from core.data.regression import Dataset, sparse_regression
from core.data.transforms import user_dataset
from core.data.user_arrays import UserArrays
from core.errors import InvalidData
from core.identity import dataset_key


def dataset_of(document: Mapping[str, Any], kept: Callable[[str], bytes | None]) -> Dataset:
    """The data set that the `data` part of a run's document describes; `kept` has the uploaded ones by their key.

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
            uploaded = _uploaded(kept(dataset_key(fields["id"])))
            return user_dataset(**uploaded.arrays, transform=fields["transform"])


def _uploaded(block: bytes | None) -> UserArrays:
    if block is None:
        raise InvalidData("the uploaded data set is no longer kept: upload it again, then retry the experiment")
    return UserArrays.unpack(block)
