"""What many workers and many runs need of one store: costs that are measured, a model of them, and the two compared.

The model is asked for loads that no machine here can make; how far it is from real servers and workers is measured
where both are to be had, with one, two and four workers. Absolute times are those of the machine they were taken on.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from statistics import median
from typing import Any, Final

from benchmarks.store_costs import (
    BATCH_RUNS,
    NO_DISK,
    WIDE_RUNS,
    Payloads,
    measure_costs,
    measure_costs_of_a_job,
    real_payloads,
)
from benchmarks.store_load import reached
from benchmarks.store_model import MICRO, Costs, Load, Server, simulate
from benchmarks.turns import Effort
from core.analysis.problem import analyse_problem
from core.descent.kernel import chosen, one_thread
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.plan import planned_batches
from core.presets import preset
from core.spec.experiment_spec import Recording
from core.sweep.grid import Grid
from jobs.redis_store.server import sealed_page

WORKERS: Final = (1, 10, 100, 1_000)
MEAN_SECONDS: Final = (0.1, 1.0, 10.0, 60.0, 300.0)
RUNS: Final = (10**6, 10**7, 10**8)
DISKS: Final = (0.1e-3, 1e-3, 5e-3)
"""Seconds for which a disk has a server wait: a fast one of its own, a good one in a cloud, a slow one."""

LATENCY: Final = 0.25e-3
"""Seconds from a worker to the server, in one building."""

BUSY: Final = 0.7
"""The part of the time for which the server's thread may compute: beyond, waiting times grow without bound."""

PATIENCE: Final = 0.1
"""The part of its time for which a worker may wait for the store more than if it were alone."""

ENOUGH: Final = 100_000
"""More workers than anybody has."""

STUB_SECONDS: Final = (0.0, 0.05)
STUBS: Final = (1, 2, 4)
REPETITIONS: Final = 3


