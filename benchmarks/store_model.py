"""One store under load, in virtual time: a single thread that serves who asks, and the workers and clients who do.

The server is what Redis and Valkey are with `appendfsync always`. It takes all requests that have arrived, carries them
out one after another, has the disk take what they wrote, once for all of them, and answers; meanwhile the next ones
arrive. So requests wait for each other, and writes that come together share one fsync.

What a request costs is measured (`benchmarks.store_costs`), what the load is is chosen. Nothing here knows how a
deployment does: that this foretells it is held to real servers and workers (`benchmarks.scale`).
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final, Self

MICRO: Final = 1e-6

KEYS_AT_ONCE: Final = 500
JOBS_AT_ONCE: Final = 100
"""What one call of a plan records, as `benchmarks.store_costs` measures it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: seconds of the server's thread beside those for the disk, whether it writes, bytes logged and kept."""

    name: str
    cpu: float
    writes: bool = field(kw_only=True)
    logged: float = field(default=0.0, kw_only=True)
    kept: float = field(default=0.0, kw_only=True)


@dataclass(frozen=True, slots=True)
class Compute:
    """Seconds that a client computes."""

    seconds: float


NOT_WAITED_FOR: Final = frozenset({"status", "registration", "round of another"})
"""What is asked beside a worker's jobs."""

Deed = Call | Compute | float
"""What a process does next; a number is for how many seconds it does nothing."""

Process = Iterator[Deed]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """What is not a matter of the request.

    Attributes:
        flush_cpu: seconds of the thread for each time that the disk takes what was written.
        flush_wait: seconds that the thread waits for the disk each time.
        latency: seconds from a client to the server, and the same back.
        cores: that the server and everybody who computes share; None where each has its own.
    """

    flush_cpu: float
    flush_wait: float
    latency: float = 0.0
    cores: int | None = None


@dataclass(slots=True)
class Found:
    """What happened in so many seconds after the beginning was over."""

    seconds: float
    computed: float = 0.0
    waited: float = 0.0
    flushes: int = 0
    logged: float = 0.0
    kept: float = 0.0
    jobs: int = 0
    runs: int = 0
    latencies: dict[str, list[float]] = field(default_factory=dict)

    @property
    def utilisation(self) -> float:
        """The part of the time in which the server is at work or waits for its disk."""
        return (self.computed + self.waited) / self.seconds

    @property
    def waited_for_answers(self) -> float:
        """Seconds in which workers have waited for answers, all together."""
        return sum(sum(taken) for name, taken in self.latencies.items() if name not in NOT_WAITED_FOR)

    def percentile(self, name: str, percent: float) -> float:
        """Seconds from asking to the answer that so many per cent of the requests do not exceed."""
        taken = sorted(self.latencies.get(name, [0.0]))
        return taken[min(int(len(taken) * percent / 100), len(taken) - 1)]


class Simulation:
    """A server, and processes that ask it; `begin` them, then `run`."""

    def __init__(self, server: Server, seed: int = 0) -> None:
        self.server, self.random = server, Random(seed)
        self.now = 0.0
        self.found = Found(seconds=0.0)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._arrived: list[tuple[Call, float, Process]] = []
        self._is_serving = False
        self._free = server.cores or 0
        self._want_core: deque[tuple[float, Callable[[], None]]] = deque()

    def begin(self, process: Process) -> None:
        """Let a process begin within the first second, not all at once."""
        self._after(self.random.random(), lambda: self._go_on(process))

    def run(self, seconds: float, *, warm_up: float) -> Found:
        """What happens in so many seconds, after as many as it takes until all is under way."""
        self._until(warm_up)
        self.found = Found(seconds=seconds)
        self._until(warm_up + seconds)
        return self.found

    def _until(self, end: float) -> None:
        while self._agenda and self._agenda[0][0] <= end:
            self.now, _, action = heapq.heappop(self._agenda)
            action()
        self.now = end

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._order), action))

    def _go_on(self, process: Process) -> None:
        deed = next(process, None)
        if isinstance(deed, Call):
            asked = self.now
            self._after(self.server.latency, lambda: self._arrive(deed, asked, process))
        elif isinstance(deed, Compute):
            self._compute(deed.seconds, lambda: self._go_on(process))
        elif deed is not None:
            self._after(deed, lambda: self._go_on(process))

    def _compute(self, seconds: float, then: Callable[[], None]) -> None:
        """Have a core for so long, as soon as one is free."""
        if self.server.cores is None:
            self._after(seconds, then)
        elif self._free:
            self._free -= 1
            self._after(seconds, lambda: self._give_core_back(then))
        else:
            self._want_core.append((seconds, then))

    def _give_core_back(self, then: Callable[[], None]) -> None:
        self._free += 1
        if self._want_core:
            self._compute(*self._want_core.popleft())
        then()

    def _arrive(self, call: Call, asked: float, process: Process) -> None:
        self._arrived.append((call, asked, process))
        if not self._is_serving:
            self._is_serving = True
            # Who arrives before a core is free is served at once with the others.
            self._compute(0.0, self._serve)

    def _serve(self) -> None:
        served, self._arrived = self._arrived, []
        writes = any(call.writes for call, _, _ in served)
        cpu = sum(call.cpu for call, _, _ in served) + writes * self.server.flush_cpu
        waits = writes * self.server.flush_wait
        self.found.computed += cpu
        self.found.waited += waits
        self.found.flushes += writes
        self.found.logged += sum(call.logged for call, _, _ in served)
        self.found.kept += sum(call.kept for call, _, _ in served)
        self._compute(cpu, lambda: self._after(waits, lambda: self._answer(served)))

    def _answer(self, served: Sequence[tuple[Call, float, Process]]) -> None:
        for call, asked, process in served:
            self.found.latencies.setdefault(call.name, []).append(self.now + self.server.latency - asked)
            self._after(self.server.latency, lambda process=process: self._go_on(process))  # type: ignore[misc]
        self._is_serving = bool(self._arrived)
        if self._arrived:
            self._serve()


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """The measured calls, and what they are made of for any number of runs."""

    calls: Mapping[str, Call]
    commit_fixed: Call
    commit_of_run: Call

    @classmethod
    def of(cls, operations: Mapping[str, Mapping[str, float]], flush_cpu: float, sizes: tuple[int, int]) -> Self:
        """Of what was measured; commits were, of batches of these two sizes."""
        calls = {name: _call(name, cost, flush_cpu) for name, cost in operations.items()}
        few, many = (calls[f"commit of {runs} runs"] for runs in sizes)
        of_run = [(getattr(many, part) - getattr(few, part)) / (sizes[1] - sizes[0]) for part in PARTS]
        fixed = [max(getattr(few, part) - each * sizes[0], 0.0) for part, each in zip(PARTS, of_run, strict=True)]
        return cls(calls=calls, commit_fixed=_of_parts(fixed), commit_of_run=_of_parts(of_run))

    def commit(self, runs: int) -> Call:
        """The call that stores so many runs."""
        fixed, each = self.commit_fixed, self.commit_of_run
        return _of_parts([getattr(fixed, part) + runs * getattr(each, part) for part in PARTS])


