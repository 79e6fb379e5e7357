"""Arrays with meanings, as JSON."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, floating_dtypes

from core.results.labelled_arrays import LabelledArrays, Meaning
from core.results.problem_arrays import DATA, INTERPOLATORS
from core.results.run_arrays import END, TRAJECTORY
from core.results.variables import VARIABLES
from core.training.recording import QUANTITIES

_NATIVE = floating_dtypes(endianness="=", sizes=(32, 64))


def _labelled(array: np.ndarray) -> LabelledArrays:
    dims = tuple(f"axis_{number}" for number in range(array.ndim))
    meaning = Meaning(dims=dims, symbol="a", description="An array.")
    return LabelledArrays(arrays={"a": array}, meanings={"a": meaning}, attrs={"of": "a test"})


@given(arrays(_NATIVE, array_shapes(max_dims=3, min_side=0, max_side=4)))
def test_json_keeps_every_number_and_says_null_for_the_rest(array: np.ndarray) -> None:
    """Strict JSON, the finite numbers to the bit, and the shape even where nothing is in it."""
    document = json.loads(json.dumps(_labelled(array).to_document(), allow_nan=False))
    data = np.array(document["data_vars"]["a"]["data"], dtype=np.float64).reshape(tuple(document["dims"].values()))
    assert data.shape == array.shape
    finite = np.isfinite(array)
    np.testing.assert_array_equal(data[finite], array[finite].astype(np.float64))
    assert np.isnan(data[~finite]).all()


@given(st.lists(st.integers(-(2**62), 2**62), max_size=5))
def test_whole_numbers_stay_whole(steps: list[int]) -> None:
    """Steps beyond 2^53 are not rounded to floats."""
    document = _labelled(np.array(steps, dtype=np.int64)).to_document()
    assert document["data_vars"]["a"]["data"] == steps


def test_a_coordinate_stands_apart() -> None:
    """As `xarray.Dataset.from_dict` wants it."""
    steps = Meaning(dims=("record_step",), symbol="t", description="Steps.")
    labelled = LabelledArrays(
        arrays={"record_step": np.array([0, 1]), "loss": np.array([2.0, 1.0])},
        meanings={"record_step": steps, "loss": steps},
        attrs={},
        coordinate="record_step",
    )
    document = labelled.to_document()
    assert document["dims"] == {"record_step": 2}
    assert (list(document["coords"]), list(document["data_vars"])) == (["record_step"], ["loss"])


def test_every_recorded_quantity_has_a_meaning() -> None:
    """In the table of trajectories, and under its name in the results; every meaning is a sentence."""
    assert set(QUANTITIES) == TRAJECTORY.keys() - {"record_step", "stability_threshold"}
    assert set(QUANTITIES) <= VARIABLES.keys()
    for table in (TRAJECTORY, END, DATA, INTERPOLATORS):
        for meaning in table.values():
            assert meaning.dims
            assert meaning.description.endswith(".")
