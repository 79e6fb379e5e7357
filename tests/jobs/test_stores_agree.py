"""The two stores side by side: whatever is asked of both, both do the same."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from jobs.connection import connect
from jobs.errors import JobsError
from jobs.memory import MemoryStore
from jobs.ports import Store
from jobs.records import Claim, Experiment, JobKind, Queue, plan_job_id
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from jobs.states import EXPERIMENT_MOVES, JOB_MOVES, ExperimentStatus, JobState
from tests.jobs.laboratory import digest, figure_job, finished_runs, train_job

RUNS = 4
LABELS = [f"run {number}" for number in range(RUNS + 1)]

indices = st.integers(0, RUNS - 1)
fractions = st.floats(0, 1)


class BothStores(RuleBasedStateMachine):
    """Random operations; ids are drawn alike, so that claims and answers can be compared as they are."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        deployment = Settings(lease_seconds=1000.0, stall_seconds=2000.0, max_attempts=2)
        self.client = connect(self.url, patience=10.0)
        self.client.flushall()
        self.memory = MemoryStore(deployment)
        self.redis = RedisStore(self.client, deployment)
        self.ids: list[str] = []
        self.claims: list[Claim] = []
        self.stations: dict[str, ExperimentStatus] = {}
        self.job_stations: dict[str, JobState] = {}
        self.proposals = count()

    def both(self, ask: Callable[[Store], Any]) -> Any:
        """The answer of both, which must be one; a refusal is an answer."""
        answers = [_answer(ask, store) for store in (self.memory, self.redis)]
        assert answers[0] == answers[1]
        return answers[0]

    @rule(text=st.sampled_from(["one", "other"]), name=st.sampled_from(["", "named"]))
    def submit(self, text: str, name: str) -> None:
        """A spec is submitted, perhaps not for the first time."""
        with patch("secrets.token_hex", return_value=f"experiment{next(self.proposals)}"):
            submissions = [
                store.submit(spec=text.encode(), content_hash=digest(text), name=name, tags=[text], runs=RUNS)
                for store in (self.memory, self.redis)
            ]
        assert submissions[0].is_new == submissions[1].is_new
        assert submissions[0].experiment.id == submissions[1].experiment.id
        if submissions[0].is_new:
            self.ids.append(submissions[0].experiment.id)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), part=st.sampled_from(["plan", "0", "1", "2"]))
    def claim(self, data: st.DataObject, part: str) -> None:
        """A worker receives a message: of a job that may not be there, not be to be had, or stand for another."""
        job_id = f"{data.draw(st.sampled_from(self.ids))}.{part}"
        claim = self.both(lambda store: store.claim(job_id, worker="w"))
        if claim is not None:
            self.claims.append(claim)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), works=st.lists(st.floats(0.1, 9), min_size=1, max_size=RUNS))
    def begin_to_plan(self, data: st.DataObject, works: list[float]) -> None:
        """A planner records jobs at once, so that several experiments come to wait in one queue."""
        experiment_id = data.draw(st.sampled_from(self.ids))
        claim = self.both(lambda store: store.claim(f"{experiment_id}.plan", worker="w"))
        if claim is not None:
            self.claims.append(claim)
            owner: Any = _Named(experiment_id)
            jobs = [train_job(owner, number, work=work) for number, work in enumerate(works)]
            self.both(lambda store: store.add_jobs(claim, jobs))

    @rule()
    def ask_for_figure(self) -> None:
        """A figure is requested and claimed."""
        self.both(lambda store: store.request(figure_job(), experiment_id="e"))
        claim = self.both(lambda store: store.claim("figure", worker="w"))
        if claim is not None:
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), fraction=fractions)
    def heartbeat(self, data: st.DataObject, fraction: float) -> None:
        """A worker reports, perhaps with a claim that it no longer has; so also below."""
        claim = data.draw(st.sampled_from(self.claims))
        self.both(lambda store: store.heartbeat(claim, fraction=fraction))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), checkpoint=st.binary(max_size=9))
    def save_checkpoint(self, data: st.DataObject, checkpoint: bytes) -> None:
        """A worker saves its state."""
        claim = data.draw(st.sampled_from(self.claims))
        self.both(lambda store: store.save_checkpoint(claim, checkpoint))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), start=indices, labels=st.lists(st.sampled_from(LABELS), min_size=1, max_size=RUNS))
    def plan(self, data: st.DataObject, start: int, labels: list[str]) -> None:
        """A planner records keys and jobs."""
        claim = data.draw(
            st.sampled_from([each for each in self.claims if each.job.id.endswith("plan")] or self.claims)
        )
        owner: Any = _Named(claim.job.experiment_id)
        jobs = [train_job(owner, number, work=1.5 + number) for number in range(start)]
        keys = [digest(label) for label in labels[: RUNS - start]]
        self.both(lambda store: store.set_run_keys(claim, start, keys))
        self.both(lambda store: store.add_jobs(claim, jobs))

    @precondition(lambda self: self.claims)
    @rule(
        data=st.data(),
        start=indices,
        labels=st.lists(st.sampled_from(LABELS), max_size=2),
        outcome=st.sampled_from("ab"),
    )
    def commit_runs(self, data: st.DataObject, start: int, labels: list[str], outcome: str) -> None:
        """A worker stores runs."""
        claim = data.draw(st.sampled_from(self.claims))
        runs = finished_runs(labels[: RUNS - start], start, outcome)
        self.both(lambda store: store.commit_runs(claim, runs))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """A worker is done."""
        claim = data.draw(st.sampled_from(self.claims))
        self.both(lambda store: store.complete(claim))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), error=st.sampled_from(["boom", "ä"]))
    def fail(self, data: st.DataObject, error: str) -> None:
        """An attempt fails."""
        claim = data.draw(st.sampled_from(self.claims))
        self.both(lambda store: store.fail(claim, error))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def hand_back(self, data: st.DataObject) -> None:
        """A worker stops."""
        claim = data.draw(st.sampled_from(self.claims))
        self.both(lambda store: store.hand_back(claim))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A lease runs out; the clocks are two, so both leases are put into the past by hand."""
        job_id = data.draw(st.sampled_from(self.claims)).job.id
        self.memory._jobs[job_id].lease_until = 0.0
        self.client.zadd("stepbias:leases", {job_id: 0.0}, xx=True)
        self.both(lambda store: store.expire_leases())

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Somebody has seen enough."""
        experiment_id = data.draw(st.sampled_from(self.ids))
        self.both(lambda store: _timeless(store.cancel(experiment_id)))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """Somebody wants it again."""
        experiment_id = data.draw(st.sampled_from(self.ids))
        self.both(lambda store: store.retry(experiment_id))

    @rule()
    def look_through_the_lists(self) -> None:
        """What the janitor would send is the same, and what a user finds under each status."""
        for status in (None, *ExperimentStatus):
            self.both(lambda store, wanted=status: _names(store, wanted))  # type: ignore[misc]  # bound now
        for queue in Queue:
            self.both(lambda store, queue=queue: set(store.unannounced(queue, older_than=-1.0)))  # type: ignore[misc]  # bound now

    @invariant()
    def records_agree(self) -> None:
        """Experiments, their jobs, checkpoints and results."""
        for experiment_id in self.ids:
            self.both(lambda store, each=experiment_id: _timeless(store.experiment(each)))  # type: ignore[misc]  # bound now
            jobs = self.both(lambda store, each=experiment_id: store.jobs(each))  # type: ignore[misc]  # bound now
            for job in jobs:
                self.both(lambda store, each=job.id: store.checkpoint(each))  # type: ignore[misc]  # bound now
            self.both(lambda store, each=experiment_id: store.summaries(each, 0, RUNS))  # type: ignore[misc]  # bound now

    @invariant()
    def moves_are_legal(self) -> None:
        """Between two looks an experiment and a job have made moves that the tables list."""
        for experiment_id in self.ids:
            now = self.redis.experiment(experiment_id).status
            before = self.stations.setdefault(experiment_id, ExperimentStatus.PLANNING)
            assert now is before or now in EXPERIMENT_MOVES[before]
            self.stations[experiment_id] = now
            for job in self.redis.jobs(experiment_id):
                earlier = self.job_stations.setdefault(job.id, job.state)
                assert job.state is earlier or job.state in JOB_MOVES[earlier]
                self.job_stations[job.id] = job.state

    def teardown(self) -> None:
        """Close the connections."""
        self.client.close()


