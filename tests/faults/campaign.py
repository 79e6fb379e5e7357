"""A campaign: load, faults one after the other, the end of the load, and what came of everything accepted."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from stepbias import Client
from stepbias.errors import StepbiasError
from tests.faults.besieged_service import BesiegedService
from tests.faults.client import LoadClient
from tests.faults.fake_clock import FakeClock
from tests.faults.faults import KINDS, Battlefield, Fault
from tests.faults.ledger import Entry, Ledger
from tests.faults.load import wishes
from tests.faults.measure import Watch
from tests.faults.proxy import Proxy
from tests.faults.truth import Runs, complaints, undisturbed

PATIENCE: Final = 120.0
"""No progress for so long is a service that is stuck for good."""

VOLLEY: Final = 50
"""Kills of a storm between two calms."""

VOLLEY_PACE: Final = 0.2
VOLLEY_CALM: Final = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """What a campaign is to do.

    Attributes:
        faults: in their order.
        seed: of the clients' wishes.
        pace: least seconds between the beginnings of two faults, where it is no storm.
        is_storm: volleys of kills, 200 ms apart, whether the service has recovered or not.
        clients: how many submit.
        period: seconds between two submissions of one client.
        longs: the share of specs that take seconds.
        workers: batches trained at a time.
        settings: environment variables of the service.
        has_proxy: whether the server is reached through a proxy.
        faketime: the library by which the server's clock is set; without it that cannot be.
    """

    faults: Sequence[Fault]
    seed: int
    pace: float = 0.0
    is_storm: bool = False
    clients: int = 3
    period: float = 0.8
    longs: float = 0.02
    workers: int = 2
    settings: Mapping[str, str] = field(default_factory=dict)
    has_proxy: bool = True
    faketime: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Strike:
    """A fault as it went: times are seconds since the campaign began, or since the fault was over.

    Attributes:
        hit: processes or connections.
        began_at: when it struck.
        lasted: until it was over.
        restarted_by_hand: the supervisor was gone, and started again by the campaign.
        work_after: from its end to the next run or job done anywhere.
        accepted_after: from its end to the next submission accepted, of those sent after its end.
        is_awaited: the campaign has waited for both; where they are None nevertheless, they did not come in time.
    """

    number: int
    fault: Fault
    hit: int
    began_at: float
    lasted: float
    restarted_by_hand: bool
    work_after: float | None
    accepted_after: float | None
    is_awaited: bool

    def line(self) -> str:
        """One line of JSON."""
        fields = asdict(self)
        return json.dumps(fields.pop("fault") | fields, default=str)


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What came of a campaign.

    Attributes:
        strikes: the faults that were carried out.
        entries: of the ledger, by how they ended and whether that was wished for.
        codes: how submissions were accepted.
        refusals: what clients were answered instead, or what kept an answer from coming.
        failures: reasons of experiments that failed and were retried by their client.
        jobs: of all experiments.
        runs: that these count as done.
        executed_again: jobs that were claimed more than once.
        latencies: seconds from acceptance to the end that a client saw.
        complaints: what is wrong, a sentence each.
        longest_standstill: seconds without progress while there was something to do and no fault held.
        drained_after: seconds from the last submission to the end of everything.
        exit_code: of the service, stopped at the end.
    """

    strikes: list[Strike] = field(default_factory=list)
    entries: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    runs: int = 0
    executed_again: int = 0
    latencies: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    longest_standstill: float = 0.0
    drained_after: float = 0.0
    exit_code: int = -1


