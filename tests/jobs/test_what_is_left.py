"""What lies on the server: counts of use that are right whatever happens, and nothing once everything is deleted."""

import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import redis

from jobs.celery_doorbell import CeleryDoorbell, make_celery_app, queue_name
from jobs.connection import connect
from jobs.errors import ForeignStore, JobsError
from jobs.records import Claim, LiveWorker, Queue
from jobs.redis_store import RedisStore
from jobs.redis_store.server import Found
from jobs.run_keys import unpacked
from jobs.settings import Settings
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, figure_request, finished_runs, train_job

ALWAYS = {
    "stepbias:schema",
    "stepbias:numerics",
    "stepbias:sweep",
    "stepbias:ended",
}
"""What a store keeps that is used and empty, besides the clocks of its queues."""


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of an empty server."""
    with connect(empty_valkey_url, patience=10.0) as one:
        yield one


@pytest.fixture
def laboratory(client: redis.Redis) -> Laboratory:
    """A store on the server."""
    return redis_laboratory(client)


def names(client: redis.Redis) -> set[str]:
    """All keys of the server."""
    found: Any = client.keys("*")
    return {name.decode() for name in found}


def counted_users(client: redis.Redis) -> Counter[str]:
    """How often each run is used according to its record."""
    runs = [name for name in names(client) if name.startswith("stepbias:run:")]
    return Counter({name.rpartition(":")[2]: int(client.hget(name, "users").partition(b":")[0]) for name in runs})


def true_users(client: redis.Redis) -> Counter[str]:
    """How often each run stands among keys: of experiments, former ones, and what is not cleared away of a heap."""
    users: Counter[str] = Counter()
    for name in names(client):
        if name.rpartition(":")[2] in {"keys", "former"}:
            read = int(client.hget("stepbias:garbage", name) or 0)
            digests: Any = client.get(name)
            users.update(key for key in unpacked(digests[read:]) if key is not None)
    return users


def counted_pages(client: redis.Redis) -> Counter[str]:
    """How many runs are on each page according to its record."""
    pages = [name for name in names(client) if name.startswith("stepbias:page:")]
    return Counter({name.rpartition(":")[2]: int(client.hget(name, "runs").partition(b":")[0]) for name in pages})


def true_pages(client: redis.Redis) -> Counter[str]:
    """How many runs say that they are on each page."""
    places = (client.hget(name, "page") for name in names(client) if name.startswith("stepbias:run:"))
    return Counter(place.decode().partition(":")[0] for place in places if place)


def test_uses_are_counted_right_at_every_moment(client: redis.Redis, laboratory: Laboratory) -> None:
    """Over random lives of experiments that share runs, between any two calls: who is killed there leaves this."""
    deleted = 0
    for seed in range(8):
        client.flushall()
        life = RandomLife(laboratory, Random(seed))
        for _ in range(120):
            life.step()
            assert counted_users(client) == true_users(client)
            assert counted_pages(client) == true_pages(client)
        deleted += life.end()
        while laboratory.store.clear_garbage(most=3):
            assert counted_users(client) == true_users(client)
        for _ in range(100):
            assert not laboratory.store.sweep(most=10, grace=0.0)
        time.sleep(2 * SETTINGS.lease_seconds)
        for _ in range(2):
            laboratory.store.tidy("janitor", period=1.0, last=None, elapsed=0.0)
        left = {name for name in names(client) if not name.startswith("stepbias:flows:")}
        # In some lives no job has ended.
        assert left | {"stepbias:ended"} == ALWAYS | {"stepbias:janitor"}
    assert deleted > 20


def test_a_service_that_is_emptied_keeps_its_fixed_keys_alone(client: redis.Redis, empty_valkey_url: str) -> None:
    """All that was ever there: workers, rings, figures, uploads, an experiment from its submission to its end."""
    store = RedisStore(client, SETTINGS, "v")
    laboratory = Laboratory(store=store, wait=time.sleep, store_of=lambda _: store)
    store.adopt()
    bell = CeleryDoorbell(make_celery_app(Settings.model_validate({"redis_url": empty_valkey_url})))
    bell.ring(Queue.BATCH)
    store.register(LiveWorker(name="w", numerics="v", idle=1), queues=Queue, seconds=0.001)
    upload = ["dataset-description:x", "dataset:x"]
    for document in upload:
        store.put_document(document, b"data")
    experiment = store.submit(
        spec=b"", content_hash=digest("a spec"), name="n", tags=["t"], runs=4, documents=upload[1:]
    ).experiment
    plan = laboratory.claim_plan(experiment)
    store.use_documents(plan, ["analysis"])
    store.put_document("analysis", b"of a problem")
    store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec")])
    store.add_jobs(plan, [train_job(experiment, number) for number in range(2)])
    store.save_checkpoint(plan, b"half")
    store.complete(plan)
    for number in range(2):
        laboratory.train(experiment, number)
    store.put_document("figure", b"png", seconds=0.001)
    assert store.request_figure(figure_request(), seconds=0.001)
    assert store.next_figure() is not None
    store.tidy("w", period=1.0, last=None, elapsed=0.0)
    store.delete(experiment.id)
    store.drop_documents(upload)
    while store.clear_garbage(most=3):
        pass
    for _ in range(20):
        assert not store.sweep(most=10, grace=0.0)
    time.sleep(0.01)
    kinds = ("now", "since", "owners:now", "owners:served")
    clocks = {f"stepbias:flows:{queue}:v:{clock}" for queue in Queue for clock in kinds}
    clocks.add("stepbias:figures:v:owners:now")
    workers = {f"stepbias:workers:{queue}" for queue in Queue}
    ring = queue_name(Queue.BATCH)
    bindings = {f"_kombu.{kind}.{ring}" for kind in ("binding", "binding_permanent")}
    brokers = {f"stepbias:celery:{name}" for name in (ring, *bindings)}
    # A process of which kombu knows that it has bound a queue does not bind it again.
    assert names(client) - brokers == ALWAYS | clocks | workers | {"stepbias:janitor"}


class RandomLife:
    """Experiments of eight runs, any of which may be those of another; all that can happen to them, at random."""

    def __init__(self, laboratory: Laboratory, random: Random) -> None:
        self.laboratory, self.random = laboratory, random
        self.stores = [laboratory.store, laboratory.of_version("another").store]
        self.claims: list[Claim] = []
        self.deleted = 0

    def step(self) -> None:
        """Something happens, unless it is refused."""
        happening = self.random.choice(
            [
                *(self.submit, self.claim, self.claim, self.plan, self.plan, self.train, self.finish, self.finish),
                *(self.cancel, self.delete, self.delete, self.clear, self.retry, self.plan_anew),
            ]
        )
        try:
            happening()
        except JobsError:
            return

    def end(self) -> int:
        """Everything is deleted; how many experiments were, from the beginning."""
        for each in self.laboratory.store.experiments(limit=1000).experiments:
            self.laboratory.store.cancel(each.id)
        for claim in self.claims:
            try:
                self.laboratory.store.release(claim)
            except JobsError:
                continue
        for each in self.laboratory.store.experiments(limit=1000).experiments:
            self.laboratory.store.delete(each.id)
            self.deleted += 1
        return self.deleted

    def submit(self) -> None:
        """One of three specs under one of two names, by a process of one of two versions."""
        text, name = self.random.choice("abc"), self.random.choice("xy")
        self.random.choice(self.stores).submit(
            spec=b"", content_hash=digest(text), name=name, tags=[name, "😀"], runs=8, documents=[f"document {text}"]
        )

    def claim(self) -> None:
        """A job, by a process of either version."""
        claim = self.random.choice(self.stores).claim(self.random.choice(list(Queue)), worker="w")
        if claim is not None:
            self.claims.append(claim)

    def plan(self) -> None:
        """A planner, perhaps of a former claim, records some keys; not always those that it recorded before."""
        if self.claims:
            claim, start = self.random.choice(self.claims), self.random.randrange(8)
            labels = self.random.choices("pqrstuvw", k=self.random.randint(1, 8 - start))
            self.laboratory.store.use_documents(claim, [self.random.choice("mn")])
            self.laboratory.store.set_run_keys(claim, start, [digest(label) for label in labels])
            job = train_job(self.laboratory.store.experiment(claim.job.experiment_id), self.random.randrange(3))
            self.laboratory.store.add_jobs(claim, [job])

    def train(self) -> None:
        """A run is stored, if it was planned under that key."""
        if self.claims:
            runs = finished_runs([self.random.choice("pqrstuvw")], self.random.randrange(8))
            self.laboratory.store.commit_runs(self.random.choice(self.claims), runs)

    def finish(self) -> None:
        """An attempt ends, well or not."""
        if self.claims:
            claim, store = self.claims.pop(self.random.randrange(len(self.claims))), self.laboratory.store
            match self.random.randrange(4):
                case 0:
                    store.release(claim)
                case 1:
                    store.fail(claim, "boom")
                case _:
                    store.complete(claim)

    def cancel(self) -> None:
        """Any experiment."""
        self.laboratory.store.cancel(self._any())

    def delete(self) -> None:
        """Any experiment, if it is finished."""
        self.laboratory.store.delete(self._any())
        self.deleted += 1

    def clear(self) -> None:
        """A piece of the garbage."""
        self.laboratory.store.clear_garbage(most=2)

    def retry(self) -> None:
        """Any failed experiment; where results are missing it is planned anew."""
        self.random.choice(self.stores).retry(self._any())

    def plan_anew(self) -> None:
        """What was begun by the one version is planned anew for the other."""
        mine, other = self.random.choice([self.stores, self.stores[::-1]])
        version = mine.submit(spec=b"", content_hash=digest("z"), name="", tags=(), runs=8).experiment.numerics
        other.plan_anew(version, most=1)

    def _any(self) -> str:
        listed = self.laboratory.store.experiments(limit=1000).experiments
        return self.random.choice(listed).id if listed else "none"


def test_a_deletion_costs_the_same_for_any_number_of_runs(client: redis.Redis, laboratory: Laboratory) -> None:
    """In commands of the server, which are counted: a thousand runs and jobs take no more than ten."""
    costs = []
    for runs in (10, 1000):
        experiment = laboratory.submit(str(runs), runs=runs)
        claim = laboratory.claim_plan(experiment)
        laboratory.store.set_run_keys(claim, 0, [digest(f"{runs} {number}") for number in range(runs)])
        laboratory.store.add_jobs(claim, [train_job(experiment, number) for number in range(runs)])
        laboratory.store.complete(claim)
        laboratory.store.cancel(experiment.id)
        before = commands(client)
        laboratory.store.delete(experiment.id)
        costs.append(commands(client) - before)
        while laboratory.store.clear_garbage(most=100):
            pass
    assert costs[0] == costs[1]
    assert not [name for name in names(client) if name.startswith(("stepbias:job:", "stepbias:run:"))]


def commands(client: redis.Redis) -> int:
    """How many commands the server has done, those inside scripts included, and those of connecting left out."""
    statistics: Any = client.info("commandstats")
    connecting = ("cmdstat_ping", "cmdstat_client", "cmdstat_hello", "cmdstat_auth", "cmdstat_select", "cmdstat_info")
    return sum(each["calls"] for name, each in statistics.items() if not name.startswith(connecting))


def test_the_sweep_finds_what_no_experiment_has(client: redis.Redis, laboratory: Laboratory) -> None:
    """Records of runs, jobs and experiments as a damaged store may have them, and nothing of what is in order."""
    experiment = laboratory.planned()
    laboratory.train(experiment, 0)
    whole = names(client)
    orphans: dict[str, Any] = {
        "stepbias:page:0123": {"summaries": "of nobody"},
        f"stepbias:run:{digest('nobody')}": {"outcome": "converged"},
        "stepbias:job:gone.plan": {"state": "running", "experiment": "gone", "generation": "0"},
        "stepbias:experiment:gone:checkpoints": {"gone.0": "state"},
    }
    for name, fields in orphans.items():
        client.hset(name, mapping=fields)
    client.set("stepbias:experiment:gone:done", b"\xff")
    client.set("elsewhere:run:1", "not ours")
    found = {name for _ in range(50) for name in laboratory.store.sweep(most=10, grace=0.0)}
    assert found == {name.removeprefix("stepbias:") for name in (*orphans, "stepbias:experiment:gone:done")}
    assert names(client) - {"stepbias:sweep"} == whole | {"elsewhere:run:1"}


def test_results_that_are_found_missing_after_a_deletion_leave_nothing(
    client: redis.Redis, laboratory: Laboratory
) -> None:
    """A reader who had begun before the deletion does not bring parts of the experiment back."""
    experiment = laboratory.planned()
    laboratory.train(experiment, 0)
    reader = RedisStore(client, SETTINGS)
    missed = [(0, Found.of(digest("a spec 0"), None, None, None))]
    laboratory.store.cancel(experiment.id)
    laboratory.store.delete(experiment.id)
    while laboratory.store.clear_garbage(most=9):
        pass
    reader._miss(experiment.id, missed)
    assert not [name for name in names(client) if name.startswith("stepbias:experiment:")]


def test_a_store_says_of_which_schema_it_is(client: redis.Redis, laboratory: Laboratory) -> None:
    """From the first use on."""
    laboratory.store.look_around(Queue.BATCH)
    assert not names(client)
    laboratory.store.adopt()
    laboratory.store.adopt()
    assert client.get("stepbias:schema") == b"5"
    client.flushall()
    laboratory.submit()
    assert client.get("stepbias:schema") == b"5"


def test_a_store_of_the_former_schema_is_taken_over(client: redis.Redis, laboratory: Laboratory) -> None:
    """What is there stays; whoever knows the former one alone refuses it from then on."""
    kept = laboratory.submit().id
    client.set("stepbias:schema", "3")
    with pytest.raises(ForeignStore):
        laboratory.store.cancel(kept)
    laboratory.store.adopt()
    assert client.get("stepbias:schema") == b"5"
    assert laboratory.store.experiment(kept).id == kept
    laboratory.store.cancel(kept)


@pytest.mark.parametrize(
    ("held", "writer"),
    [({"stepbias:schema": "2"}, "schema 2"), ({"stepbias:experiments:number": "4"}, "stepbias 0.1")],
)
def test_a_store_of_another_schema_is_refused_and_left_alone(
    client: redis.Redis, laboratory: Laboratory, held: dict[str, str], writer: str
) -> None:
    """One of a later version, and one of 0.1, which does not say; in a sentence that says what to do."""
    for name, value in held.items():
        client.set(name, value)
    for ask in (
        laboratory.store.adopt,
        laboratory.submit,
        lambda: laboratory.store.claim(Queue.BATCH, worker="w"),
        lambda: laboratory.store.look_around(Queue.BATCH),
        lambda: laboratory.store.tidy("w", period=1.0, last=None, elapsed=0.0),
    ):
        with pytest.raises(ForeignStore, match=f"{writer}, and this version does not read it: .* empty store"):
            ask()
    assert names(client) == set(held)