class _Named:
    """Something with an id."""

    def __init__(self, name: str) -> None:
        self.id = name


def _answer(ask: Callable[[Store], Any], store: Store) -> Any:
    try:
        return ask(store)
    except (JobsError, ValueError) as refusal:
        return type(refusal), str(refusal)


def _timeless(experiment: Experiment) -> tuple[Experiment, Any, bool]:
    """An experiment without what depends on the clock, its progress as something to compare roughly."""
    now = replace(experiment, created_at=0.0, finished_at=None, eta_seconds=None, progress=0.0)
    return now, round(experiment.progress, 9), experiment.finished_at is not None


def _names(store: Store, status: ExperimentStatus | None) -> list[str]:
    return [experiment.id for experiment in store.experiments(status=status).experiments]


@pytest.mark.hypothesis
def test_both_stores_answer_alike(empty_valkey_url: str) -> None:
    """Over random lives of experiments, each step compared."""

    class OnThisServer(BothStores):
        url = empty_valkey_url

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )


def test_both_stores_give_the_same_turns(empty_valkey_url: str) -> None:
    """Experiments that come, wait, leave the line and come back, one of them cancelled and one failed on the way."""
    with connect(empty_valkey_url, patience=10.0) as client:
        deployment = Settings(lease_seconds=1000.0, stall_seconds=2000.0, max_attempts=2)
        for seed in range(6):
            client.flushall()
            turns = [_turns(store, Random(seed)) for store in (MemoryStore(deployment), RedisStore(client, deployment))]
            assert turns[0] == turns[1]
            assert len(turns[0]) > 50


