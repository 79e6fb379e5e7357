"""How an experiment is to be worked off, asked for in the query of its submission, and what became of it."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from api.experiment_document import ExperimentDocument
from api.paging import QueryModel
from jobs.records import Order, Priority, Submission, Wishes


def _truth(given: Any) -> Any:
    if given not in {"true", "false", True, False}:
        raise ValueError("true or false is wanted")
    return given


class SubmissionQuery(QueryModel):
    """The query of a submission. No number depends on it: it is no part of the spec, nor of any identity."""

    order: Annotated[
        Order, Field(description="`shuffled`: a tenth of all runs, spread over the whole grid, after another.")
    ] = Order.GRID
    stop_at_first_failure: Annotated[
        bool,
        BeforeValidator(_truth),
        Field(description="Cancel the experiment when a job has used up its attempts, rather than do the others."),
    ] = False
    priority: Annotated[
        Priority, Field(description="`batch`: nobody waits for it; all such together get a fifth while others wait.")
    ] = Priority.INTERACTIVE

    @property
    def wishes(self) -> Wishes:
        """What is wished."""
        return Wishes(order=self.order, stop_at_first_failure=self.stop_at_first_failure, priority=self.priority)


class SubmissionDocument(ExperimentDocument):
    """The experiment that answers for a spec."""

    is_new: bool = Field(description="Whether this submission has made it; otherwise it keeps its own execution.")
    tags_added: tuple[str, ...] = Field(description="Of an experiment that was there, the tags it has taken over.")

    @classmethod
    def of_submission(cls, submission: Submission) -> Self:
        """The document of the answer to a submission."""
        known = ExperimentDocument.of(submission.experiment)
        return cls(**dict(known), is_new=submission.is_new, tags_added=submission.tags_added)
