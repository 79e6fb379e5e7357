"""The data sets that runs are trained on, of each kind, uploaded ones from either store."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from core.array_block import MalformedArrays
from core.data.regression import Dataset, sparse_regression
from core.data.user_arrays import UserArrays
from core.errors import InvalidData
from core.experiment.dataset import dataset_of
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.connection import connect
from jobs.document_keys import dataset_key
from jobs.kept_documents import uploads
from jobs.ports import Store
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from tests.reference.memory_store import MemoryStore

UPLOADED = UserArrays.of(
    {
        "X": np.array([[1.0, 2.0, 0.5], [3.0, 0.0, 0.1], [2.0, 1.0, 0.3]]),
        "y": np.array([1.0, 2.0, 6.0]),
        "true_predictor": np.array([1.0, 0.0, 2.0]),
        "held_out_X": np.array([[0.0, 1.0, 0.2]]),
        "held_out_y": np.array([3.0]),
    }
)
TRANSFORMS: list[dict[str, Any]] = [
    {},
    {"X": "centre", "y": "centre"},
    {"X": "centre"},
    {"X": "offset", "offset": 5.0},
    {"X": "offset", "y": "offset", "offset": -1.0},
]


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of either kind."""
    if request.param == "memory":
        yield MemoryStore(Settings())
        return
    with connect(request.getfixturevalue("empty_valkey_url"), patience=10.0) as client:
        yield RedisStore(client, Settings())


def _loaded(store: Store, **data: Any) -> Dataset:
    """The data set of a run with this data part."""
    body = {
        "data": data,
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.1},
    }
    return dataset_of(Grid(ExperimentSpec.model_validate(body)).problem(0).data, uploads(store))


def _keep(store: Store) -> None:
    store.put_document(dataset_key(UPLOADED.id), UPLOADED.pack())


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_uploaded_data_are_those_that_could_have_stood_in_the_spec(store: Store, transform: dict[str, Any]) -> None:
    """To the bit, with truth, held-out samples and the same transform."""
    _keep(store)
    uploaded = _loaded(store, kind="dataset", id=UPLOADED.id, transform=transform)
    arrays = {name: array.tolist() for name, array in UPLOADED.arrays.items()}
    inline = _loaded(store, kind="inline", transform=transform, **arrays)
    assert uploaded.digest == inline.digest
    assert uploaded.true_predictor is not None
    assert uploaded.true_predictor.tolist() == arrays["true_predictor"]
    assert uploaded.held_out is not None
    assert inline.held_out is not None
    assert uploaded.held_out.X.tobytes() == inline.held_out.X.tobytes()
    assert uploaded.held_out.y.tobytes() == inline.held_out.y.tobytes()


def test_each_transform_gives_other_data_and_another_identity(store: Store) -> None:
    """The transform is part of what a run is known by."""
    _keep(store)
    body = {
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.1},
    }
    data = [{"kind": "dataset", "id": UPLOADED.id, "transform": transform} for transform in TRANSFORMS]
    runs = [Grid(ExperimentSpec.model_validate(body | {"data": each})).run(0) for each in data]
    assert len({run.data_key for run in runs}) == len({run.key for run in runs}) == len(TRANSFORMS)
    assert len({dataset_of(run.spec.data, uploads(store)).digest for run in runs}) == len(TRANSFORMS)


def test_drawn_data_need_no_store(store: Store) -> None:
    """As the spec says, digit for digit."""
    numbers: dict[str, Any] = {"samples": 3, "dimension": 5, "sparsity": 2, "mean": 1.0, "variance": 2.0, "seed": 4}
    loaded = _loaded(store, kind="sparse_regression", **numbers)
    assert loaded.digest == sparse_regression(**numbers, noise_variance=0.01).digest


def test_an_upload_that_is_gone_is_said_to_be(store: Store) -> None:
    """In a sentence that says what to do, and becomes the error of the experiment."""
    with pytest.raises(InvalidData, match="upload it again"):
        _loaded(store, kind="dataset", id=UPLOADED.id)


def test_an_upload_that_is_damaged_is_not_trained_on(store: Store) -> None:
    """Bytes that are no arrays are no data."""
    store.put_document(dataset_key(UPLOADED.id), UPLOADED.pack()[:-3])
    with pytest.raises(MalformedArrays):
        _loaded(store, kind="dataset", id=UPLOADED.id)