def _turns(store: Store, random: Random) -> list[str]:
    """The jobs of which claims are given in a random life of six experiments, by number of experiment and job."""
    experiments = [
        store.submit(spec=b"", content_hash=digest(str(each)), name="", tags=[], runs=1).experiment for each in range(6)
    ]
    plans = {each.id: store.claim(plan_job_id(each.id), worker="w") for each in experiments}
    numbers = {each.id: number for number, each in enumerate(experiments)}
    claims, claimed = [], []
    for step in range(300):
        experiment, kind = random.choice(experiments), random.random()
        work, chosen = random.choice([0.1, 1.0, 3.7]), random.random()
        plan = plans[experiment.id]
        if step == 100:
            store.cancel(experiments[0].id)
        elif step in {150, 151} and (last := plans[experiments[1].id]) is not None:
            store.fail(last, "boom")
            plans[experiments[1].id] = store.claim(last.job.id, worker="w")
        elif step == 220:
            store.retry(experiments[1].id)
        elif kind < 0.4 and plan is not None:
            store.add_jobs(plan, [train_job(experiment, step, work=work)])
        elif kind < 0.8:
            claim = store.claim(f"{experiment.id}.{step - 1}", worker="w") or _first_claim(store, experiments)
            if claim is not None:
                claims.append(claim)
                claimed.append(f"{numbers[claim.job.experiment_id]}.{claim.job.id.rpartition('.')[2]}")
        elif claims:
            store.hand_back(claims.pop(int(chosen * len(claims))))
    return claimed


def _first_claim(store: Store, experiments: Sequence[Experiment]) -> Claim | None:
    """A claim by the message of any training job."""
    jobs = (job for each in experiments for job in store.jobs(each.id) if job.kind is JobKind.TRAIN)
    message = next(jobs, None)
    return None if message is None else store.claim(message.id, worker="w")
