"""The moves of jobs, written a second time, by hand: a table agrees with itself whatever it says."""

from jobs.states import JOB_MOVES

JOBS = {
    "queued": {"running"},
    "running": {"queued", "succeeded", "dead", "cancelled"},
    "succeeded": set(),
    "dead": {"queued"},
    "cancelled": set(),
}


def test_a_job_makes_these_moves_and_no_others() -> None:
    """It goes back to the queue from a worker or from the dead, and never from a good or a wanted end."""
    assert {before.value: {after.value for after in moves} for before, moves in JOB_MOVES.items()} == JOBS
