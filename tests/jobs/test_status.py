"""The status of an experiment, from what is counted of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.states import ACTIVE, ExperimentStatus, JobState
from jobs.status import Counts, loss_error, missing_error

PLANNED = Counts(
    is_cancelled=False,
    plan=JobState.SUCCEEDED,
    has_started=False,
    queued=2,
    running=0,
    dead=0,
    runs_total=4,
    runs_done=0,
)
"""Two batches of two runs wait."""

STARTED = replace(PLANNED, has_started=True)

numbers = st.integers(0, 5)
counts = st.builds(
    Counts,
    is_cancelled=st.booleans(),
    plan=st.sampled_from(JobState),
    has_started=st.booleans(),
    queued=numbers,
    running=numbers,
    dead=numbers,
    runs_total=st.integers(1, 5),
    runs_done=numbers,
)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("planning", replace(PLANNED, plan=JobState.QUEUED, queued=1)),
        ("planning", replace(PLANNED, plan=JobState.RUNNING, queued=0, running=1)),
        ("planning", replace(STARTED, plan=JobState.RUNNING, queued=1, running=2)),
        ("queued", PLANNED),
        ("running", replace(STARTED, queued=1, running=1)),
        ("running", STARTED),
        ("running", replace(STARTED, queued=0, running=1, dead=1)),
        ("succeeded", replace(STARTED, queued=0, runs_done=4)),
        ("succeeded", replace(PLANNED, queued=0, runs_done=4)),
        ("failed", replace(STARTED, queued=0, dead=1, runs_done=2)),
        ("failed", replace(STARTED, queued=0, dead=1, runs_done=4)),
        ("failed", replace(STARTED, queued=0, runs_done=3)),
        ("failed", replace(PLANNED, plan=JobState.DEAD, queued=0, dead=1)),
        ("queued", replace(PLANNED, plan=JobState.DEAD, dead=1)),
        ("running", replace(STARTED, plan=JobState.DEAD, queued=0, running=1, dead=1)),
        ("failed", replace(STARTED, plan=JobState.DEAD, queued=0, dead=1, runs_done=4)),
        ("cancelled", replace(STARTED, is_cancelled=True, queued=1, running=1)),
        ("cancelled", replace(STARTED, is_cancelled=True, queued=2)),
        ("cancelled", replace(PLANNED, is_cancelled=True, plan=JobState.QUEUED, queued=1)),
    ],
)
def test_where_an_experiment_stands(status: str, found: Counts) -> None:
    """Each status by an example or two."""
    assert found.status == status


@given(found=counts)
def test_what_has_succeeded_is_whole(found: Counts) -> None:
    """Whatever else is counted: every run is stored, and nothing is left to do."""
    if found.status is ExperimentStatus.SUCCEEDED:
        assert found.runs_done == found.runs_total
        assert not found.queued + found.running + found.dead


@given(found=counts)
def test_what_is_active_has_a_job_that_may_still_end(found: Counts) -> None:
    """Nothing waits for ever: where no job waits or runs, the status is final."""
    if found.status in ACTIVE:
        assert found.queued + found.running > 0


@given(found=counts)
def test_a_cancel_is_final(found: Counts) -> None:
    """Whatever else is counted."""
    assert replace(found, is_cancelled=True).status is ExperimentStatus.CANCELLED


@pytest.mark.parametrize(
    ("losses", "failures", "told"),
    [
        (0, 3, "boom"),
        (1, 0, "its worker disappeared once (killed, out of memory, or cut off from the store)"),
        (
            2,
            1,
            (
                "its worker disappeared 2 times (killed, out of memory, or cut off from the store); "
                "before that it failed once: boom"
            ),
        ),
    ],
)
def test_a_death_is_explained(losses: int, failures: int, told: str) -> None:
    """By the error, by the workers that disappeared, or by both."""
    assert loss_error(losses, failures, "boom") == told


def test_missing_results_are_explained() -> None:
    """With how many they are, and what helps."""
    assert missing_error(10, 7).startswith("3 of 10 results are missing")
    assert "a retry computes them again" in missing_error(10, 7)
