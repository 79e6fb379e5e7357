"""The application: every part wired once."""

from importlib.metadata import version

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI

from api import openapi, problems
from api.body import READERS
from api.drawing import PATIENCE_SECONDS
from api.exports.sending import EXPORTERS
from api.middleware import OutermostMiddleware
from api.paging import require_single_values
from api.routes import arrays, datasets, experiments, figures, jobs, presets, report, results, runs, service
from jobs.ports import Doorbell, Store
from jobs.settings import Settings

_DESCRIPTION = (
    "What the step size does: sweeps of gradient descent on diagonal linear networks. Submit an experiment spec, watch "
    "its experiment object, read results, curves and figures. Every error is a problem document (RFC 9457)."
)


def create_app(
    settings: Settings, store: Store, bell: Doorbell, *, drawing_timeout: float = PATIENCE_SECONDS
) -> FastAPI:
    """The API over a store and a doorbell; `drawing_timeout` is how many seconds a request waits for its figure."""
    # The interactive pages of FastAPI load scripts from elsewhere; a service on a laptop works offline.
    app = FastAPI(
        title="stepbias",
        version=version("stepbias"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(require_single_values)],
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings, app.state.store, app.state.bell = settings, store, bell
    app.state.drawing_timeout, app.state.readers = drawing_timeout, CapacityLimiter(READERS)
    app.state.exporters, app.state.result_writers = CapacityLimiter(EXPORTERS), CapacityLimiter(1)
    for part in (datasets, experiments, jobs, runs, results, arrays, report, figures, presets, service):
        app.include_router(part.router)
    app.add_middleware(OutermostMiddleware)
    problems.install(app)
    openapi.install(app)
    return app
