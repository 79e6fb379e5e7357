"""The arithmetic of progress."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.progress import Effort
from jobs.states import ExperimentStatus

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
    assert effort.eta_seconds(ExperimentStatus.CANCELLED, 1010.0) is None
