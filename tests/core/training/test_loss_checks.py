"""Which steps are checks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.descent.loss_events import NO_EVENTS, Chunk
from core.training.loss_checks import CHECK_INTERVAL, LossChecks, at_check_from
from core.training.oscillation import WINDOW


@given(step=st.integers(0, 10**12))
def test_the_next_check_is_the_first_multiple_of_the_interval(step: int) -> None:
    """The step itself where it is one."""
    check = at_check_from(step)
    assert step <= check < step + CHECK_INTERVAL
    assert check % CHECK_INTERVAL == 0


def test_checks_and_windows_show_the_same_phase_of_a_cycle() -> None:
    """Their lengths are even, and a window ends at a check."""
    assert CHECK_INTERVAL % 2 == 0
    assert WINDOW % CHECK_INTERVAL == 0


@given(start=st.integers(0, 1000), steps=st.integers(1, 1000))
def test_the_checks_of_a_chunk_are_numbered_by_their_steps(start: int, steps: int) -> None:
    """As many as a kernel makes, after the first step and up to the last."""
    made = [step for step in range(start + 1, start + steps + 1) if step % CHECK_INTERVAL == 0]
    chunk = Chunk(steps=steps, losses=np.zeros((len(made), 1)), ended_by_event=True)
    assert LossChecks.of(chunk, start).steps.tolist() == made


def test_chunks_are_joined_in_order() -> None:
    """The last one says whether an event ended it."""
    first, second = (
        LossChecks.of(Chunk(steps=64, losses=np.full((1, 2), loss), ended_by_event=ended), start)
        for start, loss, ended in ((0, 1.0, False), (64, 2.0, True))
    )
    joined = LossChecks.joined([first, second])
    assert (joined.steps.tolist(), joined.losses[:, 0].tolist()) == ([64, 128], [1, 2])
    assert joined.last_step == 128
    assert joined.ended_by_event
    assert NO_EVENTS.interval > WINDOW
