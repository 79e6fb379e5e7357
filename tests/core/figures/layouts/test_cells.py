"""The cells of a phase diagram."""

import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.figures.layouts.cells import MISSING, OUTCOMES, cell_axis, commonest, converged_median, outcome_codes
from core.outcome import Outcome

CONVERGED = OUTCOMES.index(Outcome.CONVERGED)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=12, unique=True))
def test_every_value_lies_inside_its_cell_and_edges_halfway_between_values(values: list[float]) -> None:
    """At the mean of the two on a linear axis, at their geometric mean on a logarithmic one."""
    axis = cell_axis(values)
    assert axis.values.tolist() == sorted(values) == [values[place] for place in axis.order]
    scaled, edges = (np.log(part) if axis.log else part for part in (axis.positions, axis.edges))
    room = 1e-9 * np.abs(edges).max()
    assert (edges[:-1] <= scaled + room).all()
    assert (scaled <= edges[1:] + room).all()
    assert np.allclose(edges[1:-1], (scaled[1:] + scaled[:-1]) / 2, rtol=1e-9, atol=room)
    # The outermost cells are symmetric about their values.
    assert np.allclose(edges[[0, -1]] + edges[[1, -2]], 2 * scaled[[0, -1]], rtol=1e-9, atol=room)


@pytest.mark.parametrize(
    ("values", "log"),
    [
        (np.geomspace(1e-3, 3, 8).tolist(), True),
        ([0.001, 0.003, 0.01, 0.03], True),
        (np.linspace(0.1, 1.1, 9).tolist(), False),
        ([0.001, 0.003, 0.005, 0.007, 0.0079], False),
        ([0.0, 1.0, 2.0], False),
        ([0.0, 100.0, 1000.0, 10000.0], True),
        ([-1.0, 0.0, 10.0, 1000.0], False),
        ([1.0, 2.0], False),
        ([0.01, 1.0], True),
    ],
)
def test_an_axis_is_logarithmic_where_that_spaces_its_values_more_evenly(values: list[float], *, log: bool) -> None:
    """Whatever the quantity is: step sizes in equal steps are drawn in equal cells."""
    assert cell_axis(values).log is log


def test_a_zero_among_logarithmic_values_has_a_cell_at_the_left() -> None:
    """No warm-up beside warm-ups of 100 and 1000 steps stands where 10 would, and is called 0."""
    axis = cell_axis([100.0, 1000.0, 0.0])
    assert axis.positions == pytest.approx([10, 100, 1000])
    assert axis.values.tolist() == [0, 100, 1000]


@given(st.lists(st.lists(st.sampled_from([MISSING, *range(len(OUTCOMES))]), min_size=1, max_size=5), min_size=1))
def test_a_cell_has_the_commonest_outcome_of_its_stored_runs(cells: list[list[int]]) -> None:
    """Counted one by one; of equally common ones the first."""
    width = max(map(len, cells))
    codes = np.array([cell + [MISSING] * (width - len(cell)) for cell in cells])
    winners, differing = commonest(codes)
    for cell, winner, differs in zip(cells, winners.tolist(), differing.tolist(), strict=True):
        counts = Counter(code for code in cell if code != MISSING)
        most = max(counts.values(), default=0)
        assert winner == min((code for code, count in counts.items() if count == most), default=MISSING)
        assert differs == (len(counts) > 1)


@given(st.data())
def test_medians_are_of_the_converged_runs_alone(data: st.DataObject) -> None:
    """Runs that ended otherwise, have no value, or a negative one do not count; zero does."""
    size = data.draw(st.integers(1, 6))
    numbers = st.one_of(st.floats(1e-6, 1e6), st.sampled_from([np.nan, np.inf, 0.0, -1.0]))
    values = data.draw(st.lists(numbers, min_size=size, max_size=size))
    codes = data.draw(st.lists(st.sampled_from([MISSING, 0, 1, 2]), min_size=size, max_size=size))
    counted = [
        value for value, code in zip(values, codes, strict=True) if code == CONVERGED and 0 <= value < float("inf")
    ]
    (median,) = converged_median(np.array([values]), np.array([codes])).tolist()
    assert median == pytest.approx(statistics.median(counted)) if counted else np.isnan(median)


def test_every_outcome_has_a_code_and_an_unknown_word_has_none() -> None:
    """A summary written by a later version is drawn as a run that is not there."""
    summaries: list[Mapping[str, Any] | None] = [{"outcome": str(outcome)} for outcome in Outcome]
    assert outcome_codes([*summaries, None, {"outcome": "lost"}]).tolist() == [*range(len(Outcome)), MISSING, MISSING]
