"""Where an experiment stands, from what is counted of it. No status is stored: none can disagree with the counts."""

from dataclasses import dataclass

from jobs.states import ExperimentStatus, JobState


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What is counted of an experiment: its jobs by state, and its runs.

    `plan` is the state of its planning job; `has_started`: a training job has been claimed since the last retry.
    """

    is_cancelled: bool
    plan: JobState
    has_started: bool
    queued: int
    running: int
    dead: int
    runs_total: int
    runs_done: int

    @property
    def status(self) -> ExperimentStatus:
        """It has ended when no job waits or runs, with success only if every run is stored.

        Where its planning has died, the batches that were planned before are trained first.
        """
        if self.is_cancelled:
            return ExperimentStatus.CANCELLED
        if not self.queued + self.running:
            is_whole = not self.dead and self.runs_done == self.runs_total
            return ExperimentStatus.SUCCEEDED if is_whole else ExperimentStatus.FAILED
        if self.plan not in {JobState.SUCCEEDED, JobState.DEAD}:
            return ExperimentStatus.PLANNING
        return ExperimentStatus.RUNNING if self.has_started else ExperimentStatus.QUEUED


def loss_error(losses: int, failures: int, last_error: str) -> str:
    """Why a job died: of an error, or because its workers kept disappearing."""
    if not losses:
        return last_error
    sentence = f"its worker disappeared {_times(losses)} (killed, out of memory, or cut off from the store)"
    return f"{sentence}; before that it failed {_times(failures)}: {last_error}" if failures else sentence


def missing_error(runs_total: int, runs_done: int) -> str:
    """Why an experiment of which every job has succeeded has failed all the same."""
    missing = runs_total - runs_done
    return f"{missing} of {runs_total} results are missing or were found damaged; a retry computes them again"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
