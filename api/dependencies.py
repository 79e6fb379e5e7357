"""What a route may ask for: the store, the doorbell, the settings, and the experiment its path names."""

import re
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final, cast

from anyio import to_thread
from fastapi import Depends, HTTPException, Path, Request
from pydantic import WithJsonSchema

from api.experiments.ids import is_cut_short, require_enough, whole_id
from api.exports.recent_answers import RecentAnswers
from api.http.event_hub import EventHub
from api.http.experiment_reader import ExperimentReader
from api.keys.asker import Asker
from api.prefix import is_estimate
from api.problems.request_errors import SharedToRead
from jobs.errors import ExperimentNotFound
from jobs.owned_store import owned, store_of_experiment
from jobs.ports import Doorbell, KeyStore, Store
from jobs.records import Experiment

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


async def _asker(request: Request) -> Asker | None:
    return cast("Asker | None", getattr(request.state, "asker", None))


async def _whole_store(request: Request) -> Store:
    return cast("Store", request.app.state.store)


AskerHere = Annotated[Asker | None, Depends(_asker)]
"""Who asks; None where no keys are required."""
_WholeStore = Annotated[Store, Depends(_whole_store)]


async def _named_experiment(request: Request, asker: AskerHere, store: _WholeStore) -> str | None:
    """The id of the experiment that the path names, if whoever asks may do that with it; None where it names none.

    What cannot be an id is not asked for: stores make keys of it. One of another owner is answered as one that there
    never was, by the same way through the store.
    """
    given: str | None = request.path_params.get("experiment_id")
    if given is None:
        return None
    if is_estimate(request):
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)
    if not _ID.fullmatch(given):
        raise ExperimentNotFound(given)
    require_enough(given)
    given = given.lower()
    if is_cut_short(given):
        owner = None if asker is None or asker.sees_all else asker.owner
        given = await to_thread.run_sync(partial(whole_id, given, store, owner=owner))
    if asker is not None and not asker.sees_all:
        found = (await to_thread.run_sync(store.records, [given])).get(given)
        if found is None or not asker.may_read(found):
            raise ExperimentNotFound(given)
        if request.method != "GET" and not asker.may_change(found):
            raise SharedToRead("Its owner shares this experiment to be read; submit its spec to have one of your own.")
    return given


_NamedExperiment = Annotated[str | None, Depends(_named_experiment)]


async def _store(named: _NamedExperiment, asker: AskerHere, store: _WholeStore) -> Store:
    """The store as the work on the experiment sees it, or as whoever asks does."""
    if named is not None:
        return store_of_experiment(store, named)
    return store if asker is None else owned(store, asker.ownership, lists_all=asker.sees_all)


async def _key_store(store: _WholeStore) -> KeyStore:
    return store


async def _bell(request: Request) -> Doorbell:
    return cast("Doorbell", request.app.state.bell)


async def _hub(request: Request) -> EventHub:
    return cast("EventHub", request.app.state.hub)


async def _reader(request: Request) -> ExperimentReader:
    return cast("ExperimentReader", request.app.state.reader)


async def _recent_answers(request: Request) -> RecentAnswers:
    return cast("RecentAnswers", request.app.state.recent)


async def _drawing_timeout(request: Request) -> float:
    return cast("float", request.app.state.drawing_timeout)


StoreHere = Annotated[Store, Depends(_store)]
KeyStoreHere = Annotated[KeyStore, Depends(_key_store)]
BellHere = Annotated[Doorbell, Depends(_bell)]
HubHere = Annotated[EventHub, Depends(_hub)]
ReaderHere = Annotated[ExperimentReader, Depends(_reader)]
RecentAnswersHere = Annotated[RecentAnswers, Depends(_recent_answers)]
DrawingTimeout = Annotated[float, Depends(_drawing_timeout)]


PathId = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{8,32}$"}),
    Path(description="The id, or its first digits, 8 at least."),
]


async def _experiment_id(experiment_id: PathId, named: _NamedExperiment) -> str:
    """The id in the path, or the one that begins so."""
    return named or experiment_id


ExperimentId = Annotated[str, Depends(_experiment_id)]


def _experiment(experiment_id: ExperimentId, store: StoreHere) -> Experiment:
    return store.experiment(experiment_id)


ExperimentHere = Annotated[Experiment, Depends(_experiment)]
