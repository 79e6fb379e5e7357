"""What is kept of the runs of a batch goes where they go, and into a checkpoint and back."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from jaxtyping import Float64, Int64

from core.array_block import pack_arrays, unpack_arrays
from core.descent.per_run import RUN_AXIS, PerRun


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inner(PerRun):
    """One array, its runs along the first axis."""

    count: Int64[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outer(PerRun):
    """All that a field may be."""

    part: Inner
    theta: Float64[np.ndarray, "part run"] = field(metadata={RUN_AXIS: 1})
    velocity: Float64[np.ndarray, "part run"] | None = field(default=None, metadata={RUN_AXIS: 1})


def three_runs(*, velocity: bool = False) -> Outer:
    """Every number tells its run."""
    theta = np.array([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]])
    return Outer(part=Inner(count=np.arange(3)), theta=theta, velocity=theta + 0.5 if velocity else None)


@pytest.mark.parametrize("velocity", [False, True])
def test_runs_are_selected_along_their_axis_in_every_part(*, velocity: bool) -> None:
    """In the order that is asked for; what is None stays so."""
    kept = three_runs(velocity=velocity).select(np.array([2, 0]))
    assert kept.part.count.tolist() == [2, 0]
    assert kept.theta.tolist() == [[2, 0], [12, 10]]
    assert (kept.velocity is not None) is velocity
    if kept.velocity is not None:
        assert kept.velocity.tolist() == [[2.5, 0.5], [12.5, 10.5]]


@pytest.mark.parametrize("velocity", [False, True])
def test_arrays_read_back_to_the_bit(*, velocity: bool) -> None:
    """By their names, among other arrays."""
    kept = three_runs(velocity=velocity)
    arrays = kept.arrays()
    assert set(arrays) == {"part.count", "theta"} | ({"velocity"} if velocity else set())
    again = Outer.from_arrays(unpack_arrays(pack_arrays(arrays | {"step": np.array([7])})))
    assert {name: array.tobytes() for name, array in again.arrays().items()} == {
        name: array.tobytes() for name, array in arrays.items()
    }


def test_what_is_kept_or_selected_does_not_change_any_more() -> None:
    """Both are copies."""
    runs = three_runs()
    arrays, selected = runs.arrays(), runs.select(np.arange(3))
    runs.part.count[:], runs.theta[:] = 9, 9
    assert arrays["part.count"].tolist() == selected.part.count.tolist() == [0, 1, 2]
    assert arrays["theta"].tolist() == selected.theta.tolist() == three_runs().theta.tolist()


@pytest.mark.parametrize("missing", ["part.count", "theta"])
def test_an_array_that_is_missing_is_named(missing: str) -> None:
    """Only one that may be None may be left out."""
    arrays = three_runs().arrays()
    del arrays[missing]
    with pytest.raises(KeyError, match=missing.rpartition(".")[2]):
        Outer.from_arrays(arrays)
