"""The service itself: is it alive, is it ready, which version is it."""

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from api.contract.answers import VersionDocument
from api.contract.parts import PROBLEMS
from api.dependencies import BellHere, StoreHere
from api.http.metrics import MEDIA_TYPE, Metrics
from api.readiness import ReadinessDocument, require_ready, state_of_broker, state_of_queues
from core.identity import NUMERICS_VERSION
from core.spec.experiment_spec import SCHEMA_VERSION
from jobs.untold_ends import untellable

router = APIRouter(tags=["service"], responses=PROBLEMS)


@router.get("/healthz")
async def health() -> dict[Literal["status"], Literal["alive"]]:
    """The process answers; nothing else is touched."""
    return {"status": "alive"}


@router.get("/readyz")
def readiness(store: StoreHere, bell: BellHere) -> ReadinessDocument:
    """The store answers and has room, and each queue has a worker that takes what waits; otherwise 503, with a name."""
    require_ready(store)
    untold = sum(untellable(store).values())
    return ReadinessDocument(
        queues=state_of_queues(store),
        broker=state_of_broker(bell),
        untellable=untold,
        damaged=len(store.damaged()),
    )


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics(request: Request) -> Response:
    """Numbers for Prometheus: requests of this process by route and status, queues, workers, jobs, the store."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.page(), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


@router.get("/v1/version")
async def versions() -> VersionDocument:
    """The versions of the service, of its specs and of its numbers: equal numerics give equal results."""
    return VersionDocument(
        version=version("stepbias"), schema_version=str(SCHEMA_VERSION), numerics_version=NUMERICS_VERSION
    )
