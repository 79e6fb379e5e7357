"""The janitor: registers, rings where work waits, ends a deaf worker, and sees to what was lost or left behind."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from core.descent.kernel import chosen, kernel_id
from core.identity import NUMERICS_VERSION
from jobs.connection import ANSWER_SECONDS
from jobs.errors import StoreFull, StoreUnavailable
from jobs.records import FigureRequest, LiveWorker, Queue, Round
from jobs.settings import Settings
from jobs.states import ExperimentStatus, JobState
from tests.reference.memory_store import MemoryDoorbell
from tests.stepbias.launcher.household import eventually
from tests.worker.workshop import Workshop, spec
from worker.janitor import DEAF_SECONDS, LONGEST_ROUND, REGISTRATION, RENEWAL, VERSION_GONE_SECONDS, Janitor

BOTH = (Queue.INTERACTIVE, Queue.BATCH)


class Processes:
    """A pool as the test says it is."""

    def __init__(self, idle: int = 2) -> None:
        self.is_idle = idle
        self.has_taken = 0
        self.rung: Counter[Queue] = Counter()

    def idle(self) -> int:
        """Processes without a task."""
        return self.is_idle

    def processes(self) -> int:
        """Three, whatever they do."""
        return 3

    def taken(self) -> int:
        """Tasks that were taken."""
        return self.has_taken

    def ring(self, queue: Queue, times: int) -> None:
        """Past the bell."""
        self.rung[queue] += times


class Office(Workshop):
    """A workshop with a bell and one janitor, who comes a thousand times a second where it is started."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings or Settings(janitor_seconds=0.001, lease_seconds=10.0, max_attempts=3))
        self.bell = MemoryDoorbell()
        self.pool = Processes()
        self.janitor = self.hire()

    def hire(self, queues: tuple[Queue, ...] = BOTH, name: str = "worker") -> Janitor:
        """Another janitor, of another worker where it has another name."""
        return Janitor(replace(self.context(), name=name), queues, pool=self.pool, bell=self.bell)

    def rings(self) -> dict[Queue, int]:
        """The rings since the last question; somebody answers them."""
        found = dict(self.bell.rings)
        self.bell.rings.clear()
        return found


@pytest.fixture
def office() -> Office:
    """Where the janitors work."""
    return Office()


@contextmanager
def at_work(*janitors: Janitor) -> Iterator[None]:
    """Janitors that go round by themselves until the end of the block."""
    for each in janitors:
        each.start()
    try:
        yield
    finally:
        for each in janitors:
            each.stop()


def test_it_rings_for_those_that_are_idle(office: Office) -> None:
    """Once for each process or each job, whichever are fewer, in the queue where they wait."""
    office.janitor.round()
    assert office.rings() == {}
    for number in range(3):
        office.submit(spec(), str(number))
    office.janitor.round()
    assert office.rings() == {Queue.INTERACTIVE: 2}
    office.pool.is_idle = 9
    office.janitor.round()
    assert office.rings() == {Queue.INTERACTIVE: 3}
    office.pool.is_idle = 0
    office.janitor.round()
    assert office.rings() == {}


def test_it_does_not_ring_again_before_the_rings_are_answered(office: Office) -> None:
    """However long the queue stands: there are never more rings than processes."""
    office.submit(spec())
    for _ in range(20):
        office.janitor.round()
    assert office.rings() == {Queue.INTERACTIVE: 1}
    office.janitor.round()
    assert office.rings() == {Queue.INTERACTIVE: 1}


def test_it_rings_in_its_own_queues_alone_and_for_its_own_version(office: Office) -> None:
    """Nobody there could take anything else."""
    office.submit(spec())
    other = office.store.of_version("another")
    other.submit(spec=b"{}", content_hash="0", name="", tags=(), runs=1)
    office.hire((Queue.BATCH,)).round()
    assert office.rings() == {}
    office.work_off()
    office.hire((Queue.INTERACTIVE,)).round()
    assert office.rings() == {}


