"""What the main process of a worker does beside its pool: register, ring where work waits, watch itself, tidy up."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, ParamSpec, Protocol, TypeVar

from core.descent.kernel import chosen, kernel_id
from core.identity import NUMERICS_VERSION
from jobs.connection import ANSWER_SECONDS
from jobs.errors import BrokerUnavailable, ExperimentNotFound, ForeignStore, StillActive, StoreRefused, StoreUnavailable
from jobs.ports import Doorbell
from jobs.records import LiveWorker, Queue, Round
from jobs.settings import BEATS_PER_LEASE
from worker.context import WorkerContext

log = logging.getLogger(__name__)

REGISTRATION: Final = 5
"""In rounds: for so long a worker is believed to live that is not heard of."""

RENEWAL: Final = 2
"""In rounds: so often a worker says that it lives where nothing else has changed. Each time is a write to the disk."""

DEAF_SECONDS: Final = 8.0
"""A worker with idle processes that has not answered what rings for so long is deaf: its connection is, or its pool."""

LONGEST_ROUND: Final = ANSWER_SECONDS + 1.0
"""A connection that died unnoticed costs a round one wait for an answer. Where a round waits for longer, as during a
backup or an outage, so does everybody, and nobody is deaf."""

VERSION_GONE_SECONDS: Final = 15.0
"""No worker of another numerics version has been heard of for so long: its experiments are planned anew."""

SAME_TIME_SECONDS: Final = 600.0

MOST_AT_ONCE: Final = 200

AUDITED_AT_ONCE: Final = 20

HEAPS_AT_ONCE: Final = 20
"""A round clears away so many times `MOST_AT_ONCE` pieces: a large experiment goes in a minute, and nobody waits."""

GRACE_SECONDS: Final = 3600.0
"""What nobody refers to may be of somebody who is about to: it is removed after an hour in which nobody touched it."""

MOST_EXPIRED: Final = 10
"""Experiments that are deleted in one round because their time is over."""

SECONDS_OF_A_DAY: Final = 86_400.0

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")


class Pool(Protocol):
    """What is known of a worker's processes."""

    def idle(self) -> int:
        """How many have nothing to do."""
        ...

    def processes(self) -> int:
        """How many there are."""
        ...

    def taken(self) -> int:
        """How many rings have been answered since the start, the pool's own among them."""
        ...

    def ring(self, queue: Queue, times: int) -> None:
        """Have so many of the processes that have nothing to do look at the queue, past the broker."""
        ...


