"""The most frequent request, answered before routes are looked for: a poll of an experiment, with nothing else said."""

import re
from contextlib import suppress
from typing import Final

from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.experiments.document import ExperimentDocument, status_answer
from api.http.experiment_reader import ExperimentReader, tell_made_of
from api.readiness import may_wait
from jobs.errors import JobsError
from jobs.records import Experiment

ROUTE: Final = "/v1/experiments/{experiment_id}"

_POLL: Final = re.compile(r"/v1/experiments/([A-Za-z0-9_-]{1,64})", re.ASCII)


class QuickStatusMiddleware:
    """ASGI middleware; what is not as simple, and every error, is left to the route, which answers the same."""

    def __init__(self, app: ASGIApp, reader: ExperimentReader) -> None:
        self.app = app
        self.reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        poll = _poll(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if poll is not None:
            found = None
            with suppress(JobsError):
                found = await self.reader.look(poll[1])
            if found is not None and _may_be_told(found[0], scope):
                scope["state"]["route"] = ROUTE
                tell_made_of(scope, found)
                document = ExperimentDocument.of(found[0], notes=found[1])
                await status_answer(document, found[0])(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _may_be_told(experiment: Experiment, scope: Scope) -> bool:
    asker = scope["state"].get("asker")
    is_whole = not may_wait(experiment) and not experiment.wishes.webhook
    return is_whole and (asker is None or asker.may_read(experiment))


def _poll(scope: Scope) -> re.Match[str] | None:
    if scope["query_string"] or "prefer" in Headers(scope=scope):
        return None
    return _POLL.fullmatch(get_route_path(scope))
