"""The arithmetic of progress, of cursors and of moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cursor import decode_cursor, encode_cursor
from jobs.errors import IllegalMove, InvalidCursor
from jobs.progress import Effort
from jobs.run_keys import packed, unpacked
from jobs.states import ACTIVE, EXPERIMENT_MOVES, FINAL, JOB_MOVES, ExperimentStatus, JobState
from jobs.transitions import move_experiment, move_job

works = st.floats(0, 1e15)

efforts = st.builds(
    Effort,
    planned=st.booleans(),
    runs_total=st.integers(1, 1000),
    runs_reused=st.integers(0, 1000),
    work_total=works,
    work_spent=st.floats(-1.0, 1e16),
    work_at_start=works,
    started_at=st.none() | st.floats(0, 1e9),
)


@given(effort=efforts, status=st.sampled_from(ExperimentStatus), now=st.floats(0, 2e9))
def test_progress_is_a_fraction_and_the_rest_is_not_negative(
    effort: Effort, status: ExperimentStatus, now: float
) -> None:
    """Whatever rounding has left in the sums."""
    assert 0.0 <= effort.progress(status) <= 1.0
    eta = effort.eta_seconds(status, now)
    assert eta is None or eta >= 0.0


@given(effort=efforts)
def test_success_is_all_of_it(effort: Effort) -> None:
    """Progress is 1, and there is nothing to wait for."""
    assert effort.progress(ExperimentStatus.SUCCEEDED) == 1.0
    assert effort.eta_seconds(ExperimentStatus.SUCCEEDED, 2e9) is None


def test_reused_runs_and_work_share_the_progress() -> None:
    """Half of the runs reused and a quarter of the work done: 1/2 + 1/2 · 1/4; the rest at the pace since the start."""
    effort = Effort(
        planned=True,
        runs_total=10,
        runs_reused=5,
        work_total=400.0,
        work_spent=100.0,
        work_at_start=50.0,
        started_at=1000.0,
    )
    assert effort.progress(ExperimentStatus.RUNNING) == 0.625
    assert effort.eta_seconds(ExperimentStatus.RUNNING, 1010.0) == 60.0
    assert effort.eta_seconds(ExperimentStatus.CANCELLING, 1010.0) is None


@given(number=st.integers(0, 10**15 - 1))
def test_a_cursor_leads_back_to_its_number(number: int) -> None:
    """And is safe in a URL."""
    cursor = encode_cursor(number)
    assert decode_cursor(cursor) == number
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(text=st.text())
def test_text_is_a_cursor_only_if_this_service_made_it(text: str) -> None:
    """Everything else is refused in the same way."""
    try:
        number = decode_cursor(text)
    except InvalidCursor:
        return
    assert decode_cursor(encode_cursor(number)) == number


@given(digests=st.lists(st.binary(min_size=32, max_size=32).filter(any)))
def test_packed_keys_are_unpacked(digests: list[bytes]) -> None:
    """In order, with None where nothing was written."""
    keys = [digest.hex() for digest in digests]
    assert list(unpacked(packed(keys))) == keys
    assert list(unpacked(bytes(32) + packed(keys))) == [None, *keys]


@pytest.mark.parametrize("current", JobState)
@pytest.mark.parametrize("wanted", JobState)
def test_a_job_moves_as_the_table_says(current: JobState, wanted: JobState) -> None:
    """Or is refused with both names."""
    if wanted in JOB_MOVES[current]:
        assert move_job(current, wanted) is wanted
    else:
        with pytest.raises(IllegalMove, match=f"from {current} to {wanted}"):
            move_job(current, wanted)


@pytest.mark.parametrize("current", ExperimentStatus)
@pytest.mark.parametrize("wanted", ExperimentStatus)
def test_an_experiment_moves_as_the_table_says(current: ExperimentStatus, wanted: ExperimentStatus) -> None:
    """Or is refused with both names."""
    if wanted in EXPERIMENT_MOVES[current]:
        assert move_experiment(current, wanted) is wanted
    else:
        with pytest.raises(IllegalMove, match=f"from {current} to {wanted}"):
            move_experiment(current, wanted)


def test_every_status_that_may_change_by_itself_leads_somewhere() -> None:
    """To a final one, at last."""
    for status in ACTIVE:
        seen, front = {status}, [status]
        while front:
            fresh = EXPERIMENT_MOVES[front.pop()] - seen
            seen |= fresh
            front += fresh
        assert seen & FINAL