class Janitor:
    """One round every `janitor_seconds`, from a thread of its own; of all workers one tidies up."""

    def __init__(self, context: WorkerContext, queues: tuple[Queue, ...], *, pool: Pool, bell: Doorbell) -> None:
        self._context = context
        self._queues = queues
        self._pool = pool
        self._bell = bell
        self._clock = context.clock
        self._last: float | None = None
        self._tidied = self._ended = context.clock()
        self._away = 0.0
        self._has_failed = False
        self._registered: LiveWorker | None = None
        self._registered_at = 0.0
        self._taken = 0
        self._heard = context.clock()
        self._alone_since: dict[str, float] = {}
        self._rung: frozenset[Queue] = frozenset()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._over.set()
        self._thread.join()

    def round(self) -> None:
        """All that is done in one round."""
        if self._has_failed:
            self._away += self._clock() - self._ended
        self._has_failed = False
        try:
            self._go_round()
        except StoreUnavailable:
            self._has_failed = True
            raise
        finally:
            self._ended = self._clock()

    def _ask(self, call: Callable[_Asked, _Answer], *args: _Asked.args, **options: _Asked.kwargs) -> _Answer:
        """What the store or the bell answers; note for how long it was away.

        A wait by which no heartbeat comes too late is the link's: over a slow one every call takes a while, and those
        of workers that live do too.
        """
        asked = self._clock()
        try:
            return call(*args, **options)
        finally:
            waited = self._clock() - asked
            if waited > self._context.settings.lease_seconds / BEATS_PER_LEASE:
                self._away += waited

    def _go_round(self) -> None:
        began, taken = self._clock(), self._pool.taken()
        self._register()
        # Before the bell, whose troubles are not to keep lost work from coming back.
        found = self._tidy()
        if self._clock() - began >= ANSWER_SECONDS:
            # What has happened to the connection to the store has happened to the bell's as well.
            self._bell.hang_up()
        waits = self._ring_where_work_waits()
        self._end_if_deaf(began, taken, waits=waits)
        if found.is_janitor:
            self._ask(self._context.store.audit, most=AUDITED_AT_ONCE)
            self._delete_expired()
            self._clear_away()
            # At last, for it takes room, which a full store has only once something was cleared away.
            self._take_over_from_other_versions()

    def _delete_expired(self) -> None:
        """Delete what has been finished for longer than the deployment keeps it."""
        days, store = self._context.settings.retention_days, self._context.store
        if days is not None and self._is_of_one_time():
            seconds = days * SECONDS_OF_A_DAY
            for experiment_id in self._ask(store.finished_before, seconds=seconds, most=MOST_EXPIRED):
                # Somebody may have deleted it, or queued it again, meanwhile.
                with suppress(ExperimentNotFound, StillActive):
                    self._ask(store.delete, experiment_id)
                    log.info("experiment %s is deleted: it was finished %g days ago", experiment_id, days)

    def _is_of_one_time(self) -> bool:
        """Whether the store's clock is about that of this machine: what is deleted by a clock is deleted for good."""
        is_near = self._last is not None and abs(self._last - self._context.wall_clock()) < SAME_TIME_SECONDS
        if not is_near:
            log.warning("the clocks of the store and of this machine differ: nothing is deleted for its age")
        return is_near

    def _clear_away(self) -> None:
        for _ in range(HEAPS_AT_ONCE):
            if not self._ask(self._context.store.clear_garbage, most=MOST_AT_ONCE):
                break
        for name in self._ask(self._context.store.sweep, most=MOST_AT_ONCE, grace=GRACE_SECONDS):
            log.info("%s is removed: nothing refers to it", name)

    def _register(self) -> None:
        settings = self._context.settings
        worker = LiveWorker(
            name=self._context.name,
            numerics=NUMERICS_VERSION,
            idle=self._pool.idle(),
            tells=settings.webhook_hosts,
            processes=self._pool.processes(),
            kernel=kernel_id(chosen(settings.kernel)),
        )
        period, now = settings.janitor_seconds, self._clock()
        if worker != self._registered or now - self._registered_at >= RENEWAL * period:
            self._ask(self._context.store.register, worker, queues=self._queues, seconds=REGISTRATION * period)
            self._registered, self._registered_at = worker, now

    def _ring_where_work_waits(self) -> bool:
        """Ring where work waits and processes are idle; whether there was such work, or a ring that nobody answers.

        Where the broker does not answer, and where a ring has waited since the last round, the pool looks at the store
        without it: no work waits for a broker, or for the connection to one.
        """
        idle, waits = self._pool.idle(), False
        for queue in () if self._context.stopping.is_set() or not idle else self._queues:
            # Each of many workers asks this each second: what it costs grows neither with them nor with what waits.
            jobs = self._ask(self._context.store.work_waiting, queue, most=idle)
            rings = self._unanswered(queue)
            waits |= bool(jobs or rings)
            if jobs and rings == 0:
                self._ask(self._bell.ring, queue, jobs)
            if jobs and (rings is None or (rings and queue in self._rung)):
                self._pool.ring(queue, jobs)
            self._rung = self._rung | {queue} if jobs or rings else self._rung - {queue}
        return waits

    def _unanswered(self, queue: Queue) -> int | None:
        """Rings that wait for a worker; None where the broker does not say."""
        try:
            return self._ask(self._bell.unanswered, queue)
        except BrokerUnavailable:
            return None

    def _end_if_deaf(self, began: float, taken: int, *, waits: bool) -> None:
        """End this worker where it has not taken what waits for long; `taken` is as it was when the round began."""
        now = self._clock()
        if now - began > LONGEST_ROUND:
            self._heard = now
        elif not waits or taken != self._taken:
            self._heard = began
        elif now - self._heard > DEAF_SECONDS:
            self._over.set()
            self._context.end_process("it has idle processes and does not take the work that waits")
        self._taken = taken

    def _tidy(self) -> Round:
        store, period = self._context.store, self._context.settings.janitor_seconds
        elapsed = self._clock() - self._tidied - self._away
        found = self._ask(store.tidy, self._context.name, period=period, last=self._last, elapsed=elapsed)
        self._last, self._tidied, self._away = found.at, self._clock(), 0.0
        if found.jump:
            log.warning("the store was away, or its clock was set: leases are moved by %.1f s", found.jump)
        for each in found.lost:
            log.warning(
                "experiment %s, job %s, attempt %d: its lease has run out (%d workers lost so far); the job is %s",
                *(each.experiment_id, each.job_id, each.attempt, each.losses, each.state),
            )
        return found

    def _take_over_from_other_versions(self) -> None:
        """Have what workers of another numerics version will not do any more planned anew."""
        others: set[str] = set()
        for found in (self._ask(self._context.store.look_around, queue) for queue in Queue):
            # By queue: of a version with workers for batches alone, nobody plans.
            others |= {each.numerics for each in found.waiting} - {worker.numerics for worker in found.workers}
        others.discard(NUMERICS_VERSION)
        self._alone_since = {version: self._alone_since.get(version, self._clock()) for version in others}
        for version, since in self._alone_since.items():
            if self._clock() - since > VERSION_GONE_SECONDS:
                for experiment_id in self._ask(self._context.store.plan_anew, version, most=MOST_AT_ONCE):
                    log.warning(
                        "experiment %s is planned anew: it was begun with numerics version %s, and this is version %s",
                        *(experiment_id, version, NUMERICS_VERSION),
                    )

    def _run(self) -> None:
        while not self._over.wait(self._context.settings.janitor_seconds):
            try:
                self.round()
            except StoreRefused as error:
                # Its patience is over. Started again it has the secrets of today, or says why it does not start.
                self._over.set()
                self._context.end_process(str(error))
            except StoreUnavailable as error:
                self._heard, self._alone_since = self._clock(), {}
                log.warning("the store does not answer the janitor: %s", error)
            except ForeignStore as error:
                self._over.set()
                self._context.end_process(str(error))
            except Exception:
                log.exception("the janitor stumbled, and goes on")