class Campaign:
    """One campaign in a directory of its own.

    Args:
        orders: what to do.
        directory: takes the log of the faults, the ledger, and everything of the service.
        say: takes a line for people.
    """

    def __init__(self, orders: Orders, directory: Path, say: Callable[[str], object]) -> None:
        self._orders = orders
        self._directory = directory
        self._say = say
        self._outcome = Outcome()
        self._clock = time.monotonic
        self._began_at = self._clock()

    def run(self) -> Outcome:
        """All of it."""
        with ExitStack() as stack:
            self._set_up(stack)
            self._strike_all()
            self._end_load()
            self._judge()
            self._outcome.exit_code = self._service.stop()
        return self._outcome

    def _set_up(self, stack: ExitStack) -> None:
        orders = self._orders
        proxy = Proxy(self._server_port, random.Random(f"{orders.seed}/proxy")) if orders.has_proxy else None
        if proxy is not None:
            stack.enter_context(proxy)
        clock = None if orders.faketime is None else FakeClock(self._directory / "clock", orders.faketime)
        self._service = BesiegedService(
            self._directory,
            workers=orders.workers,
            settings=orders.settings,
            proxy=None if proxy is None else proxy.port,
            clock=clock,
        )
        self._field = Battlefield(service=self._service, proxy=proxy, clock=clock)
        stack.enter_context(self._service)
        self._ledger = Ledger(self._directory / "ledger.jsonl")
        stack.callback(self._ledger.close)
        self._store = stack.enter_context(self._service.store())
        self._watch = stack.enter_context(Watch(self._store, self._ledger))
        self._clients = [
            LoadClient(
                self._service.url,
                wishes(f"{orders.seed}/{number}", longs=orders.longs),
                self._ledger,
                period=orders.period,
            )
            for number in range(orders.clients)
        ]
        for client in self._clients:
            stack.callback(client.join)
        self._log = stack.enter_context((self._directory / "faults.jsonl").open("w", buffering=1))

    def _server_port(self) -> int:
        return self._service.server_port()

    def _strike_all(self) -> None:
        self._began_at = self._clock()
        for number, fault in enumerate(self._orders.faults, 1):
            time.sleep(self._calm_before(number, fault))
            strike = self._carry_out(number, fault)
            self._outcome.strikes.append(strike)
            self._log.write(strike.line() + "\n")
            self._say(told(strike))

    def _calm_before(self, number: int, fault: Fault) -> float:
        """Seconds to wait before the fault of that number, the first being 1."""
        if self._orders.is_storm:
            return VOLLEY_CALM if number % VOLLEY == 1 else VOLLEY_PACE
        due = self._began_at + number * self._orders.pace
        return max(due - self._clock(), fault.calm)

    def _carry_out(self, number: int, fault: Fault) -> Strike:
        began_at = self._clock()
        with self._watch.holding():
            hit = KINDS[fault.kind].strike(self._field, fault)
            over_at = self._clock()
            by_hand = self._start_again()
        is_awaited = not self._orders.is_storm or number % VOLLEY == 0 or number == len(self._orders.faults)
        return Strike(
            number=number,
            fault=fault,
            hit=hit,
            began_at=began_at - self._began_at,
            lasted=over_at - began_at,
            restarted_by_hand=by_hand,
            work_after=self._watch.await_progress(over_at, PATIENCE) if is_awaited else None,
            accepted_after=self._await_acceptance(over_at) if is_awaited else None,
            is_awaited=is_awaited,
        )

    def _start_again(self) -> bool:
        """Start the service again where its supervisor is gone, or going; whether it was."""
        if not self._service.is_ending():
            return False
        self._service.await_end()
        self._service.start()
        return True

    def _await_acceptance(self, since: float) -> float | None:
        while self._clock() < since + PATIENCE:
            moments = [each.answered_at for each in self._ledger.acceptances[-50:] if each.sent_at > since]
            if moments:
                return min(moments) - since
            time.sleep(0.05)
        return None

    def _end_load(self) -> None:
        ended_at = self._clock()
        for client in self._clients:
            client.end()
        while any(client.is_busy() for client in self._clients) and self._watch.standstill() < PATIENCE:
            time.sleep(0.1)
        for client in self._clients:
            client.join()
            if client.error is not None:
                self._outcome.complaints.append(f"a client stumbled: {client.error!r}")
        self._outcome.drained_after = self._clock() - ended_at

    def _judge(self) -> None:
        outcome, entries = self._outcome, list(self._ledger.entries.values())
        self._say(f"{len(entries)} experiments accepted; now the same undisturbed")
        truth = undisturbed(entry.drawn for entry in entries)
        outcome.longest_standstill = self._watch.longest_standstill
        outcome.refusals = self._ledger.refusals
        outcome.codes = Counter(each.code for each in self._ledger.acceptances)
        outcome.complaints += [f"doubled: {sentence}" for sentence in self._ledger.doubled]
        with Client(self._service.url) as client:
            for entry in entries:
                self._audit(entry, truth, client)

    def _audit(self, entry: Entry, truth: Runs, client: Client) -> None:
        """Count one experiment, and compare it with the truth."""
        outcome, experiment, jobs = self._outcome, self._store.experiment(entry.id), self._store.jobs(entry.id)
        outcome.entries[f"{experiment.status}{', as asked' if entry.is_cancelled else ''}"] += 1
        outcome.failures.update(entry.failures)
        outcome.jobs += len(jobs)
        outcome.runs += experiment.runs_done
        outcome.executed_again += sum(job.attempt > 1 for job in jobs)
        if entry.finished_at is not None:
            outcome.latencies.append(entry.finished_at - entry.accepted_at)
        is_whole = experiment.status == "succeeded"
        try:
            document = client.experiment(entry.id).results()["data_vars"] if is_whole else None
            found = complaints(entry, self._store, truth, document)
        except StepbiasError as error:
            found = [f"lost: {error}"]
        outcome.complaints += [f"{entry.id} ({entry.drawn.name}): {sentence}" for sentence in found]


def told(strike: Strike) -> str:
    """A line about a fault."""
    after = (f"{number:.1f} s" if number is not None else "-" for number in (strike.work_after, strike.accepted_after))
    return (
        f"{strike.number:>4} {strike.began_at:>7.1f} s  {strike.fault.kind:<36} {strike.hit:>3} hit for "
        f"{strike.lasted:>4.1f} s; work goes on after {next(after)}, submissions are accepted after {next(after)}"
        f"{'; started again by hand' if strike.restarted_by_hand else ''}"
    )
