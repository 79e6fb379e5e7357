"""An experiment as the service described it at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

FINAL: Final = frozenset({"succeeded", "failed", "cancelled"})
"""Statuses that no longer change unless somebody asks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """One answer of the service about an experiment.

    Attributes:
        id: its address; unguessable.
        status: planning, queued, running, cancelling, succeeded, failed or cancelled.
        runs_total: number of points of its grid.
        runs_done: those whose results are stored.
        runs_reused: those of them that an earlier experiment had computed.
        jobs_dead: batches given up after their last attempt; `ExperimentHandle.retry` queues them again.
        outcomes: number of runs by how they ended.
        progress: 0 to 1, by predicted work.
        eta_seconds: predicted time left; None where there is nothing to predict from.
        created_at: RFC 3339 timestamp.
        finished_at: likewise; None while it is active.
        error: why a failed experiment failed.
        links: addresses of everything that belongs to it.
        notes: what was noted of it; None where the service has told of many at once.
        queue: where it waits for its next turn, as the service says it; None where it does not, or as for `notes`.
        execution: how it is worked off.
        owner: whose it is, where the service wants keys; else None.
        shared: whether others who have a key, and its id, may read it.
        document: all that the service said, as it said it.
        tags_added: of one that was there when its spec was submitted again, the tags that it has taken over.
    """

    id: str
    name: str
    tags: tuple[str, ...]
    status: str
    runs_total: int
    runs_done: int
    runs_reused: int
    jobs_dead: int
    outcomes: Mapping[str, int]
    progress: float
    eta_seconds: float | None
    created_at: str | None
    finished_at: str | None
    error: str | None
    links: Mapping[str, Any]
    notes: str | None = None
    queue: Mapping[str, Any] | None = None
    execution: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    shared: bool = False
    tags_added: tuple[str, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_finished(self) -> bool:
        """Whether the status no longer changes by itself."""
        return self.status in FINAL

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The record of the JSON object that the service answers; fields it does not know are left out.

        Raises:
            KeyError: the object is no experiment.
        """
        counts = document["counts"]
        runs, jobs = counts["runs"], counts["jobs"]
        return cls(
            id=document["id"],
            name=document["name"],
            tags=tuple(document["tags"]),
            status=document["status"],
            runs_total=runs["total"],
            runs_done=runs["done"],
            runs_reused=runs["reused"],
            jobs_dead=jobs["dead"],
            outcomes=document["outcomes"],
            progress=document["progress"],
            eta_seconds=document["eta_seconds"],
            created_at=document["created_at"],
            finished_at=document["finished_at"],
            error=document["error"],
            links=document["links"],
            notes=document.get("notes"),
            queue=document.get("queue"),
            execution=document.get("execution") or {},
            owner=document.get("owner"),
            shared=document.get("shared", False),
            tags_added=tuple(document.get("tags_added") or ()),
            document=document,
        )
