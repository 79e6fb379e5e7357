"""The moves of `jobs.states`, made: the next state, or a refusal."""

from jobs.errors import IllegalMove
from jobs.states import EXPERIMENT_MOVES, JOB_MOVES, ExperimentStatus, JobState


def move_job(current: JobState, wanted: JobState) -> JobState:
    """`wanted`, if a job may go there from `current`.

    Raises:
        IllegalMove: the table of job moves does not list it.
    """
    if wanted not in JOB_MOVES[current]:
        raise IllegalMove(current, wanted)
    return wanted


def move_experiment(current: ExperimentStatus, wanted: ExperimentStatus) -> ExperimentStatus:
    """`wanted`, if an experiment may go there from `current`.

    Raises:
        IllegalMove: the table of experiment moves does not list it.
    """
    if wanted not in EXPERIMENT_MOVES[current]:
        raise IllegalMove(current, wanted)
    return wanted
