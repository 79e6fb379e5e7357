"""The data set of a run, whichever way its spec gives it: drawn, written out, or uploaded before."""

from collections.abc import Callable
from typing import assert_never

from core.data.regression import Dataset, sparse_regression
from core.data.transforms import user_dataset
from core.data.user_arrays import UserArrays
from core.errors import InvalidData
from core.spec.experiment_spec import InlineData, UploadedData
from core.spec.run_spec import PlainData, PlainSparseRegression

Load = Callable[[str], UserArrays]
"""Gives the arrays of an uploaded data set by its id; InvalidData where it is not kept."""


def no_uploads(_: str) -> UserArrays:
    """What loads where nothing can have been uploaded.

    Raises:
        InvalidData: whatever is asked for.
    """
    raise InvalidData("uploads are kept by a service; without one the data stand in the spec")


def dataset_of(data: PlainData, load: Load) -> Dataset:
    """The data set that a spec describes.

    Raises:
        InvalidData: the arrays are no regression problem, or an upload is not kept.
    """
    match data:
        case PlainSparseRegression():
            return sparse_regression(**data.model_dump(exclude={"kind"}))
        case InlineData():
            arrays = data.model_dump(exclude={"kind", "transform"})
            return user_dataset(**arrays, transform=data.transform.model_dump(mode="json"))
        case UploadedData():
            return user_dataset(**load(data.id).arrays, transform=data.transform.model_dump(mode="json"))
        case _:
            assert_never(data)