def test_an_experiment_whose_every_ring_is_lost_is_finished(office: Office) -> None:
    """By the janitor's rings alone."""
    experiment_id = office.submit(spec())
    office.janitor.round()
    assert sum(office.rings().values()) == 1
    office.work_off()
    assert office.experiment(experiment_id).outcomes == {"converged": 6}


def test_without_a_broker_it_wakes_its_own_processes(office: Office) -> None:
    """In every round; they take what waits, so nobody is deaf, and the worker lives."""
    office.bell.away = "gone"
    office.submit(spec())
    for number in range(1, 20):
        office.janitor.round()
        assert office.pool.rung == {Queue.INTERACTIVE: number}
        office.pool.has_taken += 1
        office.clock.move(DEAF_SECONDS - 1)
    assert office.ends == []
    assert office.rings() == {}


def test_without_a_broker_a_worker_that_takes_nothing_ends_itself(office: Office) -> None:
    """It is not the broker then."""
    office.bell.away = "gone"
    office.submit(spec())
    office.janitor.round()
    office.clock.move(DEAF_SECONDS + 1)
    office.janitor.round()
    assert len(office.ends) == 1


def test_a_ring_that_lies_there_for_a_round_is_not_waited_for(office: Office) -> None:
    """Its processes look by themselves, once there was time to answer."""
    office.submit(spec())
    office.janitor.round()
    assert office.pool.rung == {}
    office.janitor.round()
    assert office.pool.rung == {Queue.INTERACTIVE: 1}
    assert office.bell.rings == {Queue.INTERACTIVE: 1}


def test_a_worker_that_hears_no_ring_ends_itself_although_it_works(office: Office) -> None:
    """A ring that nobody answers is the proof, whether work waits or not."""
    office.submit(spec())
    office.janitor.round()
    office.work_off()
    assert not office.waiting()
    for _ in range(2):
        office.janitor.round()
        office.clock.move(DEAF_SECONDS - 1)
    office.janitor.round()
    assert len(office.ends) == 1


def test_a_deaf_worker_ends_itself(office: Office) -> None:
    """It has idle processes, and work has waited for long in spite of its rings."""
    office.submit(spec())
    for _ in range(2):
        office.janitor.round()
    office.clock.move(DEAF_SECONDS - 1)
    office.janitor.round()
    assert office.ends == []
    office.clock.move(2.0)
    office.janitor.round()
    assert len(office.ends) == 1
    assert "does not take the work that waits" in office.ends[0]


@pytest.mark.parametrize("sign", ["takes something", "is busy", "nothing waits"])
def test_a_worker_that_is_not_deaf_goes_on(office: Office, sign: str) -> None:
    """Whatever it is in between that tells: the time begins anew."""
    experiment_id = office.submit(spec())
    for number in range(5):
        office.janitor.round()
        office.clock.move(DEAF_SECONDS - 1)
        if sign == "takes something":
            office.pool.has_taken += 1
        elif sign == "is busy":
            office.pool.is_idle = 0
        else:
            office.store.cancel(experiment_id)
            office.bell.rings.clear()
        office.janitor.round()
        office.pool.is_idle = 2
        if sign == "nothing waits":
            experiment_id = office.submit(spec(), str(number))
    assert office.ends == []


def wait_before(office: Office, monkeypatch: pytest.MonkeyPatch, call: str, seconds: float) -> None:
    """Let this call of the store take so long, once."""
    ask = getattr(office.store, call)

    def wait(*args: object, **options: object) -> object:
        monkeypatch.setattr(office.store, call, ask)
        office.clock.move(seconds)
        return ask(*args, **options)

    monkeypatch.setattr(office.store, call, wait)


