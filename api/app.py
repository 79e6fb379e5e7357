"""The application: every part wired once."""

from functools import partial
from importlib.metadata import version

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.exports.recent_answers import RecentAnswers
from api.exports.sending import EXPORTERS
from api.exports.written_results import Movements
from api.figures.drawing import PATIENCE_SECONDS
from api.http.event_hub import EventHub
from api.http.experiment_reader import ExperimentReader
from api.http.metrics import Metrics, MetricsMiddleware
from api.http.outermost import REQUEST_ID, OutermostMiddleware
from api.http.proxy import ProxyMiddleware, networks
from api.http.query import require_known_query
from api.http.representations import RepresentationsMiddleware
from api.http.senders import SendersMiddleware, names
from api.http.slow_bodies import SlowBodiesMiddleware
from api.keys.asker import KeyRing
from api.keys.middleware import KeysMiddleware
from api.openapi import document
from api.polls.quick_answers import QuickAnswersMiddleware
from api.polls.quick_curves import QuickCurvesMiddleware
from api.polls.quick_status import QuickStatusMiddleware
from api.problems import documents as problems
from api.requests.body import READERS
from api.routes import (
    arrays,
    datasets,
    documentation,
    errors,
    events,
    experiments,
    explorer,
    figures,
    jobs,
    keys,
    page,
    presets,
    report,
    results,
    runs,
    service,
)
from jobs.ports import Doorbell, Store
from jobs.settings import Settings


class _Application(FastAPI):
    """The application, with what is asked before it is; its own layers are many."""

    quick: QuickAnswersMiddleware | None = None

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.quick or super().__call__)(scope, receive, send)


def create_app(
    settings: Settings, store: Store, bell: Doorbell, *, drawing_timeout: float = PATIENCE_SECONDS
) -> FastAPI:
    """The API over a store and a doorbell; `drawing_timeout` is how many seconds a request waits for its figure."""
    # The interactive pages of FastAPI load scripts from elsewhere; `api.openapi.page` is a page without any. And
    # its route of the document has not the dependencies of the others.
    app = _Application(
        title="stepbias",
        version=version("stepbias"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(require_known_query)],
        generate_unique_id_function=lambda route: route.name,
        # `jobs.tracing` makes the spans.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings, app.state.store, app.state.bell = settings, store, bell
    app.state.drawing_timeout, app.state.readers = drawing_timeout, CapacityLimiter(READERS)
    app.state.exporters, app.state.result_writers = CapacityLimiter(EXPORTERS), CapacityLimiter(1)
    app.state.manifests = CapacityLimiter(EXPORTERS)
    app.state.hub, app.state.metrics, app.state.reader = EventHub(store), Metrics(store, bell), ExperimentReader(store)
    app.state.ring, app.state.recent, app.state.movements = KeyRing(store), RecentAnswers(), Movements()
    parts = (
        service,
        experiments,
        datasets,
        events,
        jobs,
        runs,
        results,
        arrays,
        report,
        figures,
        presets,
        errors,
        keys,
    )
    for part in parts:
        app.include_router(part.router)
    app.include_router(documentation.router)
    app.include_router(page.router)
    app.include_router(explorer.router)
    _add_middleware(app, settings)
    problems.install(app)
    document.install(app)
    return app


def _add_middleware(app: _Application, settings: Settings) -> None:
    """What is added last is met first."""
    app.state.hosts, origins = set(names(settings.allowed_hosts)), names(settings.cors_origins)
    app.add_middleware(QuickCurvesMiddleware, reader=app.state.reader, recent=app.state.recent)
    app.add_middleware(QuickStatusMiddleware, reader=app.state.reader)
    if settings.keys == "required":
        app.add_middleware(KeysMiddleware, ring=app.state.ring, store=app.state.store, settings=settings)
    app.add_middleware(SlowBodiesMiddleware)
    app.add_middleware(RepresentationsMiddleware)
    app.add_middleware(SendersMiddleware, hosts=app.state.hosts, origins=origins)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "Content-Digest", "RateLimit", REQUEST_ID],
        )
    trusted = networks(sorted(names(settings.trusted_proxies)))
    app.add_middleware(ProxyMiddleware, trusted=trusted, root_path=settings.root_path)
    app.add_middleware(MetricsMiddleware, metrics=app.state.metrics)
    app.add_middleware(OutermostMiddleware)
    if settings.keys != "required" and not settings.root_path and not trusted:
        app.quick = QuickAnswersMiddleware(
            partial(FastAPI.__call__, app), app.state.reader, app.state.metrics, app.state.hosts
        )