PARTS: Final = ("cpu", "logged", "kept")


def _of_parts(parts: Sequence[float]) -> Call:
    return Call("commit", parts[0], writes=True, logged=parts[1], kept=parts[2])


def _call(name: str, cost: Mapping[str, float], flush_cpu: float) -> Call:
    cpu = max(MICRO * cost["cpu"] - cost["writes"] * flush_cpu, MICRO)
    return Call(name, cpu, writes=cost["writes"] > 0, logged=cost["bytes_logged"], kept=cost["bytes_kept"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Who asks, and for what.

    Attributes:
        workers: processes that train, each in a worker of its own that looks after itself.
        batches: runs and seconds of the batches, of which each job is one.
        own_seconds: that a worker computes for a job beside its training.
        polls: questions for a status each second.
        heartbeat, checkpoint, round: seconds between two of each.
    """

    workers: int
    batches: Sequence[tuple[int, float]]
    own_seconds: float = 0.0
    polls: float = 0.0
    heartbeat: float = 2.0
    checkpoint: float = 5.0
    round: float = 1.0
    upkeep: bool = True


def simulate(  # noqa: PLR0913 - a server, its load, and for how long
    server: Server, costs: Costs, load: Load, *, seconds: float = 20.0, warm_up: float = 5.0, seed: int = 0
) -> Found:
    """What a store goes through under a load that never ends."""
    simulation = Simulation(server, seed)
    for _ in range(load.workers):
        simulation.begin(_worker(simulation, costs, load))
        if load.upkeep:
            simulation.begin(_upkeep(costs, load))
    if load.polls:
        simulation.begin(_clients(simulation, costs, load.polls))
    return simulation.run(seconds, warm_up=warm_up)


BEFORE: Final = ("heartbeat, the first", "spec", "checkpoint read", "analysis")
"""What a worker asks between the claim and the training."""


def _worker(simulation: Simulation, costs: Costs, load: Load) -> Process:
    calls, part = costs.calls, load.own_seconds / (len(BEFORE) + 3)
    keys, jobs = simulation.random.randrange(KEYS_AT_ONCE), simulation.random.randrange(JOBS_AT_ONCE)
    # At the beginning everybody is somewhere in a batch; in a long one rather than in a short one.
    lengths = [length for _, length in load.batches]
    chosen = simulation.random.choices(load.batches, weights=lengths if any(lengths) else None)
    runs, length = chosen[0]
    yield from _training(calls, load, simulation.random.random() * length)
    while True:
        for call in (costs.commit(runs), calls["end of a job"]):
            yield Compute(part)
            yield call
        simulation.found.jobs += 1
        simulation.found.runs += runs
        # Somebody has planned as much as was done: workers do, in turn.
        keys, jobs = keys + runs, jobs + 1
        for _ in range(keys // KEYS_AT_ONCE):
            yield calls["500 run keys"]
        for _ in range(jobs // JOBS_AT_ONCE):
            yield calls["100 jobs"]
        keys, jobs = keys % KEYS_AT_ONCE, jobs % JOBS_AT_ONCE
        runs, length = simulation.random.choice(load.batches)
        for name in ("claim", *BEFORE):
            yield Compute(part)
            yield calls[name]
        yield from _training(calls, load, length)


def _training(calls: Mapping[str, Call], load: Load, length: float) -> Process:
    """So many seconds, with heartbeats and checkpoints on the way."""
    done, beat, kept = 0.0, load.heartbeat, load.checkpoint
    while done < length:
        until = min(beat, kept, length)
        yield until - done
        done = until
        if done < length and done == beat:
            beat += load.heartbeat
            yield calls["heartbeat"]
        if done < length and done == kept:
            kept += load.checkpoint
            yield calls["checkpoint"]


def _upkeep(costs: Costs, load: Load) -> Process:
    """What the main process of a worker asks whatever its job is: nobody there is idle."""
    while True:
        for names in (("round of another", "registration"), ("round of another",)):
            for name in names:
                yield costs.calls[name]
            yield load.round


def _clients(simulation: Simulation, costs: Costs, polls: float) -> Process:
    while True:
        yield simulation.random.expovariate(polls)
        simulation.begin(_one(costs.calls["status"]))


def _one(call: Call) -> Process:
    yield call