@pytest.mark.parametrize("call", ["register", "tidy", "work_waiting"])
def test_a_wait_for_a_dead_connection_is_counted(office: Office, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """The worker's own is as dead: it ends itself as soon as it would else; on a new one it has been rung for first."""
    office.submit(spec())
    office.janitor.round()
    wait_before(office, monkeypatch, call, ANSWER_SECONDS + 0.5)
    office.clock.move(RENEWAL * office.settings.janitor_seconds)
    office.janitor.round()
    assert office.bell.hang_ups == (call != "work_waiting")
    office.clock.move(DEAF_SECONDS - ANSWER_SECONDS - 1)
    office.janitor.round()
    assert office.ends == []
    office.clock.move(1.0)
    office.janitor.round()
    assert len(office.ends) == 1


@pytest.mark.parametrize("call", ["register", "tidy", "work_waiting"])
def test_where_everybody_waits_nobody_is_deaf(office: Office, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """A round that takes longer than one dead connection explains: the store is copied, or was away."""
    office.submit(spec())
    office.janitor.round()
    office.clock.move(DEAF_SECONDS - 1)
    wait_before(office, monkeypatch, call, LONGEST_ROUND + 0.5)
    office.janitor.round()
    office.clock.move(DEAF_SECONDS - 0.5)
    office.janitor.round()
    assert office.ends == []
    office.clock.move(1.0)
    office.janitor.round()
    assert len(office.ends) == 1


def test_while_the_store_is_away_nobody_is_deaf(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no telling what waits."""

    def away(*_: object, **__: object) -> object:
        office.clock.move(DEAF_SECONDS)
        asked.set()
        raise StoreUnavailable("away")

    office.submit(spec())
    for _ in range(2):
        office.janitor.round()
    asked = threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(office.store, "work_waiting", away)
        with at_work(office.janitor):
            assert asked.wait(30)
    office.janitor.round()
    assert office.ends == []


def test_a_job_whose_lease_ran_out_comes_back(office: Office) -> None:
    """Its worker was killed; after the third, the job is dead and its experiment says why."""
    experiment_id = office.submit(spec())
    for losses in (1, 2, 3):
        claim = office.claim(f"{experiment_id}.plan")
        office.store.heartbeat(claim, fraction=0.0)
        office.janitor.round()
        assert office.store.jobs(experiment_id)[0].state is JobState.RUNNING
        office.clock.move(office.settings.lease_seconds)
        office.janitor.round()
        assert office.store.jobs(experiment_id)[0].losses == losses
    record = office.experiment(experiment_id)
    assert record.status is ExperimentStatus.FAILED
    assert record.error is not None
    assert "its worker disappeared 3 times" in record.error


@pytest.mark.parametrize("call", ["register", "work_waiting", "look_around", "tidy", "clear_garbage"])
def test_a_round_that_waits_for_the_store_takes_no_lease(
    office: Office, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The store was away for an hour, wherever in the round that was met: nobody could renew anything."""
    claim = office.claim(f"{office.submit(spec())}.plan")
    office.store.heartbeat(claim, fraction=0.0)
    office.janitor.round()
    ask = getattr(office.store, call)

    def wait(*args: object, **options: object) -> object:
        office.clock.move(3600.0)
        return ask(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(office.store, call, wait)
        office.janitor.round()
    office.janitor.round()
    job = office.store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.losses) == (JobState.RUNNING, 0)
    office.clock.move(office.settings.lease_seconds + 1)
    office.janitor.round()
    job = office.store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.losses) == (JobState.QUEUED, 1)


def test_a_slow_link_does_not_keep_lost_work_from_coming_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a round waits for most of its time: heartbeats arrive over such a link, as the janitor's questions do."""

    def slow(call: str) -> None:
        ask = getattr(office.store, call)

        def wait(*args: object, **options: object) -> object:
            office.clock.move(0.5)
            answer = ask(*args, **options)
            office.clock.move(0.5)
            return answer

        monkeypatch.setattr(office.store, call, wait)

    for call in ("register", "tidy", "work_waiting", "look_around", "clear_garbage", "sweep"):
        slow(call)
    for _ in range(2):
        office.janitor.round()
    claim = office.claim(f"{office.submit(spec())}.plan")
    office.store.heartbeat(claim, fraction=0.0)
    killed = office.clock()
    while office.store.jobs(claim.job.experiment_id)[0].state is JobState.RUNNING:
        office.clock.move(1.0)
        office.janitor.round()
    assert office.clock() - killed < 2.5 * office.settings.lease_seconds


def test_an_outage_that_ended_a_round_takes_no_lease(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The janitor gave up waiting, and came again."""
    claim = office.claim(f"{office.submit(spec())}.plan")
    office.store.heartbeat(claim, fraction=0.0)
    office.janitor.round()

    def wait(*_: object, **__: object) -> None:
        office.clock.move(60.0)
        raise StoreUnavailable("away")

    office.clock.move(RENEWAL * office.settings.janitor_seconds)
    with monkeypatch.context() as patched:
        patched.setattr(office.store, "register", wait)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                office.janitor.round()
    office.janitor.round()
    job = office.store.job(claim.job.id)
    assert job is not None
    assert (job.state, job.losses) == (JobState.RUNNING, 0)


def test_a_worker_says_what_hosts_it_tells() -> None:
    """As its settings name them."""
    office = Office(Settings(webhook_hosts="a.example, *", webhook_secret="whsec_" + 32 * "A"))
    office.janitor.round()
    (worker,) = office.store.look_around(Queue.BATCH).workers
    assert worker.tells == "a.example, *"


def test_a_worker_is_known_to_live(office: Office) -> None:
    """On the queues it serves, for as long as its janitor comes by."""
    office.pool.is_idle = 1
    office.hire((Queue.BATCH,), "somebody").round()
    kernel = kernel_id(chosen("auto"))
    worker = LiveWorker(name="somebody", numerics=NUMERICS_VERSION, idle=1, processes=3, kernel=kernel)
    assert [office.store.look_around(queue).workers for queue in BOTH] == [(), (worker,)]
    office.clock.move(REGISTRATION * office.settings.janitor_seconds)
    assert [office.store.look_around(queue).workers for queue in BOTH] == [(), ()]


def test_what_has_not_changed_is_registered_again_only_in_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each registration is a write to the disk of the store; what has changed is said at once."""
    said, register = list[int](), office.store.register

    def note(worker: LiveWorker, **options: Any) -> None:
        said.append(worker.idle)
        register(worker, **options)

    monkeypatch.setattr(office.store, "register", note)
    for _ in range(2):
        office.janitor.round()
    assert said == [2]
    office.pool.is_idle = 1
    for _ in range(2):
        office.janitor.round()
    assert said == [2, 1]
    office.clock.move(RENEWAL * office.settings.janitor_seconds)
    office.janitor.round()
    assert said == [2, 1, 1]


def test_what_an_old_version_left_behind_is_planned_anew(office: Office) -> None:
    """Once no worker of it has been heard of for long enough, by the janitor alone."""
    old = office.store.of_version("old")
    body = spec()
    old.submit(spec=body.canonical(), content_hash=body.content_hash(), name="", tags=(), runs=6)
    office.janitor.round()
    office.clock.move(VERSION_GONE_SECONDS - 1)
    office.hire(name="no janitor").round()
    office.janitor.round()
    (experiment,) = office.store.experiments().experiments
    assert experiment.numerics == "old"
    office.clock.move(2.0)
    office.janitor.round()
    office.work_off()
    experiment = office.experiment(experiment.id)
    assert (experiment.numerics, experiment.outcomes) == (NUMERICS_VERSION, {"converged": 6})


def test_a_store_that_is_full_is_cleared_all_the_same(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no room to plan what an old version left behind, and would never be, if nothing were cleared away."""
    old, body = office.store.of_version("old"), spec()
    old.submit(spec=body.canonical(), content_hash=body.content_hash(), name="", tags=(), runs=6)
    gone = office.submit(body)
    office.store.cancel(gone)
    office.store.delete(gone)

    def full(*_: object, **__: object) -> object:
        raise StoreFull("the store is full")

    monkeypatch.setattr(office.store, "plan_anew", full)
    office.janitor.round()
    office.clock.move(VERSION_GONE_SECONDS + 1)
    office.store.cancel(other := office.submit(spec(scales=(0.7,))))
    office.store.delete(other)
    with pytest.raises(StoreFull):
        office.janitor.round()
    assert office.store.clear_garbage(most=9) == 0


def test_what_a_living_version_has_is_left_to_it(office: Office) -> None:
    """As long as one worker of it is heard of now and then."""
    old = office.store.of_version("old")
    old.submit(spec=b"{}", content_hash="0", name="", tags=(), runs=6)
    for _ in range(4):
        office.janitor.round()
        office.clock.move(VERSION_GONE_SECONDS - 1)
        old.register(LiveWorker(name="o", numerics="old", idle=0), queues=[Queue.INTERACTIVE], seconds=5.0)
        office.janitor.round()
    (experiment,) = office.store.experiments().experiments
    assert experiment.numerics == "old"


def test_a_figure_that_waits_is_rung_for(office: Office) -> None:
    """Its own ring may have been lost; a worker for batches has nothing to do with it."""
    asked = FigureRequest(experiment_id="e", figure="risk", format="png", key="figure:1")
    office.store.request_figure(asked, seconds=30.0)
    office.hire((Queue.BATCH,)).round()
    assert office.rings() == {}
    office.hire((Queue.INTERACTIVE,)).round()
    assert office.rings() == {Queue.INTERACTIVE: 1}


def test_what_no_worker_of_its_version_serves_is_taken_over(office: Office) -> None:
    """A worker for batches plans nothing, however lively it is."""
    old = office.store.of_version("old")
    old.submit(spec=b"{}", content_hash="0", name="", tags=(), runs=6)
    for _ in range(4):
        office.janitor.round()
        office.clock.move(VERSION_GONE_SECONDS - 1)
        old.register(LiveWorker(name="o", numerics="old", idle=0), queues=[Queue.BATCH], seconds=5.0)
        office.janitor.round()
    (experiment,) = office.store.experiments().experiments
    assert experiment.numerics == NUMERICS_VERSION


def test_records_that_nothing_refers_to_are_cleared_away(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the janitor, and by nobody else."""
    cleared: list[int] = []
    monkeypatch.setattr(office.store, "clear_garbage", lambda *, most: cleared.append(most) or 0)
    office.janitor.round()
    office.hire(name="no janitor").round()
    assert len(cleared) == 1


def test_one_of_all_workers_tidies_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others only ask; when it comes no more, another takes its place."""
    found: dict[str, list[bool]] = {}
    tidy = office.store.tidy

    def remember(caller: str, **known: Any) -> Round:
        answer = tidy(caller, **known)
        found.setdefault(caller, []).append(answer.is_janitor)
        return answer

    monkeypatch.setattr(office.store, "tidy", remember)
    first, second = office.hire(name="first"), office.hire(name="second")
    for each in (first, second, first, second):
        each.round()
    assert found == {"first": [True, True], "second": [False, False]}
    office.clock.move(3 * office.settings.janitor_seconds)
    second.round()
    first.round()
    assert found == {"first": [True, True, False], "second": [False, False, True]}


def test_a_store_that_does_not_answer_is_asked_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a defect in one round end all further ones."""
    errors: list[Exception] = [StoreUnavailable("away"), StoreUnavailable("still away"), RuntimeError("a defect")]
    tidy, came_back = office.store.tidy, threading.Event()

    def stumble(caller: str, **known: Any) -> Round:
        if errors:
            raise errors.pop(0)
        came_back.set()
        return tidy(caller, **known)

    monkeypatch.setattr(office.store, "tidy", stumble)
    with at_work(office.janitor):
        assert came_back.wait(30)


def test_a_worker_that_ends_itself_says_so_once(office: Office) -> None:
    """It goes round no more."""
    office.submit(spec())
    with at_work(office.janitor):
        assert eventually(lambda: office.bell.rings)
        office.clock.move(DEAF_SECONDS + 1)
        assert eventually(lambda: not office.janitor._thread.is_alive())
    assert len(office.ends) == 1
