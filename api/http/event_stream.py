"""What becomes of an experiment, as server-sent events and for those who wait for one answer."""

import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from anyio import to_thread
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api.http.event_hub import EventHub
from api.http.experiment_reader import ExperimentReader
from jobs.errors import ExperimentNotFound
from jobs.ports import Store
from jobs.records import Experiment, ExperimentEvent
from jobs.states import ACTIVE

HEARTBEAT_SECONDS: Final = 15.0
"""So long nothing is sent at most: whoever passes it on closes connections that are silent for longer."""

LONGEST_WAIT_SECONDS: Final = 60

_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})", re.ASCII | re.IGNORECASE)


async def event_stream(experiment_id: str, *, after: int, store: Store, hub: EventHub) -> AsyncIterator[bytes]:
    """The events of an experiment after that number, as they are sent, until the one that ends it.

    `runs` and `status` have the numbers of their events as ids, and so has `end`. `progress` has none, for it is of the
    moment. `gap`: events are missing, for they are not kept any more.
    """
    while not hub.is_closed:
        for event in await hub.events(experiment_id, after=after):
            if event.number != after + 1:
                yield _sent("gap", {"after": after, "before": event.number})
            after = event.number
            yield _sent(_name(event), _document(event), number=after)
        try:
            experiment = await to_thread.run_sync(store.experiment, experiment_id)
        except ExperimentNotFound:
            return
        last = (await to_thread.run_sync(store.last_events, [experiment_id]))[experiment_id]
        if last > after:
            continue
        if experiment.status not in ACTIVE:
            if not last:
                # It ended before events were told.
                yield _sent("end", _progress(experiment))
            return
        yield _sent("progress", _progress(experiment))
        if not await hub.wait(experiment_id, after=after, seconds=HEARTBEAT_SECONDS) and not hub.is_closed:
            yield KEEPALIVE_COMMENT


async def awaited(
    experiment_id: str, *, seconds: float, store: Store, reader: ExperimentReader, hub: EventHub
) -> Experiment:
    """The experiment once it has ended, or after so many seconds.

    Raises:
        ExperimentNotFound: there is none of that id, or no more.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        # In this order: what happens in between is not waited for.
        last = (await to_thread.run_sync(store.last_events, [experiment_id]))[experiment_id]
        experiment = await reader.experiment(experiment_id)
        if experiment.status not in ACTIVE or hub.is_closed:
            return experiment
        await hub.wait(experiment_id, after=last, seconds=left)
    return await reader.experiment(experiment_id)


def preferred_wait(prefer: str) -> int | None:
    """The seconds of `wait=N` in a `Prefer` header, as many as there may be; None without it."""
    found = _WAIT.search(prefer)
    return None if found is None else min(int(found[1]), LONGEST_WAIT_SECONDS)


def _name(event: ExperimentEvent) -> str:
    if event.status not in ACTIVE:
        return "end"
    return "runs" if event.runs else "status"


def _document(event: ExperimentEvent) -> dict[str, Any]:
    return {
        "status": event.status,
        "runs": list(event.runs),
        "runs_done": event.runs_done,
        "outcomes": dict(event.outcomes),
    }


def _progress(experiment: Experiment) -> dict[str, Any]:
    return {
        "status": experiment.status,
        "runs_done": experiment.runs_done,
        "runs_total": experiment.runs_total,
        "progress": experiment.progress,
        "eta_seconds": experiment.eta_seconds,
    }


def _sent(name: str, document: dict[str, Any], *, number: int | None = None) -> bytes:
    return format_sse_event(
        event=name, data_str=json.dumps(document, allow_nan=False), id=None if number is None else str(number)
    )
