"""Results as tables of other libraries."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stepbias as sb
from stepbias import Client, ExperimentHandle
from stepbias.results_table import columns, numeric
from tests.stepbias.client.living_service import living_service

LABELLED: dict[str, Any] = {
    "dims": {"a": 2, "b": 3},
    "coords": {"a": {"dims": ["a"], "data": [0.5, 1.5]}, "b": {"dims": ["b"], "data": [1, 2, 3]}},
    "data_vars": {
        "both": {"dims": ["a", "b"], "data": [[1.0, None, 3.0], [4.0, 5.0, 6.0]]},
        "of_b": {"dims": ["b"], "data": [None, 8.0, 9.0]},
        "turned": {"dims": ["b", "a"], "data": [[1, 2], [3, 4], [5, 6]]},
        "word": {"dims": ["a", "b"], "data": [["x", None, "x"], ["y", "y", "y"]]},
        "one": {"dims": [], "data": 7},
        "none": {"dims": ["a"], "data": [None, None]},
    },
    "attrs": {},
}


def test_a_row_is_a_run_in_the_order_of_the_grid() -> None:
    """What does not depend on an axis is repeated along it, whatever order its own are in."""
    table = columns(LABELLED)
    assert table["a"] == [0.5, 0.5, 0.5, 1.5, 1.5, 1.5]
    assert table["b"] == [1, 2, 3, 1, 2, 3]
    assert table["turned"] == [1, 3, 5, 2, 4, 6]
    assert table["word"] == ["x", None, "x", "y", "y", "y"]
    assert table["one"] == [7] * 6
    np.testing.assert_equal(table["both"], [1.0, math.nan, 3.0, 4.0, 5.0, 6.0])
    np.testing.assert_equal(table["of_b"], [math.nan, 8.0, 9.0] * 2)
    np.testing.assert_equal(table["none"], [math.nan] * 6)


def test_numbers_that_are_missing_are_nan_and_words_none() -> None:
    """As arrays want it."""
    found = numeric(LABELLED)["data_vars"]
    np.testing.assert_equal(found["both"]["data"], [[1.0, math.nan, 3.0], [4.0, 5.0, 6.0]])
    assert found["word"]["data"] == LABELLED["data_vars"]["word"]["data"]


@pytest.fixture(scope="module")
def done() -> Iterator[ExperimentHandle]:
    """A finished sweep with two axes of its own and one of the data."""
    spec = sb.sweep(
        samples=3,
        dimension=6,
        sparsity=1,
        seed=range(2),
        step_size=sb.fractions([0.1, 0.5]),
        init_scale=[0.1, 0.3, 0.5],
        steps=64,
    )
    with living_service() as service, Client(service.url) as client:
        handle = client.submit(spec)
        with service.at_work():
            rows = list(handle.as_completed(timeout=60))
        assert sorted(row["index"] for row in rows) == list(range(12))
        yield handle


def test_pandas_has_numbers_and_categories(done: ExperimentHandle) -> None:
    """In the order of the grid; what xarray makes of the same is equal."""
    table = done.to_pandas()
    assert len(table) == 12
    assert isinstance(table["outcome"].dtype, pd.CategoricalDtype)
    assert table["train_loss"].dtype == np.float64
    runs = list(done.runs())
    np.testing.assert_array_equal(table["train_loss"], np.array([run["summary"]["train_loss"] for run in runs], float))
    for axis in ("seed", "step_size_fraction", "init_scale"):
        assert table[axis].tolist() == [run["coordinates"][axis] for run in runs]
    assert set(table.columns) == set(done.to_xarray().reset_coords().variables)


def test_polars_has_the_same(done: ExperimentHandle) -> None:
    """With its own categories."""
    table = done.to_polars()
    assert table["outcome"].dtype == pl.Categorical
    np.testing.assert_array_equal(table["train_loss"].to_numpy(), done.to_pandas()["train_loss"].to_numpy())


def test_xarray_selects_by_what_was_asked_for(done: ExperimentHandle) -> None:
    """And its missing numbers are NaN."""
    dataset = done.to_xarray()
    assert dataset["train_loss"].dtype == np.float64
    loss = dataset["train_loss"].sel(init_scale=0.3, step_size_fraction=0.5, seed=1).item()
    table = done.to_pandas()
    at = (table["init_scale"] == 0.3) & (table["step_size_fraction"] == 0.5) & (table["seed"] == 1)
    assert loss == table.loc[at, "train_loss"].item()
    assert all(variable.dtype.kind in "fiubOUT" for variable in dataset.variables.values())


def test_the_predictor_of_a_run_is_at_hand(done: ExperimentHandle) -> None:
    """β as its arrays have it."""
    assert done.predictor(3) == done.arrays(3)["predictor"]
    assert len(done.predictor(3)) == 6
