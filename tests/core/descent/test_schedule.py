"""Step-size schedules, beside a plain loop."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.schedule import Decline, Shape, Stages, doublings, scheduled, warmed_up
from tests.reference.decay_by_hand import step_size_at

WARMUP = 37

SHAPES: dict[str, tuple[Shape, dict[str, object]]] = {
    "piecewise": (Stages(changes=(20, 90, 300), factors=(0.3, 0.09, 0.027)), {"at": (20, 90, 300), "factor": 0.3}),
    "exponential": (Decline(start=WARMUP, steps=200, end=0.02, is_cosine=False), {"steps": 200, "factor": 0.02}),
    "cosine": (Decline(start=WARMUP, steps=200, end=0.1, is_cosine=True), {"steps": 200, "factor": 0.1}),
    "doubling": (doublings(WARMUP, 50, 12.0), {"steps": 50, "factor": 12.0}),
}


def sizes(shape: Shape | None, start: int, stop: int, *, full: float = 0.7, warmup: int = WARMUP) -> np.ndarray:
    """η_t of one run."""
    return scheduled(np.array([full]), np.array([warmup]), [shape], start, stop)[:, 0]


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("warmup", [0, WARMUP])
def test_step_sizes_are_those_of_the_plain_loop(kind: str, warmup: int) -> None:
    """Behind the warm-up, and for milestones within it, too; to rounding."""
    shape, told = SHAPES[kind]
    if isinstance(shape, Decline):
        shape = Decline(start=warmup, steps=shape.steps, end=shape.end, is_cosine=shape.is_cosine)
    if kind == "doubling":
        shape = doublings(warmup, 50, 12.0)
    by_hand = [step_size_at(step, full=0.7, warmup=warmup, kind=kind, **told) for step in range(500)]  # type: ignore[arg-type]
    np.testing.assert_allclose(sizes(shape, 0, 500, warmup=warmup), by_hand, rtol=1e-15)


@given(kind=st.sampled_from(sorted(SHAPES)), start=st.integers(0, 400), length=st.integers(1, 70))
def test_no_bit_of_a_step_size_depends_on_the_chunk_it_is_in(kind: str, start: int, length: int) -> None:
    """Nor on what other runs are beside it: so a run that is resumed takes the same steps."""
    shape, _ = SHAPES[kind]
    whole = sizes(shape, 0, 500)
    company = [None, shape, SHAPES["cosine"][0]]
    among = scheduled(np.array([1.0, 0.7, 0.2]), np.array([3, WARMUP, 0]), company, start, start + length)
    assert sizes(shape, start, start + length).tobytes() == whole[start : start + length].tobytes()
    assert among[:, 1].tobytes() == whole[start : start + length].tobytes()
    assert among[:, 0].tobytes() == warmed_up(np.array([1.0]), np.array([3]), start, start + length)[:, 0].tobytes()


@pytest.mark.parametrize("kind", SHAPES)
def test_a_schedule_knows_its_end_and_what_is_still_to_come(kind: str) -> None:
    """From `over_from` on every factor is the last one, the one before is not; the largest is of all that follow."""
    shape, _ = SHAPES[kind]
    factors = shape.at(np.arange(1000))
    assert (factors[shape.over_from :] == shape.end).all()
    assert factors[shape.over_from - 1] != shape.end
    for step in (0, 10, 20, 89, 90, 150, shape.over_from, 900):
        assert shape.largest_from(step) == factors[step:].max()


def test_a_step_size_that_doubles_for_ever_has_no_end() -> None:
    """It is beyond float64 after a thousand times."""
    shape = doublings(10, 5, math.inf)
    assert shape.end == math.inf
    assert shape.at(np.array([10 + 5 * 999]))[0] == 2.0**999
    assert shape.largest_from(0) == math.inf
