"""A worker over a store in which a byte has changed: nothing of it gets into a number, and it is made again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis

from api.datasets.kept import described, keep
from api.problems.request_errors import NothingHere
from api.stored.grid import lacks_analyses
from core.data.user_arrays import UserArrays
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.connection import connect
from jobs.document_keys import (
    analysis_key,
    dataset_description_key,
    dataset_key,
    figure_error_key,
    interpolators_key,
)
from jobs.errors import NotFailed
from jobs.records import FigureRequest, Queue, StoredRun
from jobs.redis_store import RedisStore
from jobs.states import ExperimentStatus, JobState
from tests.jobs.test_damage import damage, page_of
from tests.worker.workshop import PROBLEM, SETTINGS, SetAfter, spec, undisturbed
from worker.context import Flag, WorkerContext
from worker.drawing import ERROR_SECONDS, MISSING_SECONDS, draw_next
from worker.perform import perform, work_off

ARRAYS = UserArrays.of({name: np.array(PROBLEM[name]) for name in ("X", "y")})


class Plant:
    """A store on a server, and a worker."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.store = RedisStore(client, SETTINGS)

    def context(self, stopping: Flag | None = None) -> WorkerContext:
        """A worker's context."""
        context = WorkerContext(store=self.store, settings=SETTINGS, name="worker", tiny_seconds=0.0)
        return context if stopping is None else replace(context, stopping=stopping)

    def submit(self, spec: ExperimentSpec, name: str = "") -> str:
        """The id of a new experiment."""
        return self.store.submit(
            spec=spec.canonical(), content_hash=spec.content_hash(), name=name, tags=(), runs=len(Grid(spec))
        ).experiment.id

    def work_off(self) -> None:
        """Do what waits; all is small here."""
        work_off(Queue.INTERACTIVE, self.context())

    def done(self, spec: ExperimentSpec, name: str = "") -> str:
        """The id of an experiment that was worked off."""
        experiment_id = self.submit(spec, name)
        self.work_off()
        return experiment_id

    def status(self, experiment_id: str) -> ExperimentStatus:
        """Where it stands."""
        return self.store.experiment(experiment_id).status

    def runs(self, experiment_id: str) -> list[StoredRun | None]:
        """Every run as it is stored."""
        return [self.store.run(experiment_id, index) for index in range(6)]


@pytest.fixture
def plant(empty_valkey_url: str) -> Iterator[Plant]:
    """An empty store on a server."""
    with connect(empty_valkey_url, patience=10.0) as client:
        yield Plant(client)


@pytest.mark.parametrize("part", ["summary", "arrays"])
def test_a_damaged_run_is_computed_again_by_a_retry(plant: Plant, part: str) -> None:
    """With those that lay on its page, and no others, to the same bytes."""
    experiment_id = plant.done(spec())
    assert plant.status(experiment_id) is ExperimentStatus.SUCCEEDED
    pages = [page_of(plant.client, run.key) for run in Grid(spec()).runs()]
    damage(plant.client, f"run:{Grid(spec()).run(2).key}", part)
    assert [run is None for run in plant.runs(experiment_id)] == [page == pages[2] for page in pages]
    assert plant.status(experiment_id) is ExperimentStatus.FAILED
    plant.store.retry(experiment_id)
    plant.work_off()
    now = plant.store.experiment(experiment_id)
    assert (now.status, now.runs_reused, now.outcomes) == (
        ExperimentStatus.SUCCEEDED,
        6 - pages.count(pages[2]),
        {"converged": 6},
    )
    assert plant.runs(experiment_id) == undisturbed(spec())


@pytest.mark.parametrize("place", [analysis_key, interpolators_key])
def test_a_damaged_analysis_is_made_again(plant: Plant, place: object) -> None:
    """By the next experiment on the same problem, to the same bytes."""
    assert callable(place)
    plant.done(spec())
    key = place(Grid(spec()).problem(0).key)
    before = plant.store.document(key)
    assert before is not None
    damage(plant.client, f"document:{key}")
    assert plant.store.document(key) is None
    experiment_id = plant.done(spec(scales=(0.2,)))
    assert plant.status(experiment_id) is ExperimentStatus.SUCCEEDED
    assert plant.store.document(key) == before


def test_damaged_data_are_not_trained_on(plant: Plant) -> None:
    """The experiment says that they must be uploaded again; then a retry computes what it would have."""
    asked = spec(data={"kind": "dataset", "id": ARRAYS.id})
    keep(ARRAYS, store=plant.store)
    damage(plant.client, f"document:{dataset_key(ARRAYS.id)}")
    experiment_id = plant.done(asked)
    now = plant.store.experiment(experiment_id)
    assert now.status is ExperimentStatus.FAILED
    assert "upload it again" in str(now.error)
    keep(ARRAYS, store=plant.store)
    plant.store.retry(experiment_id)
    plant.work_off()
    assert plant.runs(experiment_id) == undisturbed_uploaded(plant, asked)


def undisturbed_uploaded(plant: Plant, asked: ExperimentSpec) -> list[StoredRun | None]:
    """The runs of an experiment on uploaded data in a store of its own."""
    plant.client.flushall()
    keep(ARRAYS, store=plant.store)
    return plant.runs(plant.done(asked))


