"""How an experiment is to be worked off, asked for in the query of its submission, and what became of it."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from api.experiments.document import ExperimentDocument
from api.problems.request_errors import InvalidQuery, Violation
from api.requests.paging import QueryModel
from jobs.records import Order, Priority, Submission, Wishes
from jobs.settings import Settings
from jobs.webhooks import MOST_CHARACTERS, AllowedHosts, NotAllowed


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

    webhook: Annotated[
        str,
        Field(
            max_length=MOST_CHARACTERS,
            description="An http or https address that is told of the end by a signed POST (Standard Webhooks), "
            "if this deployment tells its host.",
        ),
    ] = ""

    @property
    def wishes(self) -> Wishes:
        """What is wished."""
        return Wishes(
            order=self.order,
            stop_at_first_failure=self.stop_at_first_failure,
            priority=self.priority,
            webhook=self.webhook,
        )


def require_webhook_allowed(url: str, settings: Settings) -> None:
    """Return if the deployment lets this address be told of an end, or none is given.

    Raises:
        InvalidQuery: it does not.
    """
    if url:
        try:
            AllowedHosts(settings.webhook_hosts).require_url(url)
        except NotAllowed as reason:
            violation = Violation(parameter="webhook", detail=str(reason))
            raise InvalidQuery("The webhook cannot be used.", violations=(violation,)) from None


class SubmissionDocument(ExperimentDocument):
    """The experiment that answers for a spec."""

    is_new: bool = Field(description="Whether this submission has made it; otherwise it keeps its own execution.")
    tags_added: tuple[str, ...] = Field(description="Of an experiment that was there, the tags it has taken over.")

    @classmethod
    def of_submission(cls, submission: Submission, known: ExperimentDocument) -> Self:
        """The document of the answer to a submission; `known` is all that is told of its experiment."""
        return cls(**dict(known), is_new=submission.is_new, tags_added=submission.tags_added)
