"""What becomes of an experiment, told as it happens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Header, Request, Response, status
from pydantic import WithJsonSchema
from starlette.responses import StreamingResponse

from api.contract.parts import PROBLEMS, Answers
from api.dependencies import AskerHere, ExperimentHere, HubHere, StoreHere
from api.http.event_stream import event_stream
from api.keys.asker import Asker
from api.problems.request_errors import InvalidQuery
from jobs.ports import Store
from jobs.records import Experiment
from jobs.states import ACTIVE

router = APIRouter(prefix="/v1/experiments/{experiment_id}", tags=["experiments"], responses=PROBLEMS)

_MEDIA_TYPE: Final = "text/event-stream"
_EVENTS: Final[Answers] = {
    200: {"description": "The events.", "content": {_MEDIA_TYPE: {}}},
    204: {"description": "The last event was the last; do not come again."},
}
EventNumber = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9]{0,19}$"})]
_HEADERS: Final = {"X-Accel-Buffering": "no", "Cache-Control": "no-cache"}


@router.get("/events", response_class=StreamingResponse, responses=_EVENTS)
async def follow_experiment(  # noqa: PLR0913, PLR0917 - what the route depends on
    experiment: ExperimentHere,
    request: Request,
    store: StoreHere,
    hub: HubHere,
    asker: AskerHere,
    last_event_id: Annotated[EventNumber | None, Header(description="The id of the last event that has come.")] = None,
) -> Response:
    """Server-sent events: `status`, `runs` (finished ones, by index), `progress`, and `end`, after which it is over.

    Who comes again with `Last-Event-ID` misses nothing and gets nothing twice; `gap` says where events are no longer
    kept. 204: nothing has come since, and the experiment has ended.
    """
    after = _number(last_event_id or "0")
    last = (await to_thread.run_sync(store.last_events, [experiment.id]))[experiment.id]
    if after and after == last and experiment.status not in ACTIVE:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    if request.state.without_body:
        return Response(media_type=_MEDIA_TYPE, headers=_HEADERS)
    # What was never told here was told of something else: it begins anew.
    events = event_stream(experiment.id, after=after if after <= last else 0, store=store, hub=hub)
    if asker is not None:
        events = _while_good(events, request.state.is_still_good, partial(_may_read, asker, experiment, store))
    return StreamingResponse(events, media_type=_MEDIA_TYPE, headers=_HEADERS)


async def _while_good(
    events: AsyncIterator[bytes], is_still_good: Callable[[], Awaitable[bool]], may_read: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """As long as the key is known with which they were asked for, and its holder may read the experiment."""
    async for event in events:
        if not await is_still_good() or not await may_read():
            return
        yield event


async def _may_read(asker: Asker, experiment: Experiment, store: Store) -> bool:
    """Whether it is theirs, or still shared."""
    if asker.may_change(experiment):
        return True
    now = (await to_thread.run_sync(store.records, [experiment.id])).get(experiment.id)
    return now is not None and asker.may_read(now)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise InvalidQuery("Last-Event-ID is not the id of an event.")
    return int(text)
