"""Errors of the seam: few, typed, and ignorant of HTTP."""


class JobsError(Exception):
    """Something the store was asked for cannot be."""


class ExperimentNotFound(JobsError):
    """There is no experiment of that id."""

    def __init__(self, experiment_id: str) -> None:
        super().__init__("there is no such experiment")
        self.experiment_id = experiment_id


class IllegalMove(JobsError):
    """A state cannot follow another."""

    def __init__(self, current: str, wanted: str) -> None:
        super().__init__(f"cannot go from {current} to {wanted}")
        self.current = current
        self.wanted = wanted


class LeaseLost(JobsError):
    """A write came with a token that is no longer current: another worker has the job, or it has ended."""


class InvalidCursor(JobsError):
    """A page cursor that this store did not give out."""


class StoreUnavailable(JobsError):
    """The store does not answer, or has no room left for writes."""
