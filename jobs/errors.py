"""Errors of the seam: few, typed, and ignorant of HTTP."""

from typing import Final


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


class StillActive(JobsError):
    """An experiment is deleted once it is finished; this one is `status`."""

    def __init__(self, status: str) -> None:
        super().__init__(f"an experiment is deleted once it is finished; this one is {status}")
        self.status = status


class TooManyTags(JobsError):
    """An experiment that is there would have more tags than one may have."""


class EditedMeanwhile(JobsError):
    """An experiment is no longer as whoever edits it, or tells it something, knew it."""


class InUse(JobsError):
    """What was to be removed is used by an experiment."""


class DocumentGone(JobsError):
    """An experiment was to use a document that has been removed meanwhile."""


class LeaseLost(JobsError):
    """A write came with a token that is no longer current: another worker has the job, or it has ended."""


class NotPlanned(JobsError):
    """A run was to be stored under another key than it was planned under: planner and worker disagree about it."""


class ResultsMissing(JobsError):
    """What was stored at the beginning of an answer is no longer there."""

    def __init__(self) -> None:
        super().__init__(
            "a stored result is damaged, and is counted as missing from now on: ask again for what there is"
        )


class InvalidCursor(JobsError):
    """A page cursor that this store did not give out."""


class StoreUnavailable(JobsError):
    """The store does not answer, or cannot do its work."""


class StoreRefused(StoreUnavailable):
    """The store is there, and does not let this process in, or is not trusted: a certificate, a user, or its rights."""


class BrokerUnavailable(JobsError):
    """The broker does not answer: nobody can be rung for. Nothing is lost by it; workers look for work themselves."""


class StoreFull(StoreUnavailable):
    """The store has no room left for writes; what is stored can be read, and work that runs can end."""


class NotEmpty(JobsError):
    """A backup was to be restored over what a store holds."""

    def __init__(self) -> None:
        super().__init__(
            "there are experiments or data in this store already, or keys, or traces of what was deleted: a backup is "
            "restored to an empty one (another --state-dir, or another database in STEPBIAS_REDIS_URL), or takes "
            "its place with --replace"
        )


class SnapshotLost(JobsError):
    """The store may have changed while it was copied."""

    def __init__(self) -> None:
        super().__init__(
            "the store was copied too slowly, or restarted, and may have changed meanwhile: nothing is kept, try again"
        )


RESTORING: Final = "restoring"
"""The schema of a store to which a backup is being restored."""


class ForeignStore(JobsError):
    """What is stored was written by another version of stepbias, in a form that this one does not read.

    Args:
        schema: of the store; nothing for that of 0.1, which did not say.
    """

    def __init__(self, schema: str) -> None:
        if schema == RESTORING:
            super().__init__("the store is not whole: `stepbias restore` is at it, or was interrupted; run it again")
            return
        writer = f"a version of stepbias with schema {schema}" if schema else "stepbias 0.1"
        super().__init__(
            f"the store was written by {writer}, and this version does not read it: save what you need with that "
            "version's `stepbias fetch`, then give this one an empty store (another --state-dir, or another database "
            "in STEPBIAS_REDIS_URL)"
        )
