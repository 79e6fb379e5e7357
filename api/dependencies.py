"""What a route may ask for: the store, the doorbell, the settings, and the experiment its path names."""

import re
from http import HTTPStatus
from typing import Annotated, Final, cast

from anyio import to_thread
from fastapi import Depends, HTTPException, Path, Request
from pydantic import WithJsonSchema

from api.experiments.ids import is_cut_short, whole_id
from api.http.event_hub import EventHub
from api.http.experiment_reader import ExperimentReader
from api.http.prefix import is_estimate
from jobs.errors import ExperimentNotFound
from jobs.ports import Doorbell, Store
from jobs.records import Experiment
from jobs.settings import Settings

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


async def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


async def _store(request: Request) -> Store:
    return cast("Store", request.app.state.store)


async def _bell(request: Request) -> Doorbell:
    return cast("Doorbell", request.app.state.bell)


async def _hub(request: Request) -> EventHub:
    return cast("EventHub", request.app.state.hub)


async def _reader(request: Request) -> ExperimentReader:
    return cast("ExperimentReader", request.app.state.reader)


async def _drawing_timeout(request: Request) -> float:
    return cast("float", request.app.state.drawing_timeout)


SettingsHere = Annotated[Settings, Depends(_settings)]
StoreHere = Annotated[Store, Depends(_store)]
BellHere = Annotated[Doorbell, Depends(_bell)]
HubHere = Annotated[EventHub, Depends(_hub)]
ReaderHere = Annotated[ExperimentReader, Depends(_reader)]
DrawingTimeout = Annotated[float, Depends(_drawing_timeout)]


PathId = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{8,32}$"}),
    Path(description="The id, or its first digits, 8 at least."),
]


async def _experiment_id(experiment_id: PathId, request: Request, store: StoreHere) -> str:
    """The id in the path, or the one that begins so. What cannot be an id is not asked for: stores make keys of it."""
    if is_estimate(request):
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)
    if not _ID.fullmatch(experiment_id):
        raise ExperimentNotFound(experiment_id)
    if is_cut_short(experiment_id):
        return await to_thread.run_sync(whole_id, experiment_id, store)
    return experiment_id


ExperimentId = Annotated[str, Depends(_experiment_id)]


def _experiment(experiment_id: ExperimentId, store: StoreHere) -> Experiment:
    return store.experiment(experiment_id)


ExperimentHere = Annotated[Experiment, Depends(_experiment)]
