"""The jobs of an experiment, for whoever wants to know why it does not go on."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.contract.parts import PROBLEMS
from api.dependencies import ExperimentHere, StoreHere
from api.experiments.jobs import JobDocument, JobPage
from api.requests.paging import PageQuery, link_header, window

router = APIRouter(prefix="/v1/experiments/{experiment_id}", tags=["experiments"], responses=PROBLEMS)


@router.get("/jobs")
def list_jobs(
    experiment: ExperimentHere,
    query: Annotated[PageQuery, Query()],
    request: Request,
    response: Response,
    store: StoreHere,
) -> JobPage:
    """The pieces of work of an experiment: where each stands, how often it was tried, and why it failed."""
    places, cursor = window(query, experiment.jobs_total)
    response.headers.update(link_header(request, cursor))
    jobs = store.jobs(experiment.id, places.start, places.stop) if places else ()
    return JobPage(jobs=tuple(JobDocument.of(job) for job in jobs), next_cursor=cursor)
