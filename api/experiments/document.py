"""The experiment object of the API: where an experiment stands, and where its parts are."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.timestamps import timestamp
from api.prefix import under_prefix
from jobs.records import Experiment, Order, Place, Priority, Queue, WebhookState, Wishes
from jobs.states import ACTIVE, ExperimentStatus

_DOORS: Final = MappingProxyType(
    {
        "run": "/runs/{index}",
        "trajectory": "/runs/{index}/trajectory",
        "vectors": "/runs/{index}/vectors",
        "arrays": "/runs/{index}/arrays",
        "data": "/analysis/{problem}/data",
        "interpolators": "/analysis/{problem}/interpolators",
    }
)
"""URI templates (RFC 6570) of what there is of each run and each problem; the arrays also with `.npz` behind."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunCounts(_Part):
    """Runs of the grid; `reused` are those among the done that an earlier experiment had computed."""

    total: int
    done: int
    reused: int


class JobCounts(_Part):
    """Pieces of work; `dead` ones used up their attempts."""

    total: int
    done: int
    running: int
    dead: int


class Counts(_Part):
    """How much there is, and how much of it is done."""

    runs: RunCounts
    jobs: JobCounts


class Execution(_Part):
    """How it is worked off, as was asked for when it was submitted."""

    order: Order
    stop_at_first_failure: bool
    priority: Priority


class PlaceDocument(_Part):
    """Where it waits for its next turn."""

    queue: Queue
    position: int = Field(ge=1, description="1 is the next turn.")
    experiments_ahead: int = Field(description="Of its own priority.")
    seconds_ahead: float = Field(
        description="Predicted work of the turns before it, on one core; planning counts as a second, and is less."
    )

    @classmethod
    def of(cls, place: Place) -> Self:
        """The document of a place."""
        ahead = place.experiments_ahead
        seconds = float(f"{place.work_ahead:.3g}")
        return cls(queue=place.queue, position=ahead + 1, experiments_ahead=ahead, seconds_ahead=seconds)


class WebhookDocument(_Part):
    """Whether the address that wants to hear of its end has heard of it."""

    state: WebhookState = Field(description="`pending` also before the end; `given_up` after an hour of attempts.")
    attempts: int
    last_status: int | None = Field(description="The HTTP status of the last answer; null where none came.")
    waits_for: str | None = Field(
        default=None, description="What telling waits for where no living worker may tell the host."
    )


class ExperimentDocument(_Part):
    """The life of one experiment, as its users see it."""

    id: str
    name: str
    tags: tuple[str, ...]
    status: ExperimentStatus
    counts: Counts
    outcomes: Mapping[str, int] = Field(description="How many of the stored runs ended in which way.")
    progress: float = Field(ge=0, le=1, description="By predicted work.")
    eta_seconds: float | None
    created_at: str = Field(description="RFC 3339, UTC.")
    finished_at: str | None
    error: str | None = Field(description="Why a failed experiment failed.")
    waits_for: str | None = Field(
        default=None,
        description="What an experiment that does not go on waits for; told of one experiment, not in lists.",
    )
    execution: Execution
    queue: PlaceDocument | None = Field(
        default=None, description="Where it waits for a turn, if it does; told of one experiment, not in lists."
    )
    owner: str | None = Field(default=None, description="Whose it is, where keys were required to submit it.")
    shared: bool = Field(default=False, description="Whether others who have a key, and the id, may read it.")
    notes: str | None = Field(default=None, description="Told of one experiment, not in lists.")
    webhook: WebhookDocument | None = Field(
        default=None, description="Of one that was submitted with a webhook; told of one experiment, not in lists."
    )
    links: Mapping[str, str] = Field(description="Where its parts are; URI templates for those of a run or problem.")

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        *,
        waits_for: str | None = None,
        places: Sequence[Place] = (),
        notes: str | None = None,
        webhook: WebhookDocument | None = None,
    ) -> Self:
        """The document of a record."""
        return cls(
            id=experiment.id,
            name=experiment.name,
            tags=experiment.tags,
            status=experiment.status,
            counts=_counts(experiment),
            outcomes=dict(experiment.outcomes),
            progress=experiment.progress,
            eta_seconds=experiment.eta_seconds,
            created_at=timestamp(experiment.created_at),
            finished_at=None if experiment.finished_at is None else timestamp(experiment.finished_at),
            error=experiment.error,
            waits_for=waits_for,
            execution=_execution(experiment.wishes),
            queue=next(map(PlaceDocument.of, places), None),
            owner=experiment.ownership.owner or None,
            shared=experiment.ownership.is_shared,
            notes=notes,
            webhook=webhook,
            links=links(experiment.id),
        )


class ExperimentPage(_Part):
    """Some experiments, newest first; the next page is at `next_cursor`, and in the Link header."""

    experiments: tuple[ExperimentDocument, ...]
    next_cursor: str | None


def path(experiment_id: str) -> str:
    """Where the experiment is."""
    return under_prefix(f"/v1/experiments/{experiment_id}")


def links(experiment_id: str) -> dict[str, str]:
    """Where the parts of an experiment are; POST to `cancel` and `retry`. Those of one run or problem are templates."""
    parts = [
        "spec",
        "events",
        "jobs",
        "runs",
        "results",
        "columns",
        "manifest",
        "curves",
        "analysis",
        "report",
        "figures",
        "cancel",
        "retry",
    ]
    here = path(experiment_id)
    return (
        {"self": here} | {part: f"{here}/{part}" for part in parts} | {name: here + at for name, at in _DOORS.items()}
    )


def polling_headers(experiment: Experiment) -> dict[str, str]:
    """When to ask again, while the experiment may still change by itself: about twenty times on the way to its end."""
    if experiment.status not in ACTIVE:
        return {}
    return {"Retry-After": str(math.ceil(min(max((experiment.eta_seconds or 0.0) / 20, 1.0), 10.0)))}


def status_answer(document: ExperimentDocument, experiment: Experiment) -> Response:
    """The experiment object as the answer to a poll."""
    content = document.model_dump_json()
    return Response(content, media_type="application/json", headers=polling_headers(experiment))


def _execution(wishes: Wishes) -> Execution:
    return Execution(order=wishes.order, stop_at_first_failure=wishes.stop_at_first_failure, priority=wishes.priority)


def _counts(experiment: Experiment) -> Counts:
    return Counts(
        runs=RunCounts(total=experiment.runs_total, done=experiment.runs_done, reused=experiment.runs_reused),
        jobs=JobCounts(
            total=experiment.jobs_total,
            done=experiment.jobs_done,
            running=experiment.jobs_running,
            dead=experiment.jobs_dead,
        ),
    )