def test_a_data_set_whose_description_is_damaged_is_uploaded_again(plant: Plant) -> None:
    """As if it had never been there."""
    keep(ARRAYS, store=plant.store)
    damage(plant.client, f"document:{dataset_description_key(ARRAYS.id)}")
    with pytest.raises(NothingHere):
        described(ARRAYS.id, store=plant.store)
    document, is_new = keep(ARRAYS, store=plant.store)
    assert is_new
    assert described(ARRAYS.id, store=plant.store).model_dump(exclude={"used_by"}) == document.model_dump(
        exclude={"reading"}
    )


@pytest.mark.parametrize(("part", "figure"), [("summary", "risk"), ("arrays", "trajectory")])
def test_no_figure_is_drawn_without_a_run_that_was_counted(plant: Plant, part: str, figure: str) -> None:
    """It would be kept under the key of what is stored again after a retry, and so for good."""
    experiment_id = plant.done(spec())
    for run in Grid(spec()).runs():
        damage(plant.client, f"run:{run.key}", part)
    request = FigureRequest(experiment_id=experiment_id, figure=figure, format="svg", key="figure:1")
    plant.store.request_figure(request, seconds=1.0)
    assert draw_next(plant.context())
    assert plant.store.document("figure:1") is None
    assert b"a stored result is damaged" in (plant.store.document(figure_error_key("figure:1")) or b"")
    life: Any = plant.client.pttl(f"stepbias:document:{figure_error_key('figure:1')}")
    assert 0 < life <= MISSING_SECONDS * 1000
    assert plant.status(experiment_id) is ExperimentStatus.FAILED


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_figure_without_an_analysis_is_not_kept_for_long(plant: Plant, *, is_damaged: bool) -> None:
    """One that has all it is to be drawn from is there for as long as its experiment."""
    experiment_id = plant.done(spec())
    if is_damaged:
        damage(plant.client, f"document:{analysis_key(Grid(spec()).problem(0).key)}")
    request = FigureRequest(experiment_id=experiment_id, figure="risk", format="svg", key="figure:1")
    plant.store.request_figure(request, seconds=1.0)
    assert draw_next(plant.context())
    assert plant.store.document("figure:1") is not None
    life: Any = plant.client.pttl("stepbias:document:figure:1")
    assert (0 < life <= ERROR_SECONDS * 1000) if is_damaged else life == -1


def test_a_damaged_figure_is_drawn_again(plant: Plant) -> None:
    """When it is asked for again."""
    experiment_id = plant.done(spec())
    request = FigureRequest(experiment_id=experiment_id, figure="risk", format="svg", key="figure:1")
    plant.store.request_figure(request, seconds=0.001)
    assert draw_next(plant.context())
    picture = plant.store.document("figure:1")
    damage(plant.client, "document:figure:1")
    assert plant.store.document("figure:1") is None
    while not plant.store.request_figure(request, seconds=0.001):
        pass
    assert draw_next(plant.context())
    assert plant.store.document("figure:1") == picture


@pytest.mark.usefixtures("short_chunks")
def test_a_batch_with_a_damaged_checkpoint_begins_afresh(plant: Plant) -> None:
    """In the same attempt, to the same bytes."""
    experiment_id = plant.submit(spec())
    for looks in (10, 5):
        claim = plant.store.claim(Queue.INTERACTIVE, worker="worker")
        assert claim is not None
        perform(claim, plant.context(SetAfter(looks)))
    (_, job) = plant.store.jobs(experiment_id)
    assert plant.store.checkpoint(job) is not None
    damage(plant.client, f"experiment:{experiment_id}:checkpoints", job.id)
    plant.work_off()
    (_, job) = plant.store.jobs(experiment_id)
    assert (job.state, job.attempt, job.failures) == (JobState.SUCCEEDED, 1, 0)
    assert plant.store.damaged() == [f"checkpoint of {job.id}"]
    assert plant.runs(experiment_id) == undisturbed(spec())


def test_a_damaged_spec_fails_its_experiment_at_once(plant: Plant) -> None:
    """With the reason; no attempt could read it. The same spec submitted again is a new experiment."""
    experiment_id = plant.submit(spec())
    damage(plant.client, f"experiment:{experiment_id}:spec")
    plant.work_off()
    now = plant.store.experiment(experiment_id)
    assert now.status is ExperimentStatus.FAILED
    assert now.error == f"BrokenSeal: what is stored as spec of {experiment_id} is damaged"
    assert plant.store.jobs(experiment_id)[0].attempt == 1
    assert plant.runs(plant.done(spec())) == undisturbed(spec())


def test_a_damaged_analysis_of_what_has_succeeded_comes_again_with_a_retry(plant: Plant) -> None:
    """Its runs are all there, and are not trained again."""
    experiment_id = plant.done(spec())
    before = plant.runs(experiment_id)
    assert not lacks_analyses(experiment_id, store=plant.store)
    key = analysis_key(Grid(spec()).run(0).problem_key)
    damage(plant.client, f"document:{key}")
    assert plant.store.document(key) is None
    assert lacks_analyses(experiment_id, store=plant.store)
    with pytest.raises(NotFailed):
        plant.store.retry(experiment_id)
    plant.store.retry(experiment_id, is_incomplete=True)
    plant.work_off()
    assert plant.store.document(key) is not None
    assert plant.status(experiment_id) is ExperimentStatus.SUCCEEDED
    assert plant.store.experiment(experiment_id).runs_reused == 6
    assert plant.runs(experiment_id) == before
