"""The whole service: overhead over pure training, workers side by side, the cost of a run, planning, bytes stored."""

import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.in_process import planning_seconds, pure_training_seconds, side_by_side_seconds
from benchmarks.living_service import LivingService, living_service
from benchmarks.sweeps import FIGURE_1, TENFOLD, figure_1_like, tiny_runs
from benchmarks.turns import Effort, in_turn, median_ratio
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.store.embedded import embedded_server

WORKERS: Final = (1, 2)
COUNTS: Final = (1_000, 10_000)
LARGE_COUNT: Final = 100_000
PLANNED: Final = 10_000


def measure_service(effort: Effort) -> dict[str, Any]:
    """Everything about the service."""
    counts = COUNTS[:1] if effort.quick else COUNTS + (LARGE_COUNT,) * effort.large
    return {
        "sweep": _sweep(figure_1_like(3.0), rounds=1) if effort.quick else _sweep(FIGURE_1, rounds=2),
        "tenfold": None if effort.quick else _sweep(TENFOLD, rounds=1),
        "tiny_runs": [_tiny(count) for count in counts],
        "planning": _planning(counts[0] if effort.quick else PLANNED),
    }


def _sweep(spec: ExperimentSpec, rounds: int) -> dict[str, Any]:
    """Training alone, in one process and in two side by side, and the service with one worker and with two, in turn."""
    stored: list[float] = []
    taken = in_turn(
        {"training": lambda: pure_training_seconds(spec)}
        | {
            f"processes {count}": lambda count=count: side_by_side_seconds(spec, count)
            for count in WORKERS
            if count > 1
        }
        | {f"workers {count}": lambda count=count: _serve(spec, count, stored) for count in WORKERS},
        rounds,
    )
    pure = taken["training"]
    result: dict[str, Any] = {
        "runs": len(Grid(spec)),
        "max_steps": spec.stopping.max_steps,
        "seconds": {name: statistics.median(values) for name, values in taken.items()},
        "overhead": {str(count): count * median_ratio(taken[f"workers {count}"], pure) - 1 for count in WORKERS},
        "core_seconds_beyond": {
            str(count): statistics.median(
                count * served - alone for served, alone in zip(taken[f"workers {count}"], pure, strict=True)
            )
            for count in WORKERS
        },
        "beyond_processes": {
            str(count): median_ratio(taken[f"workers {count}"], taken.get(f"processes {count}", pure)) - 1
            for count in WORKERS
        },
        "speedup": median_ratio(taken["workers 1"], taken["workers 2"]),
        "store_bytes_per_run": statistics.median(stored),
    }
    print(
        f"figure-1 grid, {result['runs']} runs, {spec.stopping.max_steps} steps at most: {_sentence(result)}, "
        f"two workers {result['speedup']:.2f} × one; {result['store_bytes_per_run']:.0f} bytes of store a run",
        flush=True,
    )
    return result


def _sentence(result: dict[str, Any]) -> str:
    """Seconds of pure training, and of the service beyond that."""
    seconds = result["seconds"]
    alone = ", ".join(
        f"{seconds[name]:.2f} s in {count} processes" for count in WORKERS if (name := f"processes {count}") in seconds
    )
    overheads = ", ".join(
        f"{seconds[f'workers {count}']:.2f} s with {count} worker(s), {overhead:+.1%} of training alone "
        f"({result['core_seconds_beyond'][count]:+.2f} core-seconds), "
        f"{result['beyond_processes'][count]:+.1%} of as many processes"
        for count, overhead in result["overhead"].items()
    )
    return f"{seconds['training']:.2f} s of training alone, {alone}, {overheads}"


def _serve(spec: ExperimentSpec, workers: int, stored: list[float]) -> float:
    with living_service(workers) as service:
        before = _bytes_when_warm(service)
        handle, seconds = service.run(spec)
        stored.append((service.store_bytes() - before) / handle.experiment.runs_total)
    return seconds


def _bytes_when_warm(service: LivingService) -> int:
    """What the store takes for connections and scripts, which it makes once, is not that of any run."""
    service.run(tiny_runs(10))
    return service.store_bytes()


def _tiny(count: int) -> dict[str, Any]:
    """Milliseconds and bytes of store for each of very many runs with nearly nothing to compute."""
    with living_service(max(WORKERS)) as service:
        before = _bytes_when_warm(service)
        _, seconds = service.run(tiny_runs(count))
        stored = service.store_bytes() - before
    result = {"runs": count, "seconds": seconds, "ms_per_run": 1e3 * seconds / count, "bytes_per_run": stored / count}
    print(f"{count} tiny runs: {result['ms_per_run']:.3f} ms and {result['bytes_per_run']:.0f} bytes each", flush=True)
    return result


def _planning(count: int) -> dict[str, Any]:
    """Seconds of the planning job of a sweep whose data set has been analysed before, on the store of the service."""
    with tempfile.TemporaryDirectory(prefix="stepbias-bench-") as directory, embedded_server(Path(directory)) as found:
        store = RedisStore(connect(found[0].url, patience=10.0), Settings())
        analysed = planning_seconds(tiny_runs(10), store)
        seconds = planning_seconds(tiny_runs(count), store)
    print(f"planning {count} runs: {seconds:.2f} s")
    return {"runs": count, "seconds": seconds, "seconds_with_analysis_of_ten_runs": analysed}
