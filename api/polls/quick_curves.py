"""Curves of finished experiments that were asked for a moment ago, answered before routes are looked for."""

import re
from contextlib import suppress
from hashlib import sha256
from typing import Final

from fastapi import Response
from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.exports.recent_answers import RecentAnswers
from api.http.experiment_reader import ExperimentReader, tell_made_of
from jobs.errors import JobsError
from jobs.kept_results import results_state
from jobs.records import Experiment

ROUTE: Final = "/v1/experiments/{experiment_id}/curves"

ANY: Final = "*/*"
JSON: Final = "application/json"
"""What most clients accept; other wishes are weighed by the route."""

_CURVES: Final = re.compile(r"/v1/experiments/([A-Za-z0-9_-]{1,64})/curves", re.ASCII)


def curves_question(experiment: Experiment, scope: Scope) -> object:
    """All that the curves of a finished experiment depend on: its results, and the query as it is written.

    That is as long as who asks wants it to be, so its hash stands for it.
    """
    return "curves", results_state(experiment), sha256(scope["query_string"]).digest()


class QuickCurvesMiddleware:
    """ASGI middleware. The route has looked at a question before its answer is kept; the experiment is read each time.

    So one that is deleted, no longer shared, or found damaged is answered by the route, and so is every error.
    """

    def __init__(self, app: ASGIApp, reader: ExperimentReader, recent: RecentAnswers) -> None:
        self.app = app
        self.reader = reader
        self.recent = recent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_get = scope["type"] == "http" and scope["method"] == "GET"
        wants_json = is_get and Headers(scope=scope).get("accept", ANY) in {ANY, JSON}
        asked = _CURVES.fullmatch(get_route_path(scope)) if wants_json else None
        answer = None if asked is None else await self._answer(asked[1], scope)
        if answer is not None:
            scope["state"]["route"] = ROUTE
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, experiment_id: str, scope: Scope) -> Response | None:
        asker = scope["state"].get("asker")
        with suppress(JobsError):
            found = await self.reader.look(experiment_id)
            if found is not None and (asker is None or asker.may_read(found[0])):
                kept = self.recent.found(curves_question(found[0], scope))
                if kept is None:
                    return None
                tell_made_of(scope, found)
                return kept.response(Headers(scope=scope).get("accept-encoding"))
        return None
