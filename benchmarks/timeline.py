"""The timeline of one sweep in the service: what each core did from the submission to the end, and why it waited."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from benchmarks.living_service import living_service
from benchmarks.spans import FLUSH_SECONDS, Collector, Span, collecting
from benchmarks.sweeps import FIGURE_1, figure_1_like
from benchmarks.turns import Effort
from core.spec.experiment_spec import ExperimentSpec

WORKERS: Final = 2
NOTICED_MS: Final = 5.0
"""A core that waits for longer is told of."""

COLUMNS: Final = 110
PATIENCE_SECONDS: Final = 6 * FLUSH_SECONDS

BEFORE, BEGIN, TRAIN, STORE, BETWEEN, AFTER = "before", "begin", "train", "store", "between", "after"
SIGNS: Final = {"plan": "p", BEGIN: "b", TRAIN: "#", STORE: "s", BEFORE: ".", BETWEEN: ".", AFTER: "."}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """What a process did from `start` to `end`, in milliseconds since the submission.

    A worker's are, one after another: `before` its first batch; then of each batch `begin` (the claim is confirmed,
    data and analysis are read, states are made), `train` (steps, summaries, packing) and `store` (it waits until the
    store has kept runs, or that the batch is done), `between` two batches (the next one is claimed); and `after` its
    last batch.
    """

    what: str
    start: float
    end: float

    @property
    def ms(self) -> float:
        """How long it took."""
        return self.end - self.start


def measure_timeline(effort: Effort) -> dict[str, Any]:
    """Of the grid of Figure 1, in a service that has been at work before."""
    spec = figure_1_like(1.0) if effort.quick else FIGURE_1
    with collecting() as collector, living_service(WORKERS, environment=collector.environment) as service:
        # All processes have connections, and have imported what they need only now and then.
        service.run(_with_seed(spec, 1))
        time.sleep(1.0)
        handle, seconds = service.run(spec)
        spans = _awaited(collector, handle.id, handle.experiment.document["counts"]["jobs"]["total"])
    begun = datetime.fromisoformat(handle.experiment.created_at or "").timestamp()
    plan, workers = timelines(spans, begun, seconds)
    result = told(plan, workers, seconds)
    print("\n".join([*result["picture"], *map(str, result["rows"]), *map(str, result["gaps"])]), flush=True)
    return result


def timelines(
    spans: Sequence[Span], begun: float, seconds: float
) -> tuple[list[tuple[str, float, float]], dict[int, list[Stretch]]]:
    """The steps of the plan, by name, beginning and milliseconds; and what every process did that trained."""
    plan = [each for each in spans if each.name == "plan"]
    within = {each.id for each in plan}
    steps = [
        (each.name, 1e3 * (each.start - begun), 1e3 * (each.end - each.start))
        for each in spans
        if each.id in within or each.parent in within
    ]
    batches: dict[int, list[Span]] = {}
    for each in spans:
        if each.name == "batch":
            batches.setdefault(each.process, []).append(each)
    return steps, {
        process: list(_stretches(own, spans, begun, 1e3 * seconds)) for process, own in sorted(batches.items())
    }


def _stretches(batches: Sequence[Span], spans: Sequence[Span], begun: float, finished: float) -> Iterator[Stretch]:
    def ms(at: float) -> float:
        return 1e3 * (at - begun)

    yield Stretch(what=BEFORE, start=0.0, end=ms(batches[0].start))
    for number, batch in enumerate(batches):
        at = ms(batch.start)
        for part in (each for each in spans if each.parent == batch.id):
            # Whatever is before the first states are there is part of their making.
            start = at if part.name == BEGIN else ms(part.start)
            if start > at:
                yield Stretch(what=TRAIN, start=at, end=start)
            yield Stretch(what=BEGIN if part.name == BEGIN else STORE, start=start, end=ms(part.end))
            at = ms(part.end)
        stop = ms(batches[number + 1].start) if number + 1 < len(batches) else max(finished, at)
        # The heart of the job is stilled, and what is next is claimed.
        yield Stretch(what=BETWEEN if number + 1 < len(batches) else AFTER, start=at, end=stop)


def told(plan: Sequence[tuple[str, float, float]], workers: dict[int, list[Stretch]], seconds: float) -> dict[str, Any]:
    """The timeline as it is kept: a picture, sums for each worker, and every wait that is noticed."""
    planned = [Stretch(what="plan", start=start, end=start + ms) for name, start, ms in plan if name == "plan"]
    named = {f"worker {number}": own for number, own in enumerate(workers.values(), 1)}
    waits = (BEFORE, STORE, BETWEEN, AFTER)
    return {
        "seconds": seconds,
        "picture": [f"{name:9}{_picture(own, 1e3 * seconds)}" for name, own in ({"plan": planned} | named).items()],
        "plan": [{"what": name, "at_ms": start, "ms": ms} for name, start, ms in plan],
        "rows": [
            {"worker": name, "batches": sum(each.what == BEGIN for each in own)}
            | {what: sum(each.ms for each in own if each.what == what) for what in SIGNS if what != "plan"}
            for name, own in named.items()
        ],
        "gaps": [
            {"worker": name, "what": each.what, "at_ms": each.start, "ms": each.ms}
            for name, own in named.items()
            for each in own
            if each.what in waits and each.ms > NOTICED_MS
        ],
    }


def _picture(stretches: Iterable[Stretch], finished: float) -> str:
    """A line of signs, each what most of its part of the time went to."""
    parts = [dict.fromkeys(SIGNS, 0.0) for _ in range(COLUMNS)]
    edges = [finished * column / COLUMNS for column in range(COLUMNS + 1)]
    for each in stretches:
        for part, (start, end) in zip(parts, pairwise(edges), strict=True):
            part[each.what] += max(min(end, each.end) - max(start, each.start), 0.0)
    return "".join(SIGNS[max(part, key=lambda what: part[what])] if any(part.values()) else " " for part in parts)


def _with_seed(spec: ExperimentSpec, seed: int) -> ExperimentSpec:
    document = spec.model_dump(mode="json")
    document["data"]["seed"] = seed
    return ExperimentSpec.model_validate(document)


def _awaited(collector: Collector, experiment_id: str, jobs: int) -> list[Span]:
    """The spans of the experiment, once those of all its jobs have come.

    Raises:
        RuntimeError: some are not sent.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        spans = collector.of_jobs(experiment_id)
        if sum(each.name in {"plan", "batch"} for each in spans) >= jobs:
            return spans
        time.sleep(0.1)
    raise RuntimeError(f"of {jobs} jobs some have not told what they did")
