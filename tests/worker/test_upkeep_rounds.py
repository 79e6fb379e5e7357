"""What the janitor clears away: garbage, what nobody refers to, and experiments whose time is over."""

import logging
from typing import Any

import pytest

from jobs.errors import ForeignStore, StoreRefused
from jobs.records import Queue
from jobs.settings import Settings
from tests.jobs.conftest import MovableClock
from tests.jobs.laboratory import Laboratory
from tests.reference.memory_store import MemoryDoorbell, MemoryStore
from worker.context import WorkerContext
from worker.janitor import DEAF_SECONDS, GRACE_SECONDS, MOST_EXPIRED, Janitor

DAY = 86_400.0


class IdlePool:
    """A pool without work."""

    def idle(self) -> int:
        """One process has nothing to do."""
        return 1

    def processes(self) -> int:
        """One."""
        return 1

    def taken(self) -> int:
        """It never had."""
        return 0

    def ring(self, queue: Queue, times: int) -> None:
        """Past the bell."""


class Office:
    """A store, its clock, and a janitor."""

    def __init__(self, **settings: float | None) -> None:
        deployment = Settings.model_validate(settings)
        self.clock = MovableClock()
        self.store = MemoryStore(deployment, self.clock)
        self.laboratory = Laboratory(store=self.store, wait=self.clock.move, store_of=self.store.of_version)
        self.ended: list[str] = []
        self.clocks_differ_by = 0.0
        context = WorkerContext(
            store=self.store,
            settings=deployment,
            name="janitor",
            clock=self.clock,
            wall_clock=lambda: self.clock() + self.clocks_differ_by,
            end_process=self.ended.append,
        )
        self.janitor = Janitor(context, (Queue.BATCH,), pool=IdlePool(), bell=MemoryDoorbell())

    def finished(self, count: int) -> list[str]:
        """The ids of so many experiments that are finished, a second between two of them."""
        ids = []
        for number in range(count):
            ids.append(self.laboratory.submit(str(number)).id)
            self.store.cancel(ids[-1])
            self.clock.move(1.0)
        return ids

    def there(self) -> list[str]:
        """The experiments of the store, the oldest first."""
        return [each.id for each in reversed(self.store.experiments(limit=100).experiments)]


def test_experiments_go_when_their_time_is_over() -> None:
    """A few in each round, the oldest first; what is not finished stays, however old."""
    office = Office(retention_days=2)
    under_way = office.laboratory.submit("under way").id
    finished = office.finished(MOST_EXPIRED + 3)
    office.janitor.round()
    assert office.there() == [under_way, *finished]
    office.clock.move(2 * DAY)
    young = office.laboratory.submit("young").id
    office.store.cancel(young)
    office.janitor.round()
    assert office.there() == [under_way, *finished[MOST_EXPIRED:], young]
    office.janitor.round()
    assert office.there() == [under_way, young]


@pytest.mark.parametrize("seconds", [-30 * DAY, 30 * DAY])
def test_nothing_goes_by_a_clock_that_differs_from_the_machines_own(
    seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody has set the store's clock: what is deleted by it is deleted for good."""
    office = Office(retention_days=2)
    finished = office.finished(1)
    office.clock.move(3 * DAY)
    office.clocks_differ_by = seconds
    office.janitor.round()
    assert office.there() == finished
    assert "nothing is deleted for its age" in caplog.text
    office.clocks_differ_by = 0.0
    office.janitor.round()
    assert office.there() == []


def test_without_a_time_everything_stays() -> None:
    """Ten years."""
    office = Office()
    finished = office.finished(1)
    office.clock.move(3650 * DAY)
    office.janitor.round()
    assert office.there() == finished


def test_what_is_left_of_an_experiment_is_cleared_away(caplog: pytest.LogCaptureFixture) -> None:
    """What it used in the next round; what was written for nobody after a time of grace, and with a line in the log."""
    office = Office()
    claim = office.laboratory.claim_plan(office.laboratory.submit())
    office.store.use_documents(claim, ["used"])
    for name in ("used", "nobody's"):
        office.store.put_document(name, name.encode())
    office.store.fail(claim, "boom", is_hopeless=True)
    office.store.delete(claim.job.experiment_id)
    office.janitor.round()
    assert office.store.document("used") is None
    assert office.store.document("nobody's") == b"nobody's"
    office.clock.move(GRACE_SECONDS + 1)
    with caplog.at_level(logging.INFO):
        office.janitor.round()
    assert office.store.document("nobody's") is None
    assert "document:nobody's is removed" in caplog.text


@pytest.mark.parametrize(
    ("refusal", "reason"), [(ForeignStore("3"), "schema 3"), (StoreRefused("it knows no such user"), "no such user")]
)
def test_a_worker_ends_itself_where_the_store_is_not_its_own(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception, reason: str
) -> None:
    """Or any more: it may have been replaced by that of another version while the worker ran, or not let it in now."""
    office = Office(janitor_seconds=0.001)

    def refuse(*_: object, **__: object) -> None:
        raise refusal

    monkeypatch.setattr(office.store, "register", refuse)
    office.janitor.start()
    office.janitor._thread.join(timeout=20.0)
    assert len(office.ended) == 1
    assert reason in office.ended[0]


@pytest.mark.parametrize(("held", "ends"), [(0.0, 1), (DEAF_SECONDS, 0)])
def test_a_worker_that_the_store_kept_waiting_is_not_deaf(
    monkeypatch: pytest.MonkeyPatch, held: float, ends: int
) -> None:
    """Work has waited for as long as a backup took; without one, for as long, the worker would be deaf."""
    office = Office()
    office.laboratory.planned()
    for _ in range(2):
        office.janitor.round()
    register = office.store.register

    def wait(*arguments: Any, **named: Any) -> None:
        office.clock.move(held)
        register(*arguments, **named)

    monkeypatch.setattr(office.store, "register", wait)
    office.clock.move(DEAF_SECONDS + 1 - held)
    office.janitor.round()
    assert len(office.ended) == ends
