"""Errors of the seam: few, typed, and ignorant of HTTP."""


class JobsError(Exception):
    """Something the store was asked for cannot be."""


class ExperimentNotFound(JobsError):
    """There is no experiment of that id."""

    def __init__(self, experiment_id: str) -> None:
        super().__init__("there is no such experiment")
        self.experiment_id = experiment_id


class NotFailed(JobsError):
    """Only a failed experiment can be retried; this one is `status`."""

    def __init__(self, status: str) -> None:
        super().__init__(f"only a failed experiment can be retried; this one is {status}")
        self.status = status


class LeaseLost(JobsError):
    """A write came with a token that is no longer current: another worker has the job, or it has ended."""


class NotPlanned(JobsError):
    """A run was to be stored under another key than it was planned under: planner and worker disagree about it."""


class InvalidCursor(JobsError):
    """A page cursor that this store did not give out."""


class StoreUnavailable(JobsError):
    """The store does not answer, or cannot do its work."""


class StoreFull(StoreUnavailable):
    """The store has no room left for writes; what is stored can be read, and work that runs can end."""


class ForeignStore(JobsError):
    """What is stored was written by another version of stepbias, in a form that this one does not read."""