def measure_scale(effort: Effort) -> dict[str, Any]:
    """Costs, the comparison with reality, what is foretold, and what runs leave behind."""
    payloads = real_payloads()
    times = 40 if effort.quick else 200
    measured = measure_costs(payloads, times=times)
    _tell_costs(measured["operations"])
    compared = _compared(payloads, times=times // 2, repetitions=1 if effort.quick else REPETITIONS)
    return foretell(measured | {"compared": compared}, payloads)


def foretell(numbers: dict[str, Any], payloads: Payloads) -> dict[str, Any]:
    """What was measured, with what the model makes of it."""
    flush = MICRO * numbers["flush_microseconds"]
    costs = Costs.of(numbers["operations"], flush, (BATCH_RUNS, WIDE_RUNS))
    own = median(each["own_seconds"] for each in numbers["compared"])
    batches = _batches_of_figure_1()
    predicted = _predicted(costs, flush, batches, own)
    most = _most_workers(costs, flush, batches, own)
    return numbers | {"predicted": predicted, "most_workers": most, "left": _left(costs, payloads)}


def _batches_of_figure_1() -> list[tuple[int, float]]:
    """Runs and predicted seconds of the batches that the planner makes of Figure 1, of a mean length of one second."""
    grid = Grid(preset("figure-1", "full"))
    problem = grid.problem_of(0)
    with one_thread():
        found = analyse_problem(dataset_of(problem.data, no_uploads), problem.network, problem.data_key)
        batches = planned_batches(grid, range(len(grid)), found.analysis, chosen("auto"))
    mean = sum(batch.work for batch in batches) / len(batches)
    return [(len(batch.indices), batch.work / mean) for batch in batches]


def _of_mean(batches: Sequence[tuple[int, float]], seconds: float) -> list[tuple[int, float]]:
    return [(runs, seconds * length) for runs, length in batches]


def _compared(payloads: Payloads, *, times: int, repetitions: int) -> list[dict[str, Any]]:
    """Real workers beside the model of them, whose costs are measured anew in each repetition.

    The disk is one that keeps nobody waiting: what others write meanwhile would be in the real numbers alone.
    """
    disk = NO_DISK if NO_DISK.is_dir() else None
    found = []
    for repetition in range(repetitions):
        measured = measure_costs_of_a_job(payloads, times=times, disk=disk)
        flush = MICRO * measured["flush_microseconds"]
        costs = Costs.of(measured["operations"], flush, (BATCH_RUNS, WIDE_RUNS))
        server = Server(flush_cpu=flush, flush_wait=MICRO * measured["disk_microseconds"], cores=os.cpu_count())
        own = 0.0
        for length, workers in product(STUB_SECONDS, STUBS):
            jobs = 800 if length else 5_000
            real = reached(payloads, workers=workers, batch_seconds=length, seconds=3.0, jobs=jobs, disk=disk)
            # What a worker computes for a job is seen where it is alone.
            own = real.own_seconds if workers == 1 else own
            load = Load(workers=workers, batches=[(BATCH_RUNS, length)], own_seconds=own, upkeep=False)
            told = simulate(server, costs, load, seconds=10.0, warm_up=1.0)
            row = {
                "repetition": repetition,
                "batch_seconds": length,
                "workers": workers,
                "jobs": real.jobs,
                "jobs_foretold": told.jobs / told.seconds,
                "server_microseconds": real.server_microseconds,
                "server_microseconds_foretold": told.computed / told.runs / MICRO,
                "utilisation_foretold": told.utilisation,
                "own_seconds": real.own_seconds,
            }
            print(
                f"batches of {length:g} s, {workers} workers: {real.jobs:.0f} jobs a second, foretold "
                f"{row['jobs_foretold']:.0f} ({row['jobs_foretold'] / real.jobs:.2f} of it)",
                flush=True,
            )
            found.append(row)
    return found


def _predicted(costs: Costs, flush: float, batches: Sequence[tuple[int, float]], own: float) -> list[dict[str, float]]:
    found = []
    for seconds, workers in product(MEAN_SECONDS, WORKERS):
        server = Server(flush_cpu=flush, flush_wait=DISKS[1], latency=LATENCY)
        load = Load(workers=workers, batches=_of_mean(batches, seconds), own_seconds=own, polls=100.0)
        # Of few workers with long batches it takes longer until enough has ended.
        span = min(max(20.0, 200.0 * seconds / workers), 6_000.0)
        told = simulate(server, costs, load, seconds=span, warm_up=2.0)
        found.append(
            {
                "mean_seconds": seconds,
                "workers": workers,
                "runs": told.runs / told.seconds,
                "utilisation": told.utilisation,
                "computing": told.computed / told.seconds,
                "claim_median": told.percentile("claim", 50),
                "claim_99": told.percentile("claim", 99),
                "flushes": told.flushes / told.seconds,
                "logged": told.logged / told.seconds,
            }
        )
    return found


def _most_workers(
    costs: Costs, flush: float, batches: Sequence[tuple[int, float]], own: float
) -> list[dict[str, float]]:
    """So many workers a server has time for, by mean length of a batch and by disk."""
    found = []
    for wait, seconds in product(DISKS, MEAN_SECONDS):
        server = Server(flush_cpu=flush, flush_wait=wait, latency=LATENCY)
        load = partial(Load, batches=_of_mean(batches, seconds), own_seconds=own)
        waits_alone = _used(server, costs, load(workers=1))[1]

        def is_enough(workers: int, limit: float = waits_alone + PATIENCE) -> bool:
            busy, waits = _used(server, costs, load(workers=workers))  # noqa: B023 - asked within the round
            return busy > BUSY or waits > limit

        most = 1
        while not is_enough(2 * most) and most < ENOUGH:
            most *= 2
        # Between this and twice as many, to a sixteenth of it.
        for step in (most // 2, most // 4, most // 8, most // 16):
            most += step if step and not is_enough(most + step) else 0
        found.append({"disk_seconds": wait, "mean_seconds": seconds, "workers": most})
    return found


def _used(server: Server, costs: Costs, load: Load) -> tuple[float, float]:
    """The part of the time that the server's thread computes, and that for which a worker waits for its answers."""
    told = simulate(server, costs, load, seconds=max(4.0, 2_000 / load.workers), warm_up=2.0)
    return told.computed / told.seconds, told.waited_for_answers / (load.workers * told.seconds)


def _left(costs: Costs, payloads: Payloads) -> dict[str, dict[str, float]]:
    """Bytes of memory that a run takes for as long as it is kept, and that it adds to the file, by what is recorded."""
    calls = costs.calls
    commit, keys, jobs = calls[f"commit of {BATCH_RUNS} runs"], calls["500 run keys"], calls["100 jobs"]
    kept = commit.kept / BATCH_RUNS + keys.kept / 500 + jobs.kept / 100 / BATCH_RUNS
    once = ("claim", "heartbeat, the first", "end of a job")
    logged = (commit.logged + sum(calls[name].logged for name in once) + jobs.logged / 100) / BATCH_RUNS
    logged += keys.logged / 500
    page = _page_bytes(payloads)
    few = _page_bytes(real_payloads(Recording(points=1)))
    return {
        "curves of 100 points": {"kept": kept, "logged": logged, "results": page},
        "no curves": {"kept": kept - page + few, "logged": logged - page + few, "results": few},
    }


def _page_bytes(payloads: Payloads) -> float:
    return sum(map(len, sealed_page("0" * 16, payloads.runs))) / len(payloads.runs)


def _tell_costs(operations: Mapping[str, Mapping[str, float]]) -> None:
    for name, cost in operations.items():
        print(f"{name:<28}" + "  ".join(f"{part} {value:,.0f}" for part, value in cost.items()), flush=True)
