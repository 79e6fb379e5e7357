"""The jobs of an experiment, as an operator looks at them."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from jobs.records import Job, JobKind, Queue
from jobs.states import JobState


class JobDocument(BaseModel):
    """One piece of work of an experiment."""

    model_config = ConfigDict(frozen=True)

    kind: JobKind
    queue: Queue
    state: JobState
    runs: int = Field(description="How many runs it trains; 0 for planning.")
    predicted_seconds: float = Field(description="On one core.")
    attempt: int = Field(description="Attempts so far, those given back not counted.")
    failures: int = Field(description="Attempts that ended in an error.")
    losses: int = Field(description="Attempts whose worker disappeared, since the last checkpoint.")
    error: str | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """The document of a record. Its id is not in it: who knows an id could claim it."""
        return cls(
            kind=job.kind,
            queue=job.queue,
            state=job.state,
            runs=len(job.payload.get("indices", ())),
            predicted_seconds=job.work,
            attempt=job.attempt,
            failures=job.failures,
            losses=job.losses,
            error=job.error,
        )


class JobPage(BaseModel):
    """Some jobs, the planning job first; the next page is at `next_cursor`, and in the Link header."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[JobDocument, ...]
    next_cursor: str | None
