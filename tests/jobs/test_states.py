"""The moves of jobs and experiments, written a second time, by hand: a table agrees with itself whatever it says."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from jobs.errors import IllegalMove
from jobs.states import ACTIVE, EXPERIMENT_MOVES, FINAL, ExperimentStatus, JobState
from jobs.transitions import move_experiment, move_job

JOBS = {
    "queued": {"running", "cancelled"},
    "running": {"queued", "succeeded", "dead", "cancelled"},
    "succeeded": set(),
    "dead": {"queued"},
    "cancelled": set(),
}

EXPERIMENTS = {
    "planning": {"queued", "running", "succeeded", "failed", "cancelling", "cancelled"},
    "queued": {"running", "failed", "cancelling", "cancelled"},
    "running": {"succeeded", "failed", "cancelling", "cancelled"},
    "succeeded": set(),
    "failed": {"planning", "queued"},
    "cancelling": {"cancelled"},
    "cancelled": set(),
}


def moves(move: Callable[[Any, Any], Any], states: type[JobState] | type[ExperimentStatus]) -> dict[str, set[str]]:
    """From where to where a move is made."""
    made: dict[str, set[str]] = {state.value: set() for state in states}
    for current in states:
        for wanted in states:
            with suppress(IllegalMove):
                made[current.value].add(move(current, wanted).value)
    return made


def test_a_job_makes_these_moves_and_no_others() -> None:
    """It goes back to the queue from a worker or from the dead, and never from a good or a wanted end."""
    assert moves(move_job, JobState) == JOBS


def test_an_experiment_makes_these_moves_and_no_others() -> None:
    """It comes back from failure alone, and from its planning alone it may go anywhere."""
    assert moves(move_experiment, ExperimentStatus) == EXPERIMENTS


def test_a_refusal_names_both_ends_of_the_move() -> None:
    """Of a job and of an experiment."""
    with pytest.raises(IllegalMove, match="from succeeded to queued"):
        move_job(JobState.SUCCEEDED, JobState.QUEUED)
    with pytest.raises(IllegalMove, match="from cancelled to planning"):
        move_experiment(ExperimentStatus.CANCELLED, ExperimentStatus.PLANNING)


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_every_status_that_may_change_by_itself_leads_somewhere(status: ExperimentStatus) -> None:
    """To a final one, at last."""
    seen, front = {status}, [status]
    while front:
        fresh = EXPERIMENT_MOVES[front.pop()] - seen
        seen |= fresh
        front += fresh
    assert seen & FINAL
