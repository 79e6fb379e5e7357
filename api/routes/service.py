"""The service itself: is it alive, is it ready, which version is it."""

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter

from api.dependencies import StoreHere
from api.openapi import PROBLEMS
from api.readiness import require_ready
from core.identity import NUMERICS_VERSION
from core.spec.experiment_spec import SCHEMA_VERSION

router = APIRouter(tags=["service"], responses=PROBLEMS)


@router.get("/healthz")
async def health() -> dict[Literal["status"], Literal["alive"]]:
    """The process answers; nothing else is touched."""
    return {"status": "alive"}


@router.get("/readyz")
def readiness(store: StoreHere) -> dict[Literal["status"], Literal["ready"]]:
    """The store answers and each queue has a live worker; otherwise 503, naming what is missing."""
    require_ready(store)
    return {"status": "ready"}


@router.get("/v1/version")
async def versions() -> dict[str, str]:
    """The versions of the service, of its specs and of its numbers: equal numerics give equal results."""
    return {
        "version": version("stepbias"),
        "schema_version": str(SCHEMA_VERSION),
        "numerics_version": NUMERICS_VERSION,
    }
